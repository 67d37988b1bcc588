"""GitHub's GraphQL, for the question that Forum has most often: how are these repositories now?

A hundred of them cost one request and one point, whatever has become of each. Data and errors come together,
so that one repository behind a closed door says nothing about its neighbours.
"""

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.github.answers import NOT_ALLOWED, explain, find_sso_url, hides_a_part, quote
from shared.github.calls import TIMEOUT, Calls, Spending, TokenSource
from shared.github.complaints import Body, Complaint
from shared.github.errors import (
    Blocked,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubUnavailable,
    TokenRejected,
)
from shared.github.limits import get_graphql_retry_at
from shared.github.repository import Count, Identifier, Int64, LongName, Name, WebAddress, without_nul
from shared.runtime.deadlines import Deadline

MAX_IDS = 100

# Nothing beyond metadata: a field that a token may not read takes its repository along (poutine PR 415).
QUERY = """\
query($ids: [ID!]!) {
  rateLimit { cost remaining resetAt }
  viewer { databaseId }
  nodes(ids: $ids) {
    ... on Repository {
      id databaseId name nameWithOwner description url isPrivate isArchived
      stargazerCount forkCount pushedAt primaryLanguage { name } defaultBranchRef { name }
    }
  }
}
"""

TOO_MUCH = {"ARGUMENT_LIMIT", "RESOURCE_LIMITS_EXCEEDED"}
# The path of an error about a whole node: "nodes" and its number.
WHOLE = 2
LIMITED = {"RATE_LIMIT", "RATE_LIMITED"}
REFUSED = {"FORBIDDEN", "INSUFFICIENT_SCOPES"}

Seen = Literal["found", "missing", "sso_required", "forbidden", "unknown"]

# For what an answer does not say: no value, and distinguished from null by `model_fields_set`.
_UNREAD: Any = None


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class _Named(_Read):
    name: Identifier


class RepositoryNode(_Read):
    """A repository by GraphQL's names, as far as it was read: of what was not, nothing is news.

    The values never show in an error, as with REST's.
    """

    node_id: Annotated[Identifier, Field(validation_alias="id")]
    # An Int ends at 2^31-1: of newer repositories GraphQL cannot say the number.
    github_id: Annotated[Int64 | None, Field(validation_alias="databaseId")] = None
    name: Name = _UNREAD
    full_name: Annotated[LongName, Field(validation_alias="nameWithOwner")] = _UNREAD
    description: str | None = _UNREAD
    url: WebAddress = _UNREAD
    is_private: Annotated[bool, Field(validation_alias="isPrivate")] = _UNREAD
    is_archived: Annotated[bool, Field(validation_alias="isArchived")] = _UNREAD
    stars_count: Annotated[Count, Field(validation_alias="stargazerCount")] = _UNREAD
    forks_count: Annotated[Count, Field(validation_alias="forkCount")] = _UNREAD
    pushed_at: Annotated[datetime | None, Field(validation_alias="pushedAt", strict=False)] = _UNREAD
    primary_language: Annotated[_Named | None, Field(validation_alias="primaryLanguage")] = _UNREAD
    default_branch_ref: Annotated[_Named | None, Field(validation_alias="defaultBranchRef")] = _UNREAD

    @classmethod
    def read(cls, node: Mapping[str, Any], refused: Collection[str]) -> Self:
        """What can be read of a node. `refused` are the fields that have an error of their own.

        Raises `ValidationError` where not even the id can be read.
        """
        given = {name: value for name, value in node.items() if name not in refused}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            unreadable = {detail["loc"][0] for detail in error.errors(include_input=False, include_url=False)}
            return cls.model_validate({name: given[name] for name in given.keys() - unreadable})

    def to_item(self, github_id: int) -> dict[str, Any]:
        """As the database takes it, which keeps what it knows of a field that is left out.

        An empty repository has no branch here, which says nothing new about it.
        """
        item = self.model_dump(
            mode="json", exclude_unset=True, exclude={"primary_language", "default_branch_ref"}
        )
        item["github_id"] = github_id
        if "description" in item:
            item["description"] = without_nul(self.description)
        for name, field in {"language": "primary_language", "default_branch": "default_branch_ref"}.items():
            if field in self.model_fields_set:
                named: _Named | None = getattr(self, field)
                item[name] = named and named.name
        return item


class _RateLimit(_Read):
    cost: Count
    remaining: Count
    reset_at: Annotated[datetime, Field(validation_alias="resetAt", strict=False)]


_BODY: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


@dataclass(frozen=True)
class Finding:
    """What GitHub says about one node id. Unknown is what it did not say: never a sign of absence."""

    seen: Seen
    node: RepositoryNode | None = None
    reason: str | None = None
    """GitHub's own words about a refusal."""


@dataclass(frozen=True)
class Answer:
    """What GitHub says about some node ids."""

    findings: dict[str, Finding]
    is_token_alive: bool
    """Whether GitHub has named the token's user."""
    sso_url: str | None
    """Where to authorise the token, for one organisation of those that want it."""
    was_too_much: bool
    """Whether GitHub's limit for one query has left something out."""
    hides_a_part: bool
    """Whether what stands behind a single sign-on is left out, as if it were not there."""


@dataclass(frozen=True)
class Nodes:
    """What GitHub answers to a query about some node ids: each node as it came, with its errors."""

    found: dict[str, tuple[object, list[Complaint]]]
    response: httpx.Response
    was_too_much: bool
    is_token_alive: bool


class GraphQL:
    """GitHub's GraphQL for one token."""

    def __init__(  # noqa: PLR0913 - what follows the token is optional and has a name
        self,
        http: httpx.Client,
        url: str,
        token: str,
        *,
        source: TokenSource | None = None,
        deadline: Deadline | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._calls = Calls(http, token, source=source, deadline=deadline, timeout=timeout, clock=clock)
        self._url = httpx.URL(url)

    @property
    def spending(self) -> Spending:
        """What the calls have cost so far."""
        return self._calls.spending

    def read_repositories(self, node_ids: Sequence[str]) -> Answer:
        """What has become of up to 100 repositories, by one request.

        Raises a `GitHubError` where GitHub says nothing. No ids are a question as well: does GitHub answer?
        """
        nodes = self.ask(QUERY, node_ids)
        return Answer(
            {node_id: judge(node, errors) for node_id, (node, errors) in nodes.found.items()},
            nodes.is_token_alive,
            find_sso_url(nodes.response),
            nodes.was_too_much,
            hides_a_part(nodes.response),
        )

    def ask(self, query: str, node_ids: Sequence[str]) -> Nodes:
        """Send a query that has `nodes(ids: $ids)`. Raises a `GitHubError` where GitHub says nothing."""
        response = self._calls.post(self._url, {"query": query, "variables": {"ids": list(node_ids)}})
        body = self._read_body(response)
        was_too_much = any(error.type in TOO_MUCH for error in body.errors)
        nodes = body.data.get("nodes")
        if not isinstance(nodes, list) or len(nodes) != len(node_ids):
            if not was_too_much:
                raise _explain_silence(body.errors)
            nodes = [None] * len(node_ids)
        found = {
            node_id: (node, [error for error in body.errors if error.path[:2] == ["nodes", number]])
            for number, (node_id, node) in enumerate(zip(node_ids, nodes, strict=True))
        }
        return Nodes(found, response, was_too_much, isinstance(body.data.get("viewer"), Mapping))

    def _read_body(self, response: httpx.Response) -> Body:
        now = self._calls.clock()
        if response.status_code != httpx.codes.OK:
            error = explain(response, now)
            if isinstance(error, GitHubNotFound | Blocked):
                # The address of the API itself is not there: no word about any repository.
                raise GitHubUnavailable(f"GitHub's GraphQL answered with status {response.status_code}.")
            raise error
        try:
            body = Body.read(_BODY.validate_json(response.content))
        except ValidationError:
            raise GitHubUnavailable("GitHub's GraphQL sent a body that cannot be read.") from None
        retry_at = get_graphql_retry_at(
            response.headers,
            [error.message for error in body.errors],
            now,
            is_limited=any(error.type in LIMITED for error in body.errors),
        )
        if retry_at is not None:
            limit = GitHubRateLimited(retry_at, now)
            self._calls.note_limit(limit)
            raise limit
        if any(error.type == "UNAUTHENTICATED" for error in body.errors):
            raise TokenRejected
        self._note(body.data.get("rateLimit"))
        return body

    def _note(self, rate_limit: object) -> None:
        try:
            read = _RateLimit.model_validate(rate_limit)
        except ValidationError:
            return
        spending = self.spending
        spending.points += read.cost
        spending.remaining, spending.reset_at = read.remaining, read.reset_at


def judge(node: object, errors: Sequence[Complaint]) -> Finding:
    """One node by its own errors: of the whole node, or of fields of a node that is there."""
    if isinstance(node, Mapping) and node:
        refused = {
            error.path[2] for error in errors if len(error.path) > WHOLE and type(error.path[2]) is str
        }
        try:
            return Finding("found", RepositoryNode.read(node, refused))
        except ValidationError:
            return Finding("unknown")
    refusal = next((error for error in errors if len(error.path) == WHOLE), None)
    if refusal is None:
        # Also what is left out beyond a limit, and an id that stands for something else than a repository.
        return Finding("unknown")
    if refusal.type == "NOT_FOUND":
        return Finding("missing")
    if refusal.type == "FORBIDDEN":
        seen: Seen = "sso_required" if refusal.is_saml else "forbidden"
        return Finding(seen, reason=quote(refusal.message))
    return Finding("unknown")


def _explain_silence(errors: Sequence[Complaint]) -> GitHubError:
    """Why the answer has no node. Only a refusal's message is repeated: others quote a query."""
    refusal = next((error for error in errors if error.type in REFUSED), None)
    if refusal is not None:
        return GitHubForbidden(quote(refusal.message) or NOT_ALLOWED)
    return GitHubUnavailable(f"GitHub's GraphQL answered without data ({_name_types(errors)}).")


def _name_types(errors: Sequence[Complaint]) -> str:
    """Which kinds of errors there were. Their messages may quote a query."""
    types = sorted({error.type for error in errors if re.fullmatch(r"[A-Z_]{1,40}", error.type)})
    return ", ".join(types) or "no type"
