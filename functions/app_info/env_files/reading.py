"""Reads a file of one of the formats."""

from collections.abc import Callable, Iterator, Mapping

from functions.app_info.env_files.docker_reading import read_docker_lines
from functions.app_info.env_files.dotenv_reading import read_dotenv_lines
from functions.app_info.env_files.json_reading import read_json_members
from functions.app_info.env_files.lines import Line
from functions.app_info.env_files.shell_reading import read_shell_lines
from functions.app_info.env_files.writing import Format

READERS: Mapping[Format, Callable[[str], Iterator[Line]]] = {
    "dotenv": read_dotenv_lines,
    "docker": read_docker_lines,
    "shell": read_shell_lines,
    "json": read_json_members,
}


def read_env_file(content: str, format: Format = "dotenv") -> list[Line]:  # noqa: A002 - the API's word
    """The lines in the order of the file, without blank lines and comments; a key may come twice.

    Raises `CannotRead` for what is not of the format at all.
    """
    return list(READERS[format](content))
