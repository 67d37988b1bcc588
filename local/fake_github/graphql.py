"""POST /graphql, executed by graphql-core on GitHub's published schema, so wrong field names fail here too.

The errors are built from what people have quoted, as no recording holds any: ARGUMENT_LIMIT from sourcecred
PR 908; NOT_FOUND with path ["nodes", i] beside a null, and 100 ids for 1 point, from what ned2/dashpot
measured in 2026 with nodes that are issues; FORBIDDEN from jasperapp/jasper#187 and fwouts/prmonitor#1042.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from graphql import (
    DocumentNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSyntaxError,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from local.fake_github.account import Account, Owner, Repository
from local.fake_github.bodies import WEB, timestamp
from local.fake_github.reply import Reply, error
from local.fake_github.tokens import Token

SCHEMA = Path(__file__).parents[2] / "node_modules" / "@octokit" / "graphql-schema" / "schema.graphql"
DOCS = "https://docs.github.com/graphql"
# What is longer GitHub cuts.
LONGEST_TEXT = 512_000
MAX_NODE_IDS = 100
INT32_MAX = 2**31 - 1
# Every supported query has no connection, and the minimum of the documented formula is 1.
COST = 1
# Connections of a repository that a token with metadata permission alone may not read (poutine PR 415).
BEYOND_METADATA = {"issues", "pullRequests", "stargazers"}

Source = Mapping[str, Any]


class Refusal(Exception):
    """An error of one field. GitHub writes its type beside the message, not into the extensions."""

    def __init__(
        self, type_: str, message: str, extensions: Mapping[str, Any] | None = None, *, has_path: bool = True
    ) -> None:
        super().__init__(message)
        self.type = type_
        self.extensions = extensions
        self.has_path = has_path


class Withheld(Exception):
    """A null of which the answer says nothing: the query was stopped before it."""


@dataclass
class Asking:
    """One query: who asks, and what has to be said beside the data."""

    account: Account
    token: Token
    shows_next_ids: bool | None
    warnings: list[Mapping[str, Any]] = field(default_factory=list)
    sso_url: str | None = None
    hidden_organizations: set[int] = field(default_factory=set)
    node_count: int = 0

    def __post_init__(self) -> None:
        self.repositories = self.account.by_node_id()
        self.owners = {owner.node_id: owner for owner in self.account.owners().values()}

    def id_of(self, repository: Repository) -> str:
        """The header X-Github-Next-Global-ID decides; without it old repositories keep their old form."""
        if self.shows_next_ids is None:
            return repository.node_id
        return repository.next_node_id if self.shows_next_ids else repository.legacy_node_id


@cache
def schema() -> GraphQLSchema:
    """Half a second of work, for the first query only."""
    return build_schema(SCHEMA.read_text(), assume_valid=True, assume_valid_sdl=True)


@lru_cache(maxsize=100)
def read_query(query: str) -> DocumentNode | list[GraphQLError]:
    """The parsed query, or why GitHub would not execute it."""
    try:
        document = parse(query)
    except GraphQLSyntaxError as problem:
        return [problem]
    return validate(schema(), document) or document


def answer(account: Account, token: Token, body: bytes, next_ids: str | None) -> Reply:
    """The answer to a query that has passed the gates in app.py."""
    try:
        sent = json.loads(body)
    except ValueError:
        return error(400, "Problems parsing JSON", DOCS)
    query = sent.get("query") if isinstance(sent, dict) else None
    if not isinstance(query, str) or not query:
        return Reply.of(
            {"errors": [{"message": "A query attribute must be specified and must be a string."}]}
        )
    document = read_query(query)
    if isinstance(document, list):
        # GitHub's own wording differs; that there is no `data` beside it does not.
        return Reply.of({"errors": [_formatted(problem) for problem in document]})
    if _fails(account, sent.get("variables")):
        reply = timed_out(502, "EFA0:1")
        reply.is_fault = True
        return reply
    asking = Asking(account, token, None if next_ids is None else next_ids == "1")
    account.graphql.spend(COST)
    result = execute_sync(
        schema(),
        document,
        context_value=asking,
        variable_values=sent.get("variables") or {},
        operation_name=sent.get("operationName"),
        field_resolver=_resolve,
        type_resolver=_type_name,
    )
    content: dict[str, Any] = {"data": result.data}
    if told := [e for e in result.errors or [] if not isinstance(e.original_error, Withheld)]:
        content["errors"] = [_formatted(problem) for problem in told]
    if asking.warnings:
        content["extensions"] = {"warnings": asking.warnings}
    reply = Reply.of(content)
    if asking.sso_url is not None:
        # cli/cli#5054 reads the address from this header beside GraphQL errors too.
        reply.headers["x-github-sso"] = f"required; url={asking.sso_url}"
    if asking.hidden_organizations:
        listed = ",".join(map(str, sorted(asking.hidden_organizations)))
        reply.headers["x-github-sso"] = f"partial-results; organizations={listed}"
    return reply


def rate_limited(account: Account) -> Reply:
    """The used-up budget: status 200 and no data.

    Body as quoted in 2026 (yanyongyu/githubkit#271). Earlier ones have the type RATE_LIMITED and no code
    (github/docs#22607); `Account.limited_type` chooses.
    """
    if account.limited_type == "RATE_LIMITED":
        problem = {
            "type": "RATE_LIMITED",
            "message": f"API rate limit exceeded for user ID {account.user.id}.",
        }
    else:
        problem = {
            "type": "RATE_LIMIT",
            "code": "graphql_rate_limit",
            "message": f"API rate limit already exceeded for user ID {account.user.id}.",
        }
    return Reply.of({"errors": [problem]})


def secondarily_limited(message: str) -> Reply:
    """A secondary limit with status 200, which docs.github.com allows GraphQL; its body is not recorded."""
    return Reply.of({"errors": [{"type": "RATE_LIMITED", "message": message}]})


def _fails(account: Account, variables: object) -> bool:
    """Whether GitHub fails on this query for what it asks about."""
    ids = variables.get("ids", []) if isinstance(variables, dict) else []
    troubles, known = account.troubles, account.by_node_id()
    return (troubles.most_ids is not None and len(ids) > troubles.most_ids) or any(
        known[id_].id in troubles.breaking for id_ in ids if id_ in known
    )


def timed_out(status: int, request_id: str) -> Reply:
    """Body of 502 and 504 as quoted in apache/devlake#4349."""
    message = (
        "Something went wrong while executing your query. This may be the result of a timeout, or it could "
        f"be a GitHub bug. Please include `{request_id}` when reporting this issue."
    )
    return Reply.of({"data": None, "errors": [{"message": message}]}, status)


def _formatted(problem: GraphQLError) -> dict[str, Any]:
    """In GitHub's order, the type first."""
    cause = problem.original_error
    found: dict[str, Any] = {}
    if isinstance(cause, Refusal):
        found["type"] = cause.type
    if problem.path is not None and (not isinstance(cause, Refusal) or cause.has_path):
        found["path"] = problem.path
    if isinstance(cause, Refusal) and cause.extensions is not None:
        found["extensions"] = cause.extensions
    if problem.locations:
        found["locations"] = [{"line": place.line, "column": place.column} for place in problem.locations]
    return found | {"message": problem.message}


def _type_name(value: Any, _info: GraphQLResolveInfo[Asking], _type: GraphQLAbstractType) -> str:
    name: str = value["__typename"]
    return name


def _resolve(source: Source | None, info: GraphQLResolveInfo[Asking], **arguments: Any) -> Any:
    """A root field, or what the object says under the field's name."""
    asking = info.context
    if source is None:
        if info.parent_type.name != "Query" or info.field_name not in ROOT:
            raise Refusal("FAKE", f"the fake does not answer {info.parent_type.name}.{info.field_name}")
        return ROOT[info.field_name](asking, **arguments)
    if info.field_name == "object" and info.parent_type.name == "Repository":
        return _object(asking, asking.repositories[source["id"]], **arguments)
    if info.field_name in source:
        return source[info.field_name]
    if info.parent_type.name == "Repository" and info.field_name in BEYOND_METADATA:
        raise _beyond_permissions(asking)
    raise Refusal("FAKE", f"the fake does not answer {info.parent_type.name}.{info.field_name}")


def _beyond_permissions(asking: Asking) -> Refusal:
    asker = "integration" if asking.token.kind == "app_user" else "personal access token"
    return Refusal("FORBIDDEN", f"Resource not accessible by {asker}", {"saml_failure": False})


def _object(asking: Asking, repository: Repository, expression: str = "", oid: str = "") -> Source | None:
    """A path of the default branch. A path that leads nowhere is null, as is all of an empty repository."""
    if not asking.token.reads_files(private=repository.private):
        raise _beyond_permissions(asking)
    branch, colon, path = expression.partition(":")
    if oid or not colon or branch not in {"HEAD", repository.default_branch}:
        raise Refusal("FAKE", f"the fake does not answer the expression {expression}")
    file = repository.files.get(path)
    if file is None or repository.is_empty:
        return None
    if file.kind != "Blob":
        return {"__typename": file.kind, "oid": file.oid}
    return {
        "__typename": "Blob",
        "oid": file.oid,
        "byteSize": len(file.content),
        "isBinary": file.text is None,
        "isTruncated": file.text is not None and len(file.content) > LONGEST_TEXT,
        "text": file.text and file.text[:LONGEST_TEXT],
    }


def _nodes(asking: Asking, ids: list[str]) -> list[Source | Exception]:
    if len(ids) > MAX_NODE_IDS:
        # Quoted in sourcecred PR 908, and measured again in 2026.
        raise Refusal(
            "ARGUMENT_LIMIT", f"You may not provide more than 100 node ids; you provided {len(ids)}."
        )
    asking.node_count += len(ids)
    limit = asking.account.resource_limit
    answered = [_node_or_refusal(asking, id_) for id_ in ids[: None if limit is None else limit.nodes]]
    for number in range(len(ids) - len(answered)):
        is_told = limit is not None and (limit.errors == "each" or number == 0)
        answered.append(
            Refusal(
                "RESOURCE_LIMITS_EXCEEDED",
                "Resource limits for this query exceeded.",
                has_path=limit is not None and limit.errors != "no path",
            )
            if is_told
            else Withheld()
        )
    return answered


def _node_or_refusal(asking: Asking, id_: str) -> Source | Exception:
    try:
        return _node(asking, id_)
    except Refusal as refusal:
        return refusal


def _node(asking: Asking, id: str) -> Source:  # noqa: A002  the schema's name
    repository = asking.repositories.get(id)
    if repository is not None and asking.account.shows(repository, asking.token):
        if id == repository.legacy_node_id:
            asking.warnings.append(_deprecation(repository))
        return _readable(asking, repository)
    if id in asking.owners:
        return _owner(asking.owners[id])
    raise Refusal("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'")


def _repository(asking: Asking, owner: str, name: str, *, followRenames: bool) -> Source:  # noqa: N803  the schema's name
    account, full_name = asking.account, f"{owner}/{name}"
    found = account.by_full_name(full_name)
    if found is None and followRenames and full_name.lower() in account.redirects:
        found = account.repositories[account.redirects[full_name.lower()]]
    if found is None or not account.shows(found, asking.token):
        raise Refusal("NOT_FOUND", f"Could not resolve to a Repository with the name '{full_name}'.")
    return _readable(asking, found)


def _viewer(asking: Asking) -> Source:
    return _owner(asking.account.user)


def _rate_limit(asking: Asking, *, dryRun: bool) -> Source:  # noqa: N803  the schema's name
    """A dry run costs nothing: the schema says that it calculates "without evaluating" the query."""
    budget = asking.account.graphql
    if dryRun:
        budget.remaining = min(budget.limit, budget.remaining + COST)
    return {
        "cost": COST,
        "limit": budget.limit,
        "nodeCount": asking.node_count,
        "remaining": budget.remaining,
        # A moment and not the epoch seconds of the schema's description, as measured.
        "resetAt": timestamp(datetime.fromtimestamp(budget.reset_at, UTC)),
        "used": budget.limit - budget.remaining,
    }


ROOT: Mapping[str, Callable[..., Any]] = {
    "node": _node,
    "nodes": _nodes,
    "rateLimit": _rate_limit,
    "repository": _repository,
    "viewer": _viewer,
}


def _deprecation(repository: Repository) -> Mapping[str, Any]:
    """As GitHub warns since November 2022 (github.blog/changelog/2022-11-10)."""
    old, new = repository.legacy_node_id, repository.next_node_id
    return {
        "type": "DEPRECATION",
        "message": f"The id {old} is deprecated. "
        "Update your cache to use the next_global_id from the data payload.",
        "data": {"legacy_global_id": old, "next_global_id": new},
        "link": "https://docs.github.com",
    }


def _readable(asking: Asking, repository: Repository) -> Source:
    """The repository, unless its organisation or a notice stands before it."""
    sso_url = asking.account.sso_url(repository.owner)
    if sso_url is not None and asking.account.troubles.hides_protected:
        asking.hidden_organizations.add(repository.owner.id)
        raise Refusal("NOT_FOUND", "Could not resolve to a node")
    if sso_url is not None:
        asking.sso_url = sso_url
        kinds = {"oauth": "OAuth token", "app_user": "OAuth token"}
        raise Refusal(
            "FORBIDDEN",
            "Resource protected by organization SAML enforcement. You must grant your "
            f"{kinds.get(asking.token.kind, 'Personal Access token')} access to this organization.",
            {"saml_failure": True},
        )
    if repository.block is not None:
        # Nobody has quoted this one for GraphQL: REST's message, and the type of every other refusal.
        raise Refusal("FORBIDDEN", "Repository access blocked", {"saml_failure": False})
    if repository.id in asking.account.troubles.refusals:
        raise Refusal("FORBIDDEN", asking.account.troubles.refusals[repository.id], {"saml_failure": False})
    fields = _repository_fields(asking, repository)
    if (broken := asking.account.troubles.field_errors.get(repository.id)) is not None:
        return {**fields, broken: Refusal("FORBIDDEN", f"{broken} cannot be told")}
    return fields


def _repository_fields(asking: Asking, repository: Repository) -> Source:
    owns = asking.account.affiliation(repository) == "owner"
    permission: Literal["ADMIN", "WRITE"] = "ADMIN" if owns else "WRITE"
    archived_at = (repository.archived_at or repository.updated_at) if repository.archived else None
    return {
        "__typename": "Repository",
        "id": asking.id_of(repository),
        # `Int` of GraphQL ends at 2³¹-1. What GitHub will answer beyond it nobody knows yet; null is allowed.
        "databaseId": repository.id if repository.id <= INT32_MAX else None,
        "name": repository.name,
        "nameWithOwner": repository.full_name,
        "owner": _owner(repository.owner),
        "description": repository.description,
        "url": f"{WEB}/{repository.full_name}",
        "homepageUrl": repository.homepage,
        "isPrivate": repository.private,
        "visibility": repository.visibility.upper(),
        "isArchived": repository.archived,
        "archivedAt": None if archived_at is None else timestamp(archived_at),
        "isDisabled": False,
        "isEmpty": repository.is_empty,
        "isFork": repository.fork,
        "isLocked": False,
        "lockReason": None,
        "stargazerCount": repository.stars,
        "forkCount": repository.forks,
        "primaryLanguage": _language(repository.language),
        # REST names a branch for an empty repository as well (recorded); GraphQL does not.
        "defaultBranchRef": None if repository.is_empty else _branch(repository),
        "createdAt": timestamp(repository.created_at),
        "updatedAt": timestamp(repository.updated_at),
        "pushedAt": timestamp(repository.pushed_at),
        "viewerPermission": permission,
    }


def _language(name: str | None) -> Source | None:
    return (
        None if name is None else {"__typename": "Language", "id": f"LA_{name}", "name": name, "color": None}
    )


def _branch(repository: Repository) -> Source:
    name = repository.default_branch
    return {
        "__typename": "Ref",
        "id": f"REF_{repository.next_node_id}:{name}",
        "name": name,
        "prefix": "refs/heads/",
    }


def _owner(owner: Owner) -> Source:
    return {
        "__typename": owner.kind,
        "id": owner.node_id,
        "databaseId": owner.id,
        "login": owner.login,
        "name": owner.name,
        "url": f"{WEB}/{owner.login}",
        "avatarUrl": f"https://avatars.githubusercontent.com/u/{owner.id}?v=4",
    }
