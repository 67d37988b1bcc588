"""What repositories say of their environment: the example file at the root, a hundred of them by one request.

Only the names in it are wanted. The text is here to be read and to be dropped: an example may hold what was
never meant to be in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.github.answers import find_sso_url, quote
from shared.github.complaints import Complaint
from shared.github.graphql import WHOLE, GraphQL, judge

# By the alias under which it is asked for; the first that is there counts.
FILES = {"example": ".env.example", "sample": ".env.sample", "template": ".env.template"}
MAX_BYTES = 64 * 1024

QUERY = """\
query($ids: [ID!]!) {
  rateLimit { cost remaining resetAt }
  viewer { databaseId }
  nodes(ids: $ids) {
    ... on Repository {
      id
      example: object(expression: "HEAD:.env.example") { ...File }
      sample: object(expression: "HEAD:.env.sample") { ...File }
      template: object(expression: "HEAD:.env.template") { ...File }
    }
  }
}
fragment File on GitObject {
  __typename
  ... on Blob { oid byteSize isBinary isTruncated text }
}
"""

# Of a file, or of a repository that is not shown: `Seen` but for what is found.
State = Literal[
    "found",
    "no_file",
    "not_text",
    "too_large",
    "no_permission",
    "missing",
    "sso_required",
    "forbidden",
    "unknown",
]


class _Blob(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)

    kind: Annotated[str, Field(validation_alias="__typename")]
    oid: Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")] = ""
    size: Annotated[int, Field(validation_alias="byteSize")] = 0
    # Null where GitHub cannot tell.
    is_binary: Annotated[bool | None, Field(validation_alias="isBinary")] = None
    is_truncated: Annotated[bool, Field(validation_alias="isTruncated")] = False
    text: Annotated[str | None, Field(repr=False)] = None


@dataclass(frozen=True)
class EnvExample:
    """The example file of a repository, or why there is none to be read."""

    state: State
    file: str | None = None
    oid: str | None = None
    text: str | None = field(default=None, repr=False)
    reason: str | None = None
    """GitHub's own words about a refusal."""


@dataclass(frozen=True)
class EnvExamples:
    """Those of some repositories, by their node ids."""

    found: dict[str, EnvExample]
    sso_url: str | None
    """Where to authorise the token, for one organisation of those that want it."""


def read_env_examples(graphql: GraphQL, node_ids: Sequence[str]) -> EnvExamples:
    """The example files of up to 100 repositories. Raises a `GitHubError` where GitHub says nothing."""
    nodes = graphql.ask(QUERY, node_ids)
    found = {node_id: _read(node, errors) for node_id, (node, errors) in nodes.found.items()}
    return EnvExamples(found, find_sso_url(nodes.response))


def _read(node: object, errors: Sequence[Complaint]) -> EnvExample:
    # Some refusals of a field take the whole node along.
    refused = {error.path[WHOLE]: error for error in errors if len(error.path) > WHOLE}
    for alias, file in FILES.items():
        if alias in refused:
            return _explain(refused[alias])
        if not isinstance(node, Mapping) or alias not in node:
            break
        if node[alias] is not None:
            return _read_file(file, node[alias])
    else:
        return EnvExample("no_file")
    finding = judge(node, errors)
    return EnvExample("unknown" if finding.seen == "found" else finding.seen, reason=finding.reason)


def _read_file(file: str, given: object) -> EnvExample:
    try:
        blob = _Blob.model_validate(given)
    except ValidationError:
        return EnvExample("unknown")
    if blob.kind != "Blob":
        # A folder, or a commit of another repository.
        return EnvExample("not_text", file)
    if blob.is_truncated or blob.size > MAX_BYTES:
        return EnvExample("too_large", file, blob.oid)
    if blob.is_binary or blob.text is None:
        return EnvExample("not_text", file, blob.oid)
    return EnvExample("found", file, blob.oid, blob.text)


def _explain(refusal: Complaint) -> EnvExample:
    """Why a file of a repository that is there cannot be read: metadata needs no right to the contents."""
    if refusal.type == "FORBIDDEN":
        state: State = "sso_required" if refusal.is_saml else "no_permission"
        return EnvExample(state, reason=quote(refusal.message))
    return EnvExample("unknown")
