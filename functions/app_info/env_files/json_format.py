"""One JSON object."""

import json

from functions.app_info.env_files.entries import SURROGATE
from functions.app_info.env_files.refusals import Refusal


def write_json_member(key: str, value: str) -> str | Refusal:
    """The member of a key, or why there is none: JSON carries all that is Unicode text."""
    if SURROGATE.search(key + value):
        return Refusal(key, "the key or value holds half of a surrogate pair, which UTF-8 cannot carry")
    return f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"


def join_json_members(members: list[str]) -> str:
    """The object."""
    return "{\n  " + ",\n  ".join(members) + "\n}\n" if members else "{}\n"
