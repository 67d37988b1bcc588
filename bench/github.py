"""What an import and a re-sync cost, counted: requests to GitHub, requests to Supabase, rows written."""

from typing import Any

import psycopg

from bench.calls import Calls, call
from bench.events import make_event
from bench.line import Line
from functions.github_connection.handler import handler as connect
from functions.github_import.handler import handler as import_
from functions.products.handler import handler as products
from functions.sync_worker.handler import handler as work
from local.fake_github import Account, FakeGitHub, Owner
from local.supabase import Supabase
from shared.sync.database import claim_due

IMPORTED, UNCHANGED = 1_000, 100
IMPORT_GITHUB, IMPORT_SUPABASE, SYNC_GITHUB = 11, 4, 1
LEASE_SECONDS = 900
MILLISECONDS = 120_000


class Context:
    """Lambda's context, with all the time there is."""

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may run."""
        return MILLISECONDS


def measure_import(supabase: Supabase, fake: FakeGitHub) -> Line:
    """Imports as many repositories as one request takes."""
    bench = Imported(supabase, fake, IMPORTED)
    github, asked = len(fake.exchanges), len(bench.calls.requests)
    return Line(
        f"import of {IMPORTED:,} repositories",
        "",
        f"{github} GitHub, {asked} Supabase requests",
        f"{IMPORT_GITHUB} and {IMPORT_SUPABASE}",
        github <= IMPORT_GITHUB and asked <= IMPORT_SUPABASE,
    )


def measure_sync(supabase: Supabase, fake: FakeGitHub) -> Line:
    """Re-syncs repositories of which none has changed."""
    bench = Imported(supabase, fake, UNCHANGED)
    token = {"token": bench.token}
    call(connect, make_event("PUT", "/api/github/connection", bench.user, token))
    with psycopg.connect(supabase.database_url, autocommit=True) as connection:
        connection.execute(
            "update private.github_connections set next_sync_at = case"
            " when user_id = %s then now() - interval '1 second' else now() + interval '1 hour' end",
            (bench.user.id,),
        )
        before = bench.read_traces(connection)
        fake.exchanges.clear()
        (message,) = claim_due(1, LEASE_SECONDS)
        record = {"messageId": "1", "body": message.model_dump_json()}
        answer = work({"Records": [record]}, Context())
        if answer != {"batchItemFailures": []}:
            raise ValueError("the worker wants the message again")
        written = len(set(before) ^ set(bench.read_traces(connection))) // 2
    github = len(fake.exchanges)
    return Line(
        f"re-sync of {UNCHANGED} unchanged repositories",
        "",
        f"{github} GitHub request, {written} rows written",
        f"{SYNC_GITHUB} and 0",
        github <= SYNC_GITHUB and not written,
    )


class Imported:
    """A new user who has imported all of their repositories."""

    def __init__(self, supabase: Supabase, fake: FakeGitHub, repositories: int) -> None:
        self.user = supabase.create_user()
        self.token = f"gho_{repositories:036d}"
        account = Account(Owner(repositories, f"bench-{repositories}"), [self.token])
        for number in range(repositories):
            account.create(f"repository-{number}", size=7, language="Python")
        fake.accounts.append(account)
        product = call(products, make_event("POST", "/api/products", self.user, {"name": "Bench"}))
        body = {"product_id": product["id"], "github_ids": sorted(account.repositories)}
        fake.exchanges.clear()
        with Calls(supabase.url) as self.calls:
            event = make_event("POST", "/api/github/import", self.user, body, x_github_token=self.token)
            outcomes = [result["outcome"] for result in call(import_, event)["results"]]
        if outcomes != ["imported"] * repositories:
            raise ValueError("not everything was imported")

    def read_traces(self, connection: psycopg.Connection) -> list[tuple[Any, ...]]:
        """Where each repository's row lies: any write moves it."""
        return connection.execute(
            "select id, ctid::text, xmin::text from public.repositories where user_id = %s",
            (self.user.id,),
        ).fetchall()
