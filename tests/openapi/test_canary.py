"""A canary in every place that a secret passes through, and a look everywhere else for it.

Wherever a value can be sent, one that is easy to find is sent. Then every answer, the log, each table of the
database, the log of its server with every statement, and whatever PostgREST gives to its owner, to a stranger
and to nobody is searched. Only revealing it, or exporting it on purpose, may show one.
"""

import re
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from local.fake_github import FakeGitHub
from local.supabase import Supabase
from tests.database.rest import rest_client
from tests.functions.conftest import Client
from tests.functions.events import Answer, make_event
from tests.openapi.conftest import forget
from tests.openapi.gateway import call
from tests.openapi.rows import Rows, make_rows
from tests.openapi.test_declared_answers import OPERATIONS, Operation
from tests.openapi.upstream import error, run_broken_supabase

# Of this run: other tests leave canaries of their own in the database.
CANARY = f"canary{uuid4().hex}"
# The same for values that were plain before their entry became a secret, and came in as such.
SPARROW = f"sparrow{uuid4().hex}"
PATH = "/api/app-info"


@pytest.fixture
def every_statement(supabase: Supabase) -> Iterator[None]:
    """A server that logs each statement with its parameters, as an operator may have it do."""
    for setting in ("'all'", "default"):
        with psycopg.connect(supabase.postgres.superuser_url, autocommit=True) as connection:
            connection.execute(sql.SQL("alter system set log_statement = {}").format(sql.SQL(setting)))
            connection.execute("select pg_reload_conf()")
        if setting == "'all'":
            yield


class Planting:
    """A person who sends canaries, and every answer that they have got."""

    def __init__(self, client: Client, rows: Rows) -> None:
        self.client = client
        self.rows = rows
        self.answers: list[Answer] = []
        self.entries: list[str] = []

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """A request whose answer is what it is."""
        answer = self.client.request(method, PATH + path, body, **options)
        self.answers.append(answer)
        return answer

    def mark(self, word: str = CANARY) -> str:
        """A value that is found wherever it ends up."""
        return f"{word}-{uuid4().hex}"

    def new(self, **values: Any) -> dict[str, Any]:
        """The body of a secret entry."""
        return {
            "product_id": self.rows.ids["product_id"],
            "key": f"K_{uuid4().hex}",
            "value": self.mark(),
            "is_secret": True,
            **values,
        }

    def create(self, **values: Any) -> str:
        """A secret entry's id."""
        entry: str = self.send("POST", "", self.new(**values)).expect(201)["id"]
        self.entries.append(entry)
        return entry


def plant(planting: Planting) -> None:
    """Every way by which a secret's value is taken, and the ways by which it is refused."""
    send, new, mark = planting.send, planting.new, planting.mark
    once = {"idempotency-key": str(uuid4())}
    body = new()
    send("POST", "", body, headers=once).expect(201)
    send("POST", "", body, headers=once).expect(201)
    send("POST", "", {**body, "value": mark()}, headers=once).expect(422)
    send("POST", "/bulk", {"items": [new(), new()]}).expect(201)
    entry = planting.create()
    for change in ({"value": mark()}, {"value": mark(), "is_secret": True}, {"is_secret": True}):
        send("PATCH", f"/{entry}", change).expect(200)
    send("PATCH", "/bulk", {"items": [{"id": entry, "value": mark()}]}).expect(200)
    send("POST", f"/{entry}/versions/1/restore").expect(200)
    # Plain at first: turning `is_secret` on takes the copies back.
    plain = new(is_secret=False, value=mark(SPARROW))
    made = planting.client.post(PATH, plain, headers={"idempotency-key": str(uuid4())}).expect(201)
    planting.client.patch(f"{PATH}/{made['id']}", {"value": mark(SPARROW)}).expect(200)
    send("PATCH", f"/{made['id']}", {"is_secret": True}).expect(200)
    planting.entries.append(made["id"])
    content = f"A_{uuid4().hex}={mark()}\nB_{uuid4().hex}='{mark()}\n{mark()}'\n"
    product = planting.rows.ids["product_id"]
    for options in ({"dry_run": True}, {}, {"on_conflict": "overwrite"}):
        send("POST", "/import", {"product_id": product, "content": content, **options}).expect(200)
    refuse(planting, entry)


def refuse(planting: Planting, entry: str) -> None:
    """Requests that are wrong in every way that quotes easily."""
    send, new, mark = planting.send, planting.new, planting.mark
    product = planting.rows.ids["product_id"]
    send("POST", "", new(value=[mark()])).expect(422)
    send("POST", "", new(value=mark() * 2_000)).expect(422)
    send("POST", "", new(unknown=mark())).expect(422)
    send("POST", "", new(product_id=str(uuid4()))).expect(409)
    send("POST", "", new(key="K" * 256)).expect(422)
    taken = new()
    send("POST", "", taken).expect(201)
    send("POST", "", {**taken, "value": mark()}).expect(409)
    send("POST", "/bulk", {"items": [new(), new(product_id=str(uuid4()))]}).expect(409)
    send("POST", "", raw=f'{{"value": "{mark()}"'.encode()).expect(400)
    send("PATCH", f"/{entry}", {"value": mark()}, headers={"if-match": '"99"'}).expect(412)
    send("PATCH", f"/{uuid4()}", {"value": mark()}).expect(404)
    send("PATCH", "/bulk", {"items": [{"id": entry, "value": mark(), "version": 99}]}).expect(412)
    send("POST", "/import", {"product_id": product, "content": f"{mark()}\nA='{mark()}"}).expect(422)
    send("POST", "/import", {"product_id": product, "content": f"{taken['key']}={mark()}"}).expect(409)
    send("GET", f"/export?product_id={product}&format=docker&include_secrets=true").expect(409)


def answer_always(answer: tuple[int, Any] | None, _: str) -> tuple[int, Any] | None:
    """The same answer to every request."""
    return answer


def fail(planting: Planting) -> None:
    """Requests that a part of the system does not survive."""
    with run_broken_supabase() as broken, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SUPABASE_URL", broken.url)
        forget()
        for answer in (None, (500, {"message": "x"}), (403, error("42501")), (503, error("PGRST001"))):
            broken.answering = partial(answer_always, answer)
            assert planting.send("POST", "", planting.new()).status >= HTTPStatus.FORBIDDEN
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ENCRYPTION_KEY", "no key")
        forget()
        planting.send("POST", "", planting.new()).expect(503)
    forget()


def ask_all(planting: Planting) -> Iterator[tuple[str, str]]:
    """Every answer to a GET, of every function, about rows with secrets."""
    for operation in OPERATIONS:
        if operation.method == "GET" and operation.name != "list_github_repositories":
            for entry in planting.entries:
                yield operation.name, ask(planting, operation, entry).text


def ask(planting: Planting, operation: Operation, entry: str) -> Answer:
    """An operation about an entry and its product."""
    ids = {**planting.rows.ids, "app_info_id": entry}
    query = "&".join(f"{name}={ids[name]}" for name in operation.needed_parameters)
    url = operation.path.format_map(ids) + (f"?{query}" if query else "")
    event = make_event(operation.method, url, {"authorization": f"Bearer {planting.client.token}"}, None)
    return Answer(call(event), event["requestContext"]["requestId"])


def dump(supabase: Supabase) -> Iterator[tuple[str, str]]:
    """Each row of each table, the system's left out."""
    with psycopg.connect(supabase.postgres.superuser_url) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert ("private", "app_info_values") in tables
        for schema, table in tables:
            select = sql.SQL("select t::text from {} as t").format(sql.Identifier(schema, table))
            for (row,) in connection.execute(select):
                yield f"{schema}.{table}", row


def browse(client: httpx.Client, described: Any, planting: Planting) -> Iterator[tuple[str, str]]:
    """Whatever PostgREST gives to somebody: each table, and each function with what fits its parameters."""
    arguments = {
        "app_info_key": "guessed" * 8,
        "import_key": "guessed" * 8,
        "value_number": 1,
        "versions": None,
        "categories": ["env_var"],
        "include_secrets": True,
        "keys": ["KEY"],
        "items": [{"action": "change", "id": planting.entries[0], "is_secret": False, "value": "x"}],
        "target_product_id": planting.rows.ids["product_id"],
    }
    for path, operations in described["paths"].items():
        if path.startswith("/rpc/"):
            names = operations["post"]["parameters"][0]["schema"].get("properties", {})
            for entry in planting.entries:
                given = {"entry_id": entry, **arguments}
                sent = {name: given.get(name, entry) for name in names}
                yield path, client.post(path.removeprefix("/"), json=sent).text
        elif path != "/":
            yield path, client.get(path.removeprefix("/"), params={"select": "*"}).text
            yield path, client.get(path.removeprefix("/"), params={"value": f"like.*{CANARY}*"}).text


def test_canary_is_found_nowhere_but_where_it_is_revealed(
    supabase: Supabase,
    github: FakeGitHub,  # noqa: ARG001 - and the settings of the functions
    every_statement: None,  # noqa: ARG001 - set for the whole test
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = Client(supabase.create_user())
    rows = make_rows(client, [])
    planting = Planting(client, rows)
    capsys.readouterr()
    plant(planting)
    fail(planting)
    statements = supabase.postgres.part.log.read_text(errors="replace")

    # It is there, so that not finding it proves something.
    for entry in planting.entries:
        assert re.match(f"{CANARY}|{SPARROW}", client.post(f"{PATH}/{entry}/reveal").expect(200)["value"])
    exported = client.get(f"{PATH}/export?product_id={rows.ids['product_id']}&include_secrets=true")
    assert exported.text.count(CANARY) >= 7
    assert statements.count("write_app_info") > 10
    assert SPARROW in statements

    found = [("an answer", answer.text) for answer in planting.answers]
    found += [*ask_all(planting), *dump(supabase)]
    with rest_client(supabase, client.token) as rest:
        described = rest.get("").raise_for_status().json()
    for token in (client.token, supabase.create_user().access_token, None):
        with rest_client(supabase, token) as rest:
            found += browse(rest, described, planting)
    said = capsys.readouterr()
    assert '"route":"/api/app-info/{app_info_id}/reveal"' in said.out
    found += [("the log", said.out), ("the standard error", said.err)]
    assert len(found) > 300
    assert [place for place, text in found if CANARY in text or SPARROW in text] == []
    assert [line for line in statements.splitlines() if CANARY in line] == []
