"""GitHub's GraphQL, for the one question that Forum has: how are these repositories now?

A hundred of them cost one request and one point, whatever has become of each. Data and errors come together,
so that one repository behind a closed door says nothing about its neighbours.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.github.answers import explain, find_sso_url
from shared.github.calls import TIMEOUT, Calls, Spending
from shared.github.errors import Blocked, NotFound, RateLimited, TokenRejected, Unavailable
from shared.github.limits import get_graphql_retry_at
from shared.github.repository import Count, Int64, without_nul

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
LIMITED = {"RATE_LIMIT", "RATE_LIMITED"}

Seen = Literal["found", "missing", "sso_required", "forbidden", "unknown"]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class _Named(_Read):
    name: str


class RepositoryNode(_Read):
    """A repository by GraphQL's names. The values never show in an error, as with REST's."""

    node_id: Annotated[str, Field(validation_alias="id", min_length=1)]
    # An Int ends at 2^31-1: of newer repositories GraphQL cannot say the number.
    github_id: Annotated[Int64 | None, Field(validation_alias="databaseId")]
    name: Annotated[str, Field(min_length=1)]
    full_name: Annotated[str, Field(validation_alias="nameWithOwner", min_length=1)]
    description: str | None
    url: Annotated[str, Field(pattern=r"^https?://")]
    is_private: Annotated[bool, Field(validation_alias="isPrivate")]
    is_archived: Annotated[bool, Field(validation_alias="isArchived")]
    stars_count: Annotated[Count, Field(validation_alias="stargazerCount")]
    forks_count: Annotated[Count, Field(validation_alias="forkCount")]
    pushed_at: Annotated[datetime | None, Field(validation_alias="pushedAt", strict=False)]
    primary_language: Annotated[_Named | None, Field(validation_alias="primaryLanguage")]
    default_branch_ref: Annotated[_Named | None, Field(validation_alias="defaultBranchRef")]

    def to_item(self, github_id: int) -> dict[str, Any]:
        """As the database takes it. An empty repository has no branch here, which is no news about it."""
        item = self.model_dump(mode="json", exclude={"primary_language", "default_branch_ref"})
        return item | {
            "github_id": github_id,
            "description": without_nul(self.description),
            "language": self.primary_language and self.primary_language.name,
            "default_branch": self.default_branch_ref and self.default_branch_ref.name,
        }


class _RateLimit(_Read):
    cost: int
    remaining: int
    reset_at: Annotated[datetime, Field(validation_alias="resetAt")]


class _Data(_Read):
    rate_limit: Annotated[_RateLimit | None, Field(validation_alias="rateLimit")] = None
    viewer: dict[str, Any] | None = None
    nodes: list[Any] | None = None


class _Error(_Read):
    type: str = ""
    message: str = ""
    path: list[str | int] | None = None
    extensions: dict[str, Any] | None = None


class _Body(_Read):
    data: _Data | None = None
    errors: list[_Error] = []


_BODY = TypeAdapter(_Body)


@dataclass(frozen=True)
class Finding:
    """What GitHub says about one node id. Unknown is what it did not say: never a sign of absence."""

    seen: Seen
    node: RepositoryNode | None = None


@dataclass
class Answer:
    """What GitHub says about some node ids."""

    findings: dict[str, Finding]
    is_token_alive: bool
    """Whether GitHub has named the token's user."""
    sso_url: str | None
    """Where to authorise the token, for one organisation of those that want it."""
    was_too_much: bool
    """Whether GitHub's limit for one query has left something out."""
    unknown: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.unknown = [node_id for node_id, found in self.findings.items() if found.seen == "unknown"]


class GraphQL:
    """GitHub's GraphQL for one token."""

    def __init__(
        self,
        http: httpx.Client,
        url: str,
        token: str,
        *,
        timeout: httpx.Timeout = TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._calls = Calls(http, token, timeout=timeout, clock=clock)
        self._url = httpx.URL(url)

    @property
    def spending(self) -> Spending:
        """What the calls have cost so far."""
        return self._calls.spending

    def read_repositories(self, node_ids: Sequence[str]) -> Answer:
        """What has become of up to 100 repositories. Raises a `GitHubError` where GitHub says nothing.

        What was too much for one query is asked for again, once, in two halves.
        """
        answer = self._read(node_ids)
        if not answer.was_too_much:
            return answer
        left = answer.unknown
        middle = (len(left) + 1) // 2
        answers = [answer, *(self._read(half) for half in (left[:middle], left[middle:]) if half)]
        return Answer(
            {node_id: found for part in answers for node_id, found in part.findings.items()},
            any(part.is_token_alive for part in answers),
            next((part.sso_url for part in answers if part.sso_url), None),
            any(part.was_too_much for part in answers[1:]),
        )

    def _read(self, node_ids: Sequence[str]) -> Answer:
        response = self._calls.post(self._url, {"query": QUERY, "variables": {"ids": list(node_ids)}})
        body = self._read_body(response)
        data = body.data or _Data()
        was_too_much = any(error.type in TOO_MUCH for error in body.errors)
        self._note(data)
        nodes = data.nodes or []
        if len(nodes) != len(node_ids):
            if not was_too_much:
                raise Unavailable(f"GitHub's GraphQL answered without data ({_name_types(body.errors)}).")
            nodes = [None] * len(node_ids)
        refusals = {error.path[1]: error for error in body.errors if _is_about_a_node(error) and error.path}
        findings = {
            node_id: _judge(node, refusals.get(number))
            for number, (node_id, node) in enumerate(zip(node_ids, nodes, strict=True))
        }
        return Answer(findings, data.viewer is not None, find_sso_url(response), was_too_much)

    def _read_body(self, response: httpx.Response) -> _Body:
        now = self._calls.clock()
        if response.status_code != httpx.codes.OK:
            error = explain(response, now)
            if isinstance(error, NotFound | Blocked):
                # The address of the API itself is not there: no word about any repository.
                raise Unavailable(f"GitHub's GraphQL answered with status {response.status_code}.")
            raise error
        try:
            body = _BODY.validate_json(response.content)
        except ValidationError:
            raise Unavailable("GitHub's GraphQL sent a body that cannot be read.") from None
        retry_at = get_graphql_retry_at(
            response.headers,
            [error.message for error in body.errors],
            now,
            is_limited=any(error.type in LIMITED for error in body.errors),
        )
        if retry_at is not None:
            raise RateLimited(retry_at, now)
        if any(error.type == "UNAUTHENTICATED" for error in body.errors):
            raise TokenRejected
        return body

    def _note(self, data: _Data) -> None:
        if data.rate_limit is not None:
            spending = self.spending
            spending.points += data.rate_limit.cost
            spending.remaining, spending.reset_at = data.rate_limit.remaining, data.rate_limit.reset_at


def _is_about_a_node(error: _Error) -> bool:
    """Of a whole node, that is: an error further down concerns a field of a node that is there."""
    match error.path:
        case ["nodes", int()]:
            return True
        case _:
            return False


def _judge(node: object, refusal: _Error | None) -> Finding:
    if isinstance(node, Mapping) and node:
        try:
            return Finding("found", RepositoryNode.model_validate(node))
        except ValidationError:
            return Finding("unknown")
    if refusal is None:
        # Also what is left out beyond a limit, and an id that stands for something else than a repository.
        return Finding("unknown")
    if refusal.type == "NOT_FOUND":
        return Finding("missing")
    if refusal.type == "FORBIDDEN":
        is_sso = (refusal.extensions or {}).get("saml_failure") is True or "SAML" in refusal.message
        return Finding("sso_required" if is_sso else "forbidden")
    return Finding("unknown")


def _name_types(errors: Sequence[_Error]) -> str:
    """Which kinds of errors there were. Their messages may quote a query."""
    types = sorted({error.type for error in errors if re.fullmatch(r"[A-Z_]{1,40}", error.type)})
    return ", ".join(types) or "no type"
