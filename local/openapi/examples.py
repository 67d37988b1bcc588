"""An example of each object, put together from the examples of its fields."""

from typing import Any

from local.openapi.sample import TEXTS, find_id, find_parameter, find_sample, find_time, is_always_shown
from local.openapi.schemas import SCHEMAS, Json

# What says enough by its type.
_BY_TYPE: dict[str, Any] = {"boolean": False, "integer": 0, "null": None, "object": {}}


class ExampleMissing(Exception):
    """A text for which an example has to be given, since none can be made up."""


def make_example(schema: Json, schemas: Json, name: str) -> Any:
    """A value that fits: with all that is required, and what is optional and has an example of its own.

    Raises `ExampleMissing`, with the name of the field.
    """
    given = [*_get_sample(name), *schema.get("examples", ()), *_get_constants(schema)]
    if given:
        return given[0]
    if "$ref" in schema:
        found = schema["$ref"].removeprefix(SCHEMAS)
        return make_example(schemas[found], schemas, found)
    if "anyOf" in schema:
        told = [option for option in schema["anyOf"] if _has_example(option, schemas)]
        # Where no option has an example: the last, which is null.
        return make_example((told or schema["anyOf"][::-1])[0], schemas, name)
    if "items" in schema:
        return [make_example(schema["items"], schemas, name)]
    if "properties" in schema:
        return _make_object(schema, schemas, name)
    return _make_up(schema, name)


def add_examples(operation: Json) -> None:
    """Give an operation the examples that no schema of the document has: of parameters and of plain texts.

    Of parameters only those that have to be there: another would filter the list that somebody tries.
    """
    for parameter in operation["parameters"]:
        example = find_parameter(parameter["name"], parameter["schema"])
        if parameter.get("required") and example is not None:
            parameter["example"] = example
    for body in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media_type, content in body.get("content", {}).items():
            if media_type in TEXTS and "$ref" not in content["schema"] and "examples" not in content:
                content["example"] = TEXTS[media_type]


def _get_sample(name: str) -> list[Any]:
    # That of a schema, or of one of its fields behind a dot.
    schema, _, field = name.partition(".")
    sample = find_sample(schema, field)
    return [] if sample is None else [sample]


def _get_constants(schema: Json) -> list[Any]:
    fixed = [schema[keyword] for keyword in ("const", "default") if keyword in schema]
    return [*fixed, *schema.get("enum", ())]


def _make_object(schema: Json, schemas: Json, name: str) -> Json:
    return {
        field: make_example(value, schemas, f"{name}.{field}")
        for field, value in schema["properties"].items()
        if field in schema.get("required", ()) or _has_example(value, schemas) or is_always_shown(name, field)
    }


def _make_up(schema: Json, name: str) -> Any:
    schema_name, _, field = name.partition(".")
    if schema.get("format") == "uuid":
        return find_id(schema_name, field)
    if schema.get("format") == "date-time":
        return find_time(field)
    if schema.get("type") in _BY_TYPE:
        return schema.get("minimum", _BY_TYPE[schema["type"]])
    raise ExampleMissing(name)


def _has_example(schema: Json, schemas: Json) -> bool:
    if "$ref" in schema:
        return _has_example(schemas[schema["$ref"].removeprefix(SCHEMAS)], schemas)
    inner = [schema["items"]] if "items" in schema else schema.get("anyOf", ())
    return not {"properties", "examples"}.isdisjoint(schema) or any(_has_example(s, schemas) for s in inner)
