"""PostgREST's and Postgres' error codes as problems: one table, looked up by code, never by HTTP status.

Codes: https://docs.postgrest.org/en/stable/references/errors.html and appendix A of Postgres' manual.
What the database says in words stays inside, except what Forum's own triggers say (`PTxyz`).
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from typing import NamedTuple

from postgrest import APIError

from shared.errors import (
    BodyTooLarge,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    Problem,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UpstreamFailed,
    UpstreamTimedOut,
)

OFFSET_PAST_THE_END = "PGRST103"
# The hint of what one item of a bulk met.
BULK_ITEM = "bulk_item"
# The hint where an account would hold more than it may.
ACCOUNT_LIMIT = "account_limit"
# The hint where an access token lacks a grant.
TOKEN_SCOPE = "token_scope"  # noqa: S105 - a name

_CONSTRAINT = re.compile(r'constraint "(\w+)"')


class Rule(NamedTuple):
    """What a violated constraint means to a client."""

    pointer: str
    detail: str


def _as_conflict(error: APIError) -> Problem:
    return Conflict(_say_rule(error, "What is stored refuses this."), errors=_explain(error))


def _as_invalid(error: APIError) -> Problem:
    return Invalid(_say_rule(error, "A value breaks a rule of the database."), errors=_explain(error))


def _as_reference(error: APIError) -> Problem:
    return Conflict(
        _say_rule(
            error,
            "A row that this one points at does not exist, or the change would leave others without theirs.",
        ),
        type="reference",
        errors=_explain(error),
    )


def _as_unavailable(_: APIError) -> Problem:
    return Unavailable("The database does not answer now. Try again.")


def _as_refused_token(_: APIError) -> Problem:
    return Unauthorized("The database does not accept the token. Sign in again.")


def _as_forbidden(error: APIError) -> Problem:
    # Whoever signs in cannot name another's row in what they write. Of a token, it is another product.
    if "row-level security" in (error.message or ""):
        return _as_another_product(error)
    return Forbidden("The database does not allow this.")


def _as_another_product(_: APIError) -> Problem:
    return Forbidden(
        "This access token is for another product. Use one that is for this product, or for all.",
        type="token-scope",
        errors=[FieldError(detail="The token is for another product.", pointer="/product_id")],
    )


def _as_missing_grant(error: APIError) -> Problem:
    needed = str(error.details)
    return Forbidden(
        f"This access token does not have the grant `{needed}`. Make another one that has it.",
        type="token-scope",
        required=needed,
    )


def _as_too_many_tokens(_: APIError) -> Problem:
    return Conflict("You have 50 active access tokens. Revoke one first.", type="too-many-tokens")


# Of what an account may hold so many.
_LIMITED = {"work_items": "work items", "app_info": "entries of app info"}


def _as_account_limit(error: APIError) -> Problem:
    reached = json.loads(str(error.details))
    name, most, in_trash = reached["limit"], reached["most"], reached.get("trash_bytes")
    advice = "Delete what you do not need."
    if in_trash:
        advice = f"{in_trash:,} of them are in the trash: delete its sets for good, or what you do not need."
    return Forbidden(
        f"Your account may hold {most:,} {_LIMITED.get(name, name)}, and would hold more. {advice}",
        type="account-limit",
        limit=name,
        most=most,
    )


def _as_missing_parent(error: APIError) -> Problem:
    if not error.details:
        return Conflict(
            "The product of these rows is gone for good, so that they cannot be restored.",
            type="trash-parent",
        )
    return Conflict(
        "The product of these rows is in the trash, too. Restore it first: its set is `trash_id`.",
        type="trash-parent",
        trash_id=str(error.details),
    )


def _as_trash_conflict(error: APIError) -> Problem:
    return Conflict(
        "The places of some of these rows are taken. Send `on_conflict` as `skip` to leave them in the trash,"
        " or as `rename` to give entries another key.",
        type="trash-conflict",
        conflicts=json.loads(str(error.details)),
    )


def _as_import_conflict(error: APIError) -> Problem:
    met = json.loads(str(error.details))
    return Conflict(
        "A row is there and differs, or another has its place. Send `on_conflict` as `skip` to leave those.",
        type="import-conflict",
        errors=[FieldError(detail=f"In conflict: {met['reason']}.", pointer=f"/lines/{met['index']}")],
    )


def _as_invalid_import(error: APIError) -> Problem:
    met = json.loads(str(error.details))
    return Invalid(
        "A line can be no row here. Nothing is imported.",
        errors=[FieldError(detail=f"It can be no row: {met['reason']}.", pointer=f"/lines/{met['index']}")],
    )


def _as_ambiguous_passage(error: APIError) -> Problem:
    count = int(str(error.details))
    often = "10 times or more" if count == 10 else f"{count} times"  # noqa: PLR2004 - the database counts no further
    return Conflict(
        f"The document has this passage {often}. Send more of what stands around the one that you mean.",
        type="passage-ambiguous",
        errors=[FieldError(detail=f"It occurs {often}.", pointer="/find")],
        count=count,
    )


def _as_unclear_product(detail: str) -> Callable[[APIError], Problem]:
    return lambda error: Conflict(detail, type="product-unclear", products=json.loads(str(error.details)))


def _as_unclear_repository(error: APIError) -> Problem:
    detail = (
        "The product has no such repository."
        if str(error.details) == "0"
        else "The product has several repositories of this name. Send the id of the one that you mean."
    )
    return Conflict(
        detail, type="repository-unclear", errors=[FieldError(detail=detail, pointer="/repository")]
    )


def _as_timeout(_: APIError) -> Problem:
    return UpstreamTimedOut(
        "The database took too long and changed nothing. Send less at once: fewer items, shorter texts."
    )


def _as_timeout_of_a_read(_: APIError) -> Problem:
    return UpstreamTimedOut("The database took too long. Ask for less: a smaller `limit`, a narrower filter.")


def _as_locked(_: APIError) -> Problem:
    return Unavailable(
        "Another request is changing the same rows now. Nothing is changed by this one: send it again.",
        retry_after=1,
    )


def _as_key_under_way(_: APIError) -> Problem:
    message = "A request with this Idempotency-Key is under way. Send it again for its result."
    return Conflict(
        message,
        type="idempotency-key-in-use",
        errors=[FieldError(detail=message, parameter="Idempotency-Key")],
        headers={"Retry-After": "1"},
    )


def _as_refused_transition(error: APIError) -> Problem:
    allowed = str(error.details).split(",")
    return Conflict(
        f"{error.message}. Allowed: {', '.join(allowed)}.",
        type="status-transition",
        errors=[FieldError(detail=f"Allowed: {', '.join(allowed)}.", pointer="/status")],
        allowed=allowed,
    )


def _as_github_owned(error: APIError) -> Problem:
    columns = str(error.details).split(",")
    return Conflict(
        "GitHub owns these columns of an imported repository: they change with the next import or re-sync.",
        type="github-owned",
        errors=[FieldError(detail="Owned by GitHub.", pointer=f"/{column}") for column in columns],
    )


def _as_running_sync(error: APIError) -> Problem:
    return Conflict(
        "A re-sync is under way. Look at its run.", type="sync-running", run_id=str(error.details)
    )


def _as_not_missing(error: APIError) -> Problem:
    ids = [int(number) for number in str(error.details).split(",")]
    return NotFound(
        "Some of these repositories are not missing on GitHub, as far as the newest re-sync knows.",
        type="not-missing",
        github_ids=ids,
    )


def _seconds_until(moment: object) -> int:
    """How long to wait for the moment that a refusal names, never too short."""
    retry_at = datetime.fromisoformat(str(moment))
    return max(1, ceil((retry_at - datetime.now(UTC)).total_seconds()))


def _as_too_many_reveals(error: APIError) -> Problem:
    return TooManyRequests(
        "10,000 secrets of this account were revealed within an hour. Try again in `Retry-After` seconds.",
        retry_after=_seconds_until(error.details),
        type="too-many-reveals",
    )


def _as_too_many_writes(error: APIError) -> Problem:
    reached = json.loads(str(error.details))
    return TooManyRequests(
        f"Your account may send {reached['most']:,} requests a minute that change something, and has."
        " Try again in `Retry-After` seconds, or send many rows in one request: `…/bulk`.",
        retry_after=_seconds_until(reached["retry_at"]),
        type="too-many-writes",
        limit="writes_per_minute",
        most=reached["most"],
    )


def _as_github_limit(error: APIError) -> Problem:
    return TooManyRequests(
        "GitHub's rate limit is exhausted for now.",
        retry_after=_seconds_until(error.details),
        type="github-rate-limited",
    )


def _as_bulk_item(error: APIError) -> Problem:
    """The problem that one item of a bulk request met, as for a request of its own, with the item's index."""
    met = json.loads(str(error.details))
    problem = to_single_problem(error)
    # What a token may do, or an account may hold, is not about the item that met it first.
    return problem if met["hint"] in {TOKEN_SCOPE, ACCOUNT_LIMIT} else problem.locate(met["index"])


def to_single_problem(error: APIError) -> Problem:
    """As `to_problem`, where a function that takes many items was called with the only one of a request."""
    if error.hint != BULK_ITEM:
        return to_problem(error)
    met = json.loads(str(error.details))
    inner = APIError(
        {"code": error.code, "message": error.message, "details": met["detail"], "hint": met["hint"]}
    )
    problem = to_problem(inner)
    if not problem.errors and met.get("column"):
        problem.errors = [FieldError(detail="The database refuses this value.", pointer=f"/{met['column']}")]
    if met.get("current") is not None:
        problem.extensions["current"] = met["current"]
    return problem


_BY_CODE: dict[str, Callable[[APIError], Problem]] = {
    "23505": _as_conflict,
    "23P01": _as_conflict,
    "23503": _as_reference,
    "23001": _as_reference,
    "23502": _as_invalid,
    "23514": _as_invalid,
    "22001": _as_invalid,
    "22003": _as_invalid,
    "22007": _as_invalid,
    "22008": _as_invalid,
    "22021": _as_invalid,
    "22023": _as_invalid,
    "22P02": _as_invalid,
    "22P05": _as_invalid,
    "54000": _as_invalid,
    "54001": _as_invalid,
    "42501": _as_forbidden,
    "PT404": lambda _: NotFound("There is no such row."),
    "PT412": lambda _: PreconditionFailed("The row has another version by now. Look at `current`."),
    "PT422": _as_invalid,
    "57014": _as_timeout,
    "PGRST003": _as_timeout,
    "40P01": _as_unavailable,
    "55P03": _as_locked,
    "57P01": _as_unavailable,
    "57P02": _as_unavailable,
    "57P03": _as_unavailable,
    "PGRST000": _as_unavailable,
    "PGRST001": _as_unavailable,
    "PGRST002": _as_unavailable,
    "PGRST301": _as_refused_token,
    "PGRST302": _as_refused_token,
    "PGRST303": _as_refused_token,
    # A gateway in front of PostgREST that answers without its JSON leaves only the status.
    "401": _as_refused_token,
    "503": _as_unavailable,
    "504": _as_timeout,
}

_BY_CLASS: dict[str, Callable[[APIError], Problem]] = {"08": _as_unavailable, "53": _as_unavailable}

# What Forum's own triggers and functions raise: the hint names the rule.
_BY_HINT: dict[str, Callable[[APIError], Problem]] = {
    "work_item_transition": _as_refused_transition,
    "github_owned_column": _as_github_owned,
    BULK_ITEM: _as_bulk_item,
    "idempotency_under_way": _as_key_under_way,
    "account_gone": lambda _: Unauthorized("This account no longer exists."),
    # What private.check_request and private.check_session say of a token.
    "oauth_client": lambda _: Unauthorized(
        "Tokens of OAuth clients are not accepted: sign in yourself.", type="oauth-client"
    ),
    "anonymous_sign_in": lambda _: Unauthorized("Anonymous users cannot use Forum. Sign in with an account."),
    "session_ended": lambda _: Unauthorized(
        "The session of this token has ended. Sign in again.", type="session-ended"
    ),
    "reauthenticate": lambda _: Unauthorized(
        "This needs a sign-in of the last ten minutes. Sign in again and send the new token.",
        type="reauthenticate",
    ),
    "account_confirmation": lambda _: Invalid(
        "Send the e-mail address of the account as `confirm`; the id of one that has none.",
        errors=[FieldError(detail="This is not the account's address.", pointer="/confirm")],
    ),
    "second_factor_required": lambda _: Forbidden(
        "This needs a session with a second factor. Verify yours (`supabase.auth.mfa.challengeAndVerify`) and"
        " send the new token.",
        type="second-factor-required",
    ),
    "recent_sign_in_required": lambda error: Forbidden(
        f"This needs a sign-in of the last {error.details} minutes. Sign in again and send the new token.",
        type="recent-sign-in-required",
    ),
    "access_token": lambda _: Unauthorized(
        "This access token is unknown, has expired or was revoked. Make another one.",
        type="access-token-invalid",
    ),
    "too_many_writes": _as_too_many_writes,
    TOKEN_SCOPE: _as_missing_grant,
    "token_product": _as_another_product,
    "too_many_tokens": _as_too_many_tokens,
    ACCOUNT_LIMIT: _as_account_limit,
    "query_too_long": lambda _: Invalid(
        "A search has up to 8 words and 200 characters. Send fewer.",
        type="query-too-long",
        errors=[FieldError(detail="It has more than 8 words or 200 characters.", parameter="q")],
    ),
    "passage_missing": lambda _: Conflict(
        "The document does not have this passage. Read it and send what it has, to the letter.",
        type="passage-missing",
        errors=[FieldError(detail="It occurs nowhere.", pointer="/find")],
    ),
    "passage_ambiguous": _as_ambiguous_passage,
    "document_too_large": lambda _: BodyTooLarge(
        "The document would be longer than 1 MiB. Put the text into another one.", type="document-too-large"
    ),
    "documents_too_large": lambda _: BodyTooLarge(
        "The documents of this product are more than 4 MiB together, the most that one answer delivers. Read"
        " them one by one: `GET /api/docs`, and `/content` of each.",
        type="export-too-large",
    ),
    "product": lambda _: NotFound("There is no such product."),
    "product_named": lambda _: NotFound("There is no product with this name or id."),
    "product_needed": _as_unclear_product("There are several products. Say which one is meant."),
    "product_ambiguous": _as_unclear_product("Several products have this name. Send the id of one."),
    "repository_named": _as_unclear_repository,
    "product_too_large": lambda _: Conflict(
        "The product has more than 40,000 rows or 64 MiB of documents in it, too much to delete at once."
        " Delete some of them first, up to 100 a request.",
        type="too-large-to-delete",
    ),
    "trash": lambda _: NotFound("There is no such set in the trash."),
    "trash_parent": _as_missing_parent,
    "trash_conflict": _as_trash_conflict,
    "import_conflict": _as_import_conflict,
    "import_line": _as_invalid_import,
    "github_connection": lambda _: Conflict(
        "GitHub is not connected. Store a token with `PUT /api/github/connection`.",
        type="github-not-connected",
    ),
    "needs_reauth": lambda _: Conflict(
        "GitHub has refused the stored token. Connect GitHub again.", type="github-needs-reauth"
    ),
    "github_identity": lambda _: Forbidden(
        "This token belongs to another GitHub account than the one that you sign in with.",
        type="github-identity-mismatch",
    ),
    "connection_changed": lambda _: Conflict(
        "The connection was made anew by somebody else just now. Send the token again."
    ),
    "sync_running": _as_running_sync,
    "rate_limited": _as_github_limit,
    "reveals": _as_too_many_reveals,
    "not_missing": _as_not_missing,
    "import_key": lambda _: UpstreamFailed(
        "This deployment's import key is not the one that the database knows. The operator has to set it."
    ),
    "app_info_key": lambda _: UpstreamFailed(
        "This deployment's app info key is not the one that the database knows. The operator has to set it."
    ),
    "app_info": lambda _: NotFound("There is no such entry."),
    "app_info_version": lambda _: NotFound("This entry has no such version."),
    "app_info_environment": lambda _: NotFound("This entry has no value of its own for this environment."),
    "app_info_version_secret": lambda _: Conflict(
        "This version is secret and the entry is not. Turn `is_secret` on first.", type="version-is-secret"
    ),
    "app_info_place": lambda _: Conflict(
        "A secret is sealed for its key, its product and its number, and one of them has just changed. "
        "Send the change again.",
        type="secret-place-changed",
    ),
    "app_info_too_many_values": lambda _: Conflict(
        "These secrets have more former values than can be sealed anew in one request. Rename or move fewer.",
        type="too-many-secrets",
    ),
    "app_info_secrecy": lambda _: Conflict(
        "The entry has become a secret, or ceased to be one, in this moment. Send the change again.",
        type="secrecy-changed",
    ),
}

_BY_CONSTRAINT: dict[str, Rule] = {
    "app_info_overrides_value_secret": Rule("/value", "The value of a secret is not stored in the clear."),
    "app_info_value_secret": Rule("/value", "The value of a secret is not stored in the clear."),
    "app_info_key_trimmed": Rule("/key", "It cannot start or end with a blank or an invisible character."),
    "app_info_key_variable": Rule(
        "/key",
        "Of category `env_var` a key is a name that every export can carry: letters, digits and _, no digit"
        " first, and none that shells keep for themselves. Take another key or another category.",
    ),
    "app_info_expires_at_range": Rule("/expires_at", "It has to be a time between the years 1 and 9999."),
    "app_info_rotate_every_days": Rule("/rotate_every", "It has to be a number of days, P1D to P730D."),
    "app_info_product_key_unique": Rule("/key", "This product has an entry with this key already."),
    "work_items_external_id_unique": Rule(
        "/external_id", "This product has a work item with this `external_id` already."
    ),
    "documents_external_id_unique": Rule(
        "/external_id", "This product has a document with this `external_id` already."
    ),
    "repositories_product_github_unique": Rule("/github_id", "This product has this repository already."),
}

_NOT_VISIBLE = "It has to be one line with something visible in it."

# The first that fits.
_BY_CONSTRAINT_ENDING: dict[str, Rule] = {
    "_full_name_visible": Rule("/full_name", _NOT_VISIBLE),
    "_name_visible": Rule("/name", _NOT_VISIBLE),
    "_title_visible": Rule("/title", _NOT_VISIBLE),
    "_key_visible": Rule("/key", _NOT_VISIBLE),
    "_external_id_visible": Rule("/external_id", _NOT_VISIBLE),
    "_product_fkey": Rule("/product_id", "There is no such product."),
    "_repository_fkey": Rule(
        "/repository_id", "This product has no such repository, or the change would part them."
    ),
}


def to_problem(error: APIError, *, of_a_read: bool = False) -> Problem:
    """The problem that an error of the database is to a client. What helps depends on what was asked."""
    code = error.code or ""
    make = _BY_HINT.get(error.hint or "") or _BY_CODE.get(code) or _BY_CLASS.get(code[:2])
    if make is None:
        return UpstreamFailed("The database gave an answer that Forum does not know.")
    if make is _as_timeout and of_a_read:
        make = _as_timeout_of_a_read
    return make(error)


def _say_rule(error: APIError, otherwise: str) -> str:
    """The rule that was broken, in the sentence that clients are told of it, or what is true of its kind."""
    explained = _explain(error)
    return explained[0].detail if explained and explained[0].pointer is not None else otherwise


def _explain(error: APIError) -> list[FieldError]:
    """Which field a violated constraint is about. Constraints are named `<table>_<column>_<rule>`."""
    found = _CONSTRAINT.search(error.message or "")
    if found is None:
        return []
    if (error.message or "").startswith("update or delete"):
        return [FieldError(detail="Others in its product point at it.", pointer="/product_id")]
    name = found.group(1)
    rule = _BY_CONSTRAINT.get(name) or next(
        (rule for ending, rule in _BY_CONSTRAINT_ENDING.items() if name.endswith(ending)), None
    )
    if rule is None:
        return [FieldError(detail=f"Breaks the rule {name}.")]
    return [FieldError(detail=rule.detail, pointer=rule.pointer)]
