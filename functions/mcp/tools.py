"""The tools: what each is called, takes and does, and which grant an access token needs for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter

from functions.mcp.documents import Edit, NewDocument, edit_document, write_document
from functions.mcp.finding import Search, search
from functions.mcp.reading import KeyList, Reading, list_keys, read
from functions.mcp.resuming import NoteOfNext, Resume, resume, set_next
from functions.mcp.work import NewWork, WorkChange, WorkList, add_work, list_work, update_work
from shared.database.client import CallersClient

# Of a schema's members what is of no use to a model, which reads all of it in each of its sessions.
_LEFT_OUT = {"title", "pattern", "not", "examples", "format"}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool. Its first line is for whoever chooses among tools of many servers."""

    name: str
    description: str
    arguments: Any
    run: Callable[[CallersClient, Any], str]
    grant: Literal["read", "work", "docs"] = "read"
    is_idempotent: bool = True

    def describe(self) -> dict[str, Any]:
        """The tool as a client is told of it."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": simplify(get_adapter(self.name).json_schema()),
            "annotations": {
                "readOnlyHint": self.grant == "read",
                "destructiveHint": False,
                "idempotentHint": self.is_idempotent,
                "openWorldHint": False,
            },
        }


# In the order in which they are listed.
TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "resume",
            "Start here: what is in progress, what comes next and what has changed, in one product or all.",
            Resume,
            resume,
        ),
        Tool(
            "search",
            "Find products, work, documents, repositories and keys by words, those in titles first.",
            Search,
            search,
        ),
        Tool(
            "read",
            "Read one product, work item, document or repository, with the version that a change has to name."
            " Long texts come in parts.",
            Reading,
            read,
        ),
        Tool(
            "list_work",
            "List work items, the newest first: by default those that are not done.",
            WorkList,
            list_work,
        ),
        Tool(
            "add_work",
            "Add a work item. It starts as todo.",
            NewWork,
            add_work,
            "work",
            is_idempotent=False,
        ),
        Tool(
            "update_work",
            "Change a work item: only the fields that you send. If it has another version by now, nothing is"
            " changed and you get it as it is.",
            WorkChange,
            update_work,
            "work",
        ),
        Tool(
            "set_next",
            "Say what comes next in a product. It takes the place of what was said before.",
            NoteOfNext,
            set_next,
            "work",
        ),
        Tool(
            "write_document",
            "Write a new Markdown document. It never overwrites one: to change one, edit_document.",
            NewDocument,
            write_document,
            "docs",
            is_idempotent=False,
        ),
        Tool(
            "edit_document",
            "Append to a document, prepend to it, or replace one passage of it. What others write stays.",
            Edit,
            edit_document,
            "docs",
            is_idempotent=False,
        ),
        Tool(
            "list_keys",
            "List a product's environment variables, URLs and credentials by name, without any value.",
            KeyList,
            list_keys,
        ),
    )
}


@cache
def get_adapter(name: str) -> TypeAdapter[Any]:
    """What reads the arguments of a tool. Made for the first call that needs it."""
    return TypeAdapter(TOOLS[name].arguments)


def simplify(schema: Any) -> Any:
    """A JSON schema as small as it gets: what can be left out is not said to be null as well."""
    if isinstance(schema, list):
        return [simplify(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("default", ...) is None and "anyOf" in schema:
        (value,) = (inner for inner in schema["anyOf"] if inner != {"type": "null"})
        schema = {
            **value,
            **{name: inner for name, inner in schema.items() if name not in {"anyOf", "default"}},
        }
    small = {
        name: simplify(inner)
        for name, inner in schema.items()
        if name not in _LEFT_OUT and name != "properties"
    }
    if "properties" in schema:
        # The description is the class' own, which is about the class.
        small.pop("description", None)
        small["properties"] = {name: simplify(inner) for name, inner in schema["properties"].items()}
    return small
