"""What each path of GitHub's REST API answers. The gates in front (sign-in, limits, faults) are in app.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from local.fake_github import bodies
from local.fake_github.account import Account, Repository
from local.fake_github.reply import DOCS, Reply, error, not_found
from local.fake_github.tokens import Token

MAX_PER_PAGE = 100
DEFAULT_PER_PAGE = 30
ACCEPTED_TO_READ = "repo"

VISIBILITIES = {"all", "public", "private"}
AFFILIATIONS = {"owner", "collaborator", "organization_member"}
TYPES = {"all": AFFILIATIONS, "owner": {"owner"}, "member": AFFILIATIONS - {"owner"}}
SORTS: Mapping[str, Callable[[Repository], Any]] = {
    "created": lambda r: (r.created_at, r.id),
    "updated": lambda r: (r.updated_at, r.id),
    "pushed": lambda r: (r.pushed_at, r.id),
    "full_name": lambda r: r.full_name.lower(),
}


@dataclass
class Call:
    """A request, as far as an answer depends on it."""

    account: Account
    token: Token
    origin: str
    path: str
    query: list[tuple[str, str]]

    def parameter(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)


def answer(call: Call) -> Reply:  # noqa: PLR0911 - one return for each route
    """The route table. A trailing slash matches nothing, as on GitHub."""
    match call.path.split("/")[1:]:
        case ["user"]:
            return Reply.of(bodies.user_body(call.account, call.origin))
        case ["user", "emails"]:
            return Reply.of(bodies.emails_body(call.account))
        case ["user", "repos"]:
            return _listing(call)
        case ["repositories", number] if number.isdigit():
            return _repository(call, call.account.repositories.get(int(number)))
        case ["repos", owner, name] if owner and name:
            return _repository_by_name(call, f"{owner}/{name}")
        case ["rate_limit"]:
            return Reply.of(bodies.rate_limit_body(call.account))
        case _:
            return not_found()


def _repository_by_name(call: Call, full_name: str) -> Reply:
    found = call.account.by_full_name(full_name)
    moved_to = call.account.redirects.get(full_name.lower())
    if found is not None or moved_to is None:
        return _repository(call, found)
    url = f"{call.origin}/repositories/{moved_to}"
    content = {
        "message": "Moved Permanently",
        "url": url,
        "documentation_url": f"{DOCS}/using-the-rest-api/best-practices-for-using-the-rest-api",
    }
    return Reply.of(content, 301, location=url)


def _repository(call: Call, repository: Repository | None) -> Reply:
    documentation = f"{DOCS}/repos/repos#get-a-repository"
    if repository is None or not call.account.shows(repository, call.token):
        return not_found(documentation)
    sso_url = call.account.sso_url(repository.owner)
    if sso_url is not None:
        return error(
            403,
            "Resource protected by organization SAML enforcement. "
            "You must grant your OAuth token access to this organization.",
            "https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/",
            x_github_sso=f"required; url={sso_url}",
        )
    if (trouble := _find_trouble(call.account, repository, documentation)) is not None:
        return trouble
    if repository.block is not None:
        # Never recorded: body as quoted in github/rest-api-description#3314. Some carry 403 in place of 451.
        return Reply.of({"message": "Repository access blocked", "block": vars(repository.block)}, 451)
    reply = Reply.of(bodies.full_repository_body(call.account, repository, call.origin))
    reply.headers["last-modified"] = repository.updated_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    reply.headers["x-accepted-oauth-scopes"] = ACCEPTED_TO_READ
    return reply


def _find_trouble(account: Account, repository: Repository, documentation: str) -> Reply | None:
    troubles = account.troubles
    if repository.id in troubles.breaking:
        return _failed()
    if repository.id in troubles.unreadable:
        reply = Reply.of({"id": repository.id, "name": None})
        reply.is_fault = True
        return reply
    if repository.id in troubles.refusals:
        return error(403, troubles.refusals[repository.id], documentation)
    return None


def _failed() -> Reply:
    reply = error(502, "Server Error")
    reply.is_fault = True
    return reply


def _listing(call: Call) -> Reply:
    documentation = f"{DOCS}/repos/repos#list-repositories-for-the-authenticated-user"
    if call.parameter("type") and (call.parameter("visibility") or call.parameter("affiliation")):
        conflict = "If you specify visibility or affiliation, you cannot specify type."
        return error(422, conflict, documentation)
    try:
        chosen = _chosen(call)
    except ValueError as problem:
        invalid = [{"resource": "Repository", "code": "invalid", "field": str(problem)}]
        content = {"message": "Validation Failed", "errors": invalid, "documentation_url": documentation}
        return Reply.of(content, 422)
    per_page = min(_number(call.parameter("per_page"), DEFAULT_PER_PAGE), MAX_PER_PAGE)
    page = _number(call.parameter("page"), 1)
    withheld = sorted({r.owner.id for r in chosen if call.account.sso_url(r.owner) is not None})
    shown = [r for r in chosen if r.owner.id not in withheld and r.id not in call.account.troubles.refusals]
    items = shown[(page - 1) * per_page : page * per_page]
    troubles = call.account.troubles
    if page in troubles.failing_pages:
        return _failed()
    described = [
        None if r.id in troubles.unreadable else bodies.repository_body(call.account, r, call.origin)
        for r in items
    ]
    reply = Reply.of(described)
    reply.is_fault = None in described
    if link := _link(call, page, -(-len(shown) // per_page)):
        reply.headers["link"] = link
    if withheld:
        reply.headers["x-github-sso"] = f"partial-results; organizations={','.join(map(str, withheld))}"
    return reply


def _chosen(call: Call) -> list[Repository]:
    """The listing before paging. ValueError names the parameter that GitHub would refuse."""
    account = call.account
    type_ = _member("type", call.parameter("type", "all"), {*TYPES, "public", "private"})
    visibility = _member("visibility", call.parameter("visibility", "all"), VISIBILITIES)
    if type_ in {"public", "private"}:
        visibility = type_
    affiliations = set(TYPES.get(type_, AFFILIATIONS))
    if wanted := call.parameter("affiliation"):
        affiliations = {_member("affiliation", name.strip(), AFFILIATIONS) for name in wanted.split(",")}
    sort = _member("sort", call.parameter("sort", "full_name"), set(SORTS))
    direction = call.parameter("direction", "asc" if sort == "full_name" else "desc")
    since, before = _moment(call, "since"), _moment(call, "before")
    return sorted(
        (
            r
            for r in account.repositories.values()
            if account.shows(r, call.token)
            and (visibility == "all" or r.private == (visibility == "private"))
            and account.affiliation(r) in affiliations
            and (since is None or r.updated_at > since)
            and (before is None or r.updated_at < before)
        ),
        key=SORTS[sort],
        reverse=_member("direction", direction, {"asc", "desc"}) == "desc",
    )


def _member(parameter: str, value: str, allowed: set[str]) -> str:
    if value not in allowed:
        raise ValueError(parameter)
    return value


def _moment(call: Call, parameter: str) -> datetime | None:
    text = call.parameter(parameter)
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as problem:
        raise ValueError(parameter) from problem


def _number(text: str, default: int) -> int:
    """GitHub falls back to its default on nonsense rather than refusing it."""
    return int(text) if text.isdecimal() and int(text) > 0 else default


def _link(call: Call, page: int, last: int) -> str:
    """The relations and their order as in the recording paginate-issues; the sent parameters are kept."""
    others = [(key, value) for key, value in call.query if key != "page"]
    targets = {}
    if page > 1:
        targets["prev"] = page - 1
    if page < last:
        targets |= {"next": page + 1, "last": last}
    if page > 1:
        targets["first"] = 1
    return ", ".join(
        f'<{call.origin}{call.path}?{urlencode([*others, ("page", str(number))])}>; rel="{relation}"'
        for relation, number in targets.items()
    )
