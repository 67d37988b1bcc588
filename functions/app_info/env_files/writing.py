"""Writes entries as a file of one of the formats."""

from collections.abc import Callable, Mapping
from typing import Literal

from functions.app_info.env_files.docker_format import write_docker_line
from functions.app_info.env_files.dotenv_format import write_dotenv_line
from functions.app_info.env_files.json_format import join_json_members, write_json_member
from functions.app_info.env_files.refusals import CannotWrite, Refusal
from functions.app_info.env_files.shell_format import write_shell_line

Format = Literal["dotenv", "docker", "shell", "json"]
EntryWriter = Callable[[str, str], str | Refusal]

WRITERS: Mapping[Format, EntryWriter] = {
    "dotenv": write_dotenv_line,
    "docker": write_docker_line,
    "shell": write_shell_line,
    "json": write_json_member,
}


def find_name_fault(key: str) -> str | None:
    """Why one of the formats cannot carry a variable of this name; None where all can.

    The database asks the same of an entry of category `env_var`: `private.is_variable_name`.
    """
    refusals = (write_entry(key, "") for write_entry in WRITERS.values())
    return next((refusal.reason for refusal in refusals if isinstance(refusal, Refusal)), None)


def write_env_file(values: Mapping[str, str], format: Format) -> str:  # noqa: A002 - the API's word
    """The file, in the order of the values. Raises `CannotWrite` with every key that cannot be carried."""
    written: list[str] = []
    refusals: list[Refusal] = []
    for key, value in values.items():
        entry = WRITERS[format](key, value)
        if isinstance(entry, Refusal):
            refusals.append(entry)
        else:
            written.append(entry)
    if refusals:
        raise CannotWrite(refusals)
    return join_json_members(written) if format == "json" else "".join(written)
