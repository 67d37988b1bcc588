"""What the planner knows of everybody's rows reaches nobody: no estimate, and nothing to estimate from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import httpx
import psycopg
import pytest

from local.keys import load_keys
from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import POSTGRES_15, POSTGRES_17, Postgres, run_postgres
from local.postgrest import run_postgrest
from local.supabase import Supabase
from tests.conftest import WITHOUT_DURABILITY
from tests.database.actors import ANONYMOUS, SERVICE, Connection, make_account, refusal
from tests.database.rest import RestPerson, rest_client
from tests.database.world import READABLE

SECRET = "postgres://app:kV7-q9@db.initech.internal/prod"
KNOWN_START = "postgres://"
# What everybody has somewhere. Some of it sorts before the secret, some after.
# Each has a letter that no id has: the statistics hold ids, and those any short run of 0-9 and a-f by chance.
COMMON = ["localhost:3000", "https://example.com", "production", "true"]
ACCOUNTS = 1 + len(COMMON)


@pytest.mark.parametrize(
    "preferences",
    [
        ["count=planned"],
        ["count=estimated"],
        ["Count=Planned"],
        ["count = planned"],
        ['count="estimated"'],
        ["count=planned;x=y"],
        ["return=minimal,count=estimated"],
        ["return=minimal,\tcount=planned"],
        ["count=exact, count=planned"],
        # Of several headers PostgREST shows its pre-request the last one, and obeys the first count.
        ["count=planned", "count=exact"],
        ["count=planned", "return=minimal"],
        ["return=minimal", "count=planned", "handling=lenient"],
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_estimate_is_refused_however_it_is_asked_for(
    owner: RestPerson, preferences: list[str], method: str
) -> None:
    for table in READABLE:
        answer = owner.client.request(
            method, table, params={"select": "id"}, headers=[("prefer", each) for each in preferences]
        )
        assert answer.status_code == 400
        assert "content-range" not in answer.headers
        if method == "GET":
            assert answer.json()["hint"] == "estimates"
            assert "count=exact" in answer.json()["details"]


def test_estimate_of_more_rows_than_an_answer_holds_is_refused(stranger: RestPerson) -> None:
    """Up to that many rows PostgREST counts them where it is asked for an estimate; beyond, it estimates."""
    hidden = [("prefer", "count=estimated"), ("prefer", "return=minimal")]
    counted = stranger.client.get("work_items", params={"select": "id"}, headers=hidden)
    assert counted.headers["content-range"] == "0-0/1"
    product = stranger.client.get("products").json()[0]["id"]
    rows = [{"title": f"Item {number}", "product_id": product} for number in range(1000)]
    stranger.client.post("work_items", json=rows).raise_for_status()
    answer = stranger.client.get("work_items", params={"select": "id"}, headers=hidden)
    assert (answer.status_code, answer.json()["hint"]) == (400, "estimates")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_estimate_beside_a_write_is_refused_and_nothing_is_written(stranger: RestPerson, method: str) -> None:
    before = stranger.client.get("products").json()
    body = {"name": "Estimated"}
    answer = stranger.client.request(method, "products", json=body, headers={"prefer": "count=planned"})
    assert (answer.status_code, answer.json()["hint"]) == (400, "estimates")
    assert stranger.client.get("products").json() == before


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_estimate_beside_a_write_that_is_asked_for_unseen_is_not_given(
    stranger: RestPerson, method: str
) -> None:
    headers = [("prefer", "count=planned"), ("prefer", "return=minimal")]
    answer = stranger.client.request(method, "products", json={"name": "Estimated"}, headers=headers)
    # PostgREST itself estimates nothing for a write.
    assert answer.headers.get("content-range", "*/*").endswith("/*")


def test_exact_count_is_given(owner: RestPerson) -> None:
    answer = owner.client.get("products", params={"select": "id"}, headers={"prefer": "count=exact"})
    assert answer.headers["content-range"] == "0-0/1"


def test_estimate_is_refused_to_who_is_not_signed_in(supabase: Supabase) -> None:
    with rest_client(supabase, None) as client:
        assert client.post("rpc/ping", headers={"prefer": "count=planned"}).status_code == 400
        assert client.post("rpc/ping").is_success


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.pgrst.plan",
        "application/vnd.pgrst.plan+json",
        'application/vnd.pgrst.plan+text; for="application/json"; options=analyze|verbose',
        "application/json, Application/Vnd.PgRst.Plan",
    ],
)
def test_plan_is_refused_where_postgrest_would_show_it(database: Connection, media_type: str) -> None:
    # Whether PostgREST does is a setting of the project (db-plan-enabled), which is off by default.
    for actor in (ANONYMOUS, SERVICE):
        database.execute(
            "select set_config('request.headers', %s, true)", (f'{{"accept": "{escaped(media_type)}"}}',)
        )
        refused = refusal(database, actor, "select private.check_request()")
        assert refused is not None
        assert (refused.sqlstate, refused.message_hint) == ("PT400", "estimates")


def escaped(text: str) -> str:
    """A text as it stands in JSON."""
    return text.replace('"', '\\"')


@dataclass(frozen=True)
class Stranger:
    """An account without a row, who asks how many rows there might be."""

    client: httpx.Client

    def estimate(self, start: str, end: str) -> int | None:
        """How many rows the planner expects between two values; None where it is not told."""
        answer = self.client.get(
            "app_info",
            params=[("select", "id"), ("value", f"gte.{start}"), ("value", f"lt.{end}"), ("limit", "1")],
            # Two headers, of which the pre-request sees the second.
            headers=[("prefer", "count=planned"), ("prefer", "return=minimal")],
        )
        total = answer.headers.get("content-range", "*/*").partition("/")[2]
        return None if total == "*" else int(total)

    def recover(self, known: str) -> str:
        """What somebody has stored that begins like this, as far as estimates tell it."""
        nothing = self.estimate("zz", "zzz")
        while len(known) < 2 * len(SECRET):
            # The range of characters in which the next one is, halved until it is one.
            low, high = ord(" "), ord("~")
            if self.estimate(f"{known}{chr(low)}", f"{known}{chr(high)}") == nothing:
                return known
            while low < high:
                middle = (low + high) // 2
                found = self.estimate(f"{known}{chr(low)}", f"{known}{chr(middle)}~")
                low, high = (low, middle) if found != nothing else (middle + 1, high)
            known += chr(low)
        return known


@dataclass(frozen=True)
class Project:
    """A project of its own, whose statistics no other test makes, and somebody there who has nothing."""

    server: Postgres
    stranger: Stranger

    def execute(self, *statements: LiteralString) -> None:
        """Changes the project with the rights of its superuser."""
        with psycopg.connect(self.server.superuser_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def fill(self) -> None:
        """Forty entries of each account, the secret's owner first; analyzed, and then turned into secrets."""
        with psycopg.connect(self.server.superuser_url) as connection:
            fill(connection)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Such a project behind PostgREST."""
    with run_postgres(tmp_path / "postgres", free_port(), settings=WITHOUT_DURABILITY) as server:
        apply_migrations(server.url)
        with psycopg.connect(server.superuser_url) as connection:
            account = make_account(connection)
        keys, port = load_keys(tmp_path / "keys"), free_port()
        token = keys.sign({"role": "authenticated", "sub": str(account), "exp": 2**31})
        with (
            run_postgrest(server, keys, port=port, admin_port=free_port(), log=tmp_path / "postgrest.log"),
            httpx.Client(
                base_url=f"http://127.0.0.1:{port}/", headers={"authorization": f"Bearer {token}"}, timeout=30
            ) as client,
        ):
            yield Project(server, Stranger(client))


def fill(connection: Connection) -> None:
    """What one account has had in forty products and has made secrets since, among what others have."""
    for number in range(ACCOUNTS):
        account = make_account(connection)
        connection.execute(
            "with product as ("
            "  insert into public.products (user_id, name)"
            "  select %(user)s, 'P' || n from generate_series(1, 40) as n returning id)"
            " insert into public.app_info (user_id, product_id, key, value)"
            " select %(user)s, id, 'KEY', %(value)s from product",
            {"user": account, "value": COMMON[number - 1] if number else SECRET},
        )
    connection.execute("analyze")
    connection.execute(
        "update public.app_info set value = null, is_secret = true where value = %s", (SECRET,)
    )


# The holes: the pre-request lets everything pass, so does the policy, and the planner keeps statistics.
WITHOUT_PRE_REQUEST: LiteralString = (
    "create or replace function private.check_request() returns void language sql as ''"
)
WITHOUT_POLICY: LiteralString = (
    'alter policy "Nobody can see estimates of app info" on public.app_info using (true)'
)
WITH_STATISTICS: LiteralString = "alter table public.app_info alter column value set statistics -1"
# Of several Prefer headers the pre-request sees the last one only, so that the policy has to hold alone.
WITH_POLICY: LiteralString = (
    'alter policy "Nobody can see estimates of app info" on public.app_info'
    " using (private.plans_for_execution())"
)


def test_stranger_learns_nothing_from_estimates(project: Project) -> None:
    project.fill()
    stranger = project.stranger
    assert stranger.estimate(KNOWN_START, "q") is None
    assert stranger.recover(KNOWN_START) == KNOWN_START

    # Were both doors to be opened, there would be nothing behind them.
    project.execute(WITHOUT_PRE_REQUEST, WITHOUT_POLICY)
    assert stranger.estimate(KNOWN_START, "q") is not None
    assert stranger.recover(KNOWN_START) == KNOWN_START
    assert stranger.estimate("a", "z") == stranger.estimate("zz", "zzz")


def test_secret_is_recovered_whole_where_the_doors_are_open_and_statistics_are_kept(project: Project) -> None:
    """That the attack works: the secret is in no row, and estimates tell it."""
    project.execute(WITHOUT_PRE_REQUEST, WITHOUT_POLICY, WITH_STATISTICS)
    project.fill()
    assert project.stranger.recover(KNOWN_START) == SECRET

    # With one door shut the statistics that are there stay out of reach.
    project.execute(WITH_POLICY)
    assert project.stranger.estimate(KNOWN_START, "q") is None
    assert project.stranger.recover(KNOWN_START) == KNOWN_START


@pytest.mark.parametrize("binaries", [POSTGRES_15, POSTGRES_17], ids=["15", "17"])
def test_statistics_hold_nothing_that_people_write(binaries: Path, tmp_path: Path) -> None:
    with run_postgres(
        tmp_path / "postgres", free_port(), binaries=binaries, settings=WITHOUT_DURABILITY
    ) as server:
        apply_migrations(server.url)
        with psycopg.connect(server.superuser_url) as connection:
            fill(connection)
        told = statistics_of(server)
        assert not any(value in told for value in (SECRET, *COMMON, "KEY", "P10"))
        # The planner goes on knowing how many rows an owner has.
        assert "public.app_info.user_id" in told

        with psycopg.connect(server.superuser_url) as connection:
            connection.execute(WITH_STATISTICS)
            fill(connection)
        assert SECRET in statistics_of(server)


def statistics_of(server: Postgres) -> str:
    """Everything that the planner knows of the columns of our tables."""
    with psycopg.connect(server.superuser_url) as connection:
        rows = connection.execute(
            "select concat_ws('.', schemaname, tablename, attname), most_common_vals::text,"
            " histogram_bounds::text, most_common_elems::text"
            " from pg_stats where schemaname in ('public', 'private')"
        ).fetchall()
    return "\n".join(str(row) for row in rows)
