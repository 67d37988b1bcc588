"""What pydantic refuses, in sentences for people.

pydantic's own name regular expressions, and quote characters of what was sent, which may be a secret.
"""

from collections.abc import Mapping
from typing import Any

from shared.entities.base import WITHOUT_NUL

BODY_MISSING = "Send a JSON object as the body."

_WHOLE_NUMBER = "It has to be a whole number."
_TRUE_OR_FALSE = "It has to be true or false."
_ID = "It has to be an id, which is a UUID: 7d9f1c4e-2b5a-4c8e-9a57-3f1f6f0f8f01."
_TIME = "It has to be a time with its offset, such as 2026-11-22T20:30:00Z."
_OBJECT = "It has to be a JSON object."

# By pydantic's types of errors: https://docs.pydantic.dev/latest/errors/validation_errors/
_BY_TYPE = {
    "missing": "This is required.",
    "string_type": "It has to be a text.",
    "string_unicode": "It has to be Unicode text.",
    "string_too_short": "It has to have {min_length} characters or more.",
    "string_too_long": "It can have {max_length} characters at most.",
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "finite_number": _WHOLE_NUMBER,
    "greater_than": "It has to be more than {gt}.",
    "greater_than_equal": "It has to be {ge} or more.",
    "less_than": "It has to be less than {lt}.",
    "less_than_equal": "It has to be {le} or less.",
    "bool_type": _TRUE_OR_FALSE,
    "bool_parsing": _TRUE_OR_FALSE,
    "uuid_type": _ID,
    "uuid_parsing": _ID,
    "uuid_version": _ID,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "timezone_aware": _TIME,
    "literal_error": "It has to be {expected}.",
    "enum": "It has to be {expected}.",
    "list_type": "It has to be a list.",
    "too_short": "It has to have {min_length} or more of them.",
    "too_long": "It can have {max_length} of them at most.",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
}
# Of an error that nothing above knows, nothing is said that could quote what was sent.
_ANY_OTHER = "It is not what the contract (`/openapi.json`) asks for here."


def to_sentence(error: Mapping[str, Any]) -> str:
    """What an error of pydantic means to who has sent the value."""
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            # A validator of ours has said it.
            return str(context["error"])
        case "string_too_short" | "too_short" if context["min_length"] == 1:
            return "It cannot be empty."
        case "string_pattern_mismatch" if context["pattern"] == WITHOUT_NUL:
            return "It cannot have the character U+0000 in it."
        case found:
            return _BY_TYPE.get(found, _ANY_OTHER).format_map(_show_numbers(context))


def _show_numbers(context: Mapping[str, Any]) -> dict[str, str]:
    """Numbers with commas, as in 10,000."""
    return {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in context.items()}
