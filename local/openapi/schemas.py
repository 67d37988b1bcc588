"""The schemas of the document, lighter than pydantic and FastAPI write them."""

import re
from typing import Any

from pydantic import TypeAdapter

from shared.http.problems import ProblemDocument

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"

# Below these stand names of the schemas' own or plain values, where `title` is no keyword.
_NAMES = {"properties", "schemas"}
_VALUES = {"const", "default", "enum", "example", "examples"}
_GENERIC = re.compile(r"^([A-Za-z]+)_([A-Za-z]+)_$")


def get_problem_schemas() -> Json:
    """The schema of every error."""
    schema = TypeAdapter(ProblemDocument).json_schema(mode="serialization", ref_template=SCHEMAS + "{model}")
    parts: Json = schema.pop("$defs")
    # Of what every problem has; what only some have would make one that there never is.
    schema["examples"] = [{name: schema["properties"][name]["examples"][0] for name in schema["required"]}]
    return {**parts, ProblemDocument.__name__: schema}


def tidy_schemas(found: Json) -> Json:
    """Schemas, or what holds some, without generated titles, and with names fit for a client's types."""
    tidied: Json = _tidy(found, is_names=True)
    return {_rename(name): schema for name, schema in tidied.items()}


def tidy_parameter(parameter: Json) -> Json:
    """A parameter can be left out, it cannot be null; an example of it would filter a list that is tried."""
    schema = parameter["schema"]
    options = [option for option in schema.pop("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        schema = {**schema, **options[0]}
    elif options:
        schema["anyOf"] = options
    schema.pop("examples", None)
    # The description stands beside it as well.
    schema.pop("description", None)
    return {key: value for key, value in parameter.items() if value is not False} | {"schema": schema}


def _tidy(node: Any, *, is_names: bool = False) -> Any:
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if isinstance(node, float) and node.is_integer():
        # FastAPI makes a float of each limit.
        return int(node)
    if not isinstance(node, dict):
        return node
    return {
        key: _tidy_value(key, value, is_name=is_names)
        for key, value in node.items()
        if is_names or key != "title"
    }


def _tidy_value(key: str, value: Any, *, is_name: bool) -> Any:
    if is_name:
        return _tidy(value)
    if key in _VALUES:
        return value
    if key == "$ref":
        path, _, name = value.rpartition("/")
        return f"{path}/{_rename(name)}"
    return _tidy(value, is_names=key in _NAMES)


def _rename(name: str) -> str:
    """`Page[ProductRead]`, which FastAPI calls `Page_ProductRead_`, as `ProductPage`."""
    generic = _GENERIC.match(name)
    return generic[2].removesuffix("Read").removesuffix("ListItem") + generic[1] if generic else name
