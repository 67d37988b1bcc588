"""Links from the answer that shows a new row to what can be done with it."""

from http import HTTPStatus

from local.openapi.schemas import Json


def link_to_operations_on_the_row(paths: Json) -> None:
    """Tell clients and tests which operations take the id of a row that was just made."""
    for path, operations in paths.items():
        created = operations.get("post", {}).get("responses", {}).get(str(int(HTTPStatus.CREATED)))
        if created is not None and "Location" in created.get("headers", {}):
            created["links"] = {
                operation["operationId"]: {
                    "operationId": operation["operationId"],
                    "parameters": {operation["parameters"][0]["name"]: "$response.body#/id"},
                }
                for other, others in paths.items()
                if other.startswith(f"{path}/{{")
                for operation in others.values()
            }
