"""The caller's repositories on GitHub, and their import into a product."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self, get_args
from uuid import UUID

from functions.github_import.listing import Listing, read_listing
from functions.github_import.reading import Reading, read_chosen
from functions.github_import.schemas import (
    MAX_AT_ONCE,
    GitHubRepositoryPage,
    GitHubRepositoryQuery,
    GitHubRepositoryRead,
    Import,
    ImportReport,
    ImportResult,
    Outcome,
)
from shared.aws.deployment_secrets import read_secret
from shared.database.client import Supabase
from shared.database.rest_client import RestClient
from shared.entities.github_runs import RunRead, RunState
from shared.entities.products import ProductLink
from shared.errors import FieldError, Invalid, NotFound
from shared.github import (
    Blocked,
    GitHub,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubRepository,
    SsoRequired,
    TokenRejected,
)
from shared.github.client import PAGE_SIZE
from shared.github.problems import as_problems, to_problem
from shared.github_tokens.callers import CallersGitHub
from shared.runtime.deadlines import Deadline, RequestDeadline
from shared.settings import get_settings
from shared.sync.messages import SyncMessage
from shared.sync.queue import send

OUTCOMES: dict[type[GitHubError], Outcome] = {
    GitHubNotFound: "not_found",
    GitHubForbidden: "forbidden",
    SsoRequired: "sso_required",
    Blocked: "blocked",
}
IN_THE_PRODUCT: tuple[Outcome, ...] = ("imported", "updated", "unchanged")
ENDED_BY: dict[type[GitHubError], str] = {
    TokenRejected: "token_rejected",
    GitHubRateLimited: "rate_limited",
    GitHubForbidden: "github_forbidden",
}
NOT_REACHED = "Forum stopped before it came to this one. Send it again."


class GitHubImportService:
    """Reads from GitHub with the caller's token, writes to the database as the caller."""

    def __init__(self, supabase: RestClient, github: GitHub, deadline: Deadline) -> None:
        self.supabase = supabase
        self.github = github
        self.deadline = deadline

    @classmethod
    async def for_caller(cls, supabase: Supabase, github: CallersGitHub, deadline: RequestDeadline) -> Self:
        """The service of one request."""
        return cls(supabase, github, deadline)

    def get_page(self, query: GitHubRepositoryQuery) -> GitHubRepositoryPage:
        """A part of the listing: one or two pages of GitHub's, up to five with filters."""
        with as_problems():
            listing = read_listing(
                self.github, query, self._find_products, lambda: self.deadline.seconds_left > 0
            )
            total = self._count(listing) if query.total else None
        products = self._find_products([repository.github_id for repository in listing.items])
        return GitHubRepositoryPage(
            items=[
                GitHubRepositoryRead(
                    **repository.model_dump(), products=products.get(repository.github_id, [])
                )
                for repository in listing.items
            ],
            total=total,
            next_cursor=None if listing.next_position is None else str(listing.next_position),
            withheld_organizations=sorted(listing.withheld),
            unreadable=listing.unreadable,
        )

    def import_repositories(self, body: Import) -> ImportReport:
        """Import the chosen repositories into a product. Safe to repeat. Raises `NotFound`."""
        self._check_product(body.product_id)
        started_at = datetime.now(UTC)
        known = self._read_named(body.full_names)
        chosen = list(dict.fromkeys([*body.github_ids, *known]))
        reading = read_chosen(self.github, chosen, lambda: self.deadline.seconds_left > 0, known)
        failure = reading.failure
        found = [] if failure else list(reading.found.values())
        done = self._compare(body.product_id, found) if body.dry_run else self._write(body.product_id, found)
        results = [done.get(github_id) or _explain(github_id, reading) for github_id in chosen]
        counted = Counter(result.outcome for result in results)
        counts: dict[Outcome, int] = {outcome: counted[outcome] for outcome in get_args(Outcome)}
        report = ImportReport(run_id=None, results=results, counts=counts)
        if not body.dry_run:
            report.run_id = self._record(body.product_id, started_at, reading, report)
        if failure is not None:
            # The run says so as well, for whoever did not see this answer.
            raise to_problem(failure) from failure
        return report

    def queue_import(self, body: Import) -> RunRead:
        """Queue an import of more than one request can do. Raises `Conflict`, `NotFound`,
        `TooManyRequests`, and `Invalid` for a dry run.
        """
        if body.full_names:
            message = f"Names cannot be combined with more than {MAX_AT_ONCE} ids."
            raise Invalid(message, errors=[FieldError(detail=message, pointer="/full_names")])
        if body.dry_run:
            message = f"A dry run is for up to {MAX_AT_ONCE} repositories."
            raise Invalid(
                message, type="dry-run-too-large", errors=[FieldError(detail=message, pointer="/dry_run")]
            )
        queued = self._call(
            "request_github_import", target_product_id=str(body.product_id), github_ids=body.github_ids
        )
        run = RunRead.model_validate(queued)
        if send([SyncMessage.of(run)]):
            # The schedule finds it at its next tick.
            self._call("release_github_sync", run_id=str(run.id))
        return run

    def _read_named(self, full_names: Sequence[str]) -> dict[int, GitHubRepository]:
        """The repositories of these names, by GitHub's id. Raises `NotFound` for one that cannot be seen."""
        known = {}
        for index, full_name in enumerate(full_names):
            try:
                repository = self.github.get_repository_by_name(full_name)
            except GitHubNotFound as error:
                detail = "GitHub shows your token no repository of this name. Nothing has been imported."
                where = FieldError(detail=detail, pointer=f"/full_names/{index}")
                raise NotFound(detail, errors=[where]) from error
            except GitHubError as error:
                raise to_problem(error) from error
            known[repository.github_id] = repository
        return known

    def _count(self, listing: Listing) -> int | None:
        """How many repositories there are. None where GitHub does not say."""
        last_page = listing.last_page
        if last_page is None:
            # A page behind the end does not say where the end is.
            last_page = self.github.list_repositories_page(1).last_page
        if last_page is None:
            return None
        size = listing.sizes.get(last_page)
        if size is None:
            size = len(self.github.list_repositories_page(last_page).items)
        return (last_page - 1) * PAGE_SIZE + size

    def _find_products(self, github_ids: Sequence[int]) -> dict[int, list[ProductLink]]:
        """The caller's products that have these repositories, by GitHub's id."""
        if not github_ids:
            return {}
        rows: Any = (
            self.supabase.table("repositories")
            .select("github_id,products(id,name)")
            .in_("github_id", github_ids)
            .order("created_at")
            .execute()
            .data
        )
        products: dict[int, list[ProductLink]] = {}
        for row in rows:
            products.setdefault(row["github_id"], []).append(ProductLink.model_validate(row["products"]))
        return products

    def _check_product(self, product_id: UUID) -> None:
        """Before the first request to GitHub: a product that is not there costs no request."""
        if not self.supabase.table("products").select("id").eq("id", str(product_id)).execute().data:
            raise NotFound("There is no such product.")

    def _write(self, product_id: UUID, found: Sequence[GitHubRepository]) -> dict[int, ImportResult]:
        """All of them in one request, by the one database function that may write GitHub's columns."""
        if not found:
            return {}
        items = [repository.to_item() for repository in found]
        import_key = read_secret(get_settings().github_import_key)
        return _read_results(
            self._call(
                "import_repositories", target_product_id=str(product_id), items=items, import_key=import_key
            )
        )

    def _compare(self, product_id: UUID, found: Sequence[GitHubRepository]) -> dict[int, ImportResult]:
        """What writing them would do."""
        items = [repository.to_item() for repository in found]
        return _read_results(
            self._call("compare_repositories", target_product_id=str(product_id), items=items)
        )

    def _record(self, product_id: UUID, started_at: datetime, reading: Reading, report: ImportReport) -> UUID:
        """Keep the report as a run."""
        spending, reason = self.github.spending, reading.failure or reading.stopped_by
        run = {
            "product_id": str(product_id),
            "state": _judge(report),
            "started_at": started_at.isoformat(),
            "requests": spending.requests,
            "rate_limit_remaining": spending.remaining,
            "rate_limit_reset_at": spending.reset_at and spending.reset_at.isoformat(),
            "error": reason and ENDED_BY.get(type(reason), "github_unavailable"),
            "counts": {outcome: count for outcome, count in report.counts.items() if count},
            "results": [_to_run_result(result, reading) for result in report.results],
        }
        import_key = read_secret(get_settings().github_import_key)
        return UUID(self._call("record_github_import", import_key=import_key, run=run))

    def _call(self, function: str, **arguments: Any) -> Any:
        return self.supabase.rpc(function, arguments).execute().data


def _read_results(rows: Any) -> dict[int, ImportResult]:
    return {
        row["github_id"]: ImportResult(
            github_id=row["github_id"], outcome=row["outcome"], repository_id=row["id"]
        )
        for row in rows
    }


def _judge(report: ImportReport) -> RunState:
    done = sum(report.counts[outcome] for outcome in IN_THE_PRODUCT)
    if done == len(report.results):
        return "succeeded"
    return "partial" if done else "failed"


def _to_run_result(result: ImportResult, reading: Reading) -> dict[str, Any]:
    found = reading.found.get(result.github_id)
    return {
        "repository_id": result.repository_id and str(result.repository_id),
        "github_id": result.github_id,
        "full_name": found and found.full_name,
        "outcome": result.outcome,
        "reason": result.reason,
    }


def _explain(github_id: int, reading: Reading) -> ImportResult:
    """Why a repository was not imported."""
    error = reading.failed.get(github_id)
    if error is None:
        limit = reading.stopped_by if isinstance(reading.stopped_by, GitHubRateLimited) else None
        return ImportResult(
            github_id=github_id,
            outcome="rate_limited" if limit else "unavailable",
            reason=str(limit) if limit else NOT_REACHED,
            retry_at=limit.retry_at if limit else None,
        )
    return ImportResult(
        github_id=github_id,
        outcome=OUTCOMES.get(type(error), "unavailable"),
        reason=str(error),
        url=getattr(error, "url", None),
    )
