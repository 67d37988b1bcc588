"""Every answer that the document declares is one that the code gives: each is provoked, and is as declared.

schemathesis looks from the other side: whatever is given is declared.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from functions.reference import service as reference
from local.fake_github import DEMO_TOKEN, FakeGitHub
from local.fake_github.faults import SecondaryLimit
from local.openapi.write import DOCUMENT
from local.supabase import Supabase, User
from shared.settings import get_settings
from tests.functions.conftest import Client
from tests.functions.events import Answer, make_event
from tests.openapi.gateway import call
from tests.openapi.rows import Rows, make_rows
from tests.openapi.upstream import Answering, BrokenSupabase, error, run_broken_supabase

Json = dict[str, Any]

CONTRACT: Json = json.loads(DOCUMENT.read_text(encoding="utf-8"))
MORE_THAN_LAMBDA_TAKES = 6 * 1024 * 1024 + 1


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    described: Json

    @property
    def name(self) -> str:
        name: str = self.described["operationId"]
        return name

    @property
    def parameters(self) -> set[str]:
        return {parameter["name"] for parameter in self.described["parameters"]}

    def has_row_in_path(self) -> bool:
        return "{" in self.path

    @property
    def needed_parameters(self) -> list[str]:
        """The query parameters that cannot be left out."""
        parameters = self.described["parameters"]
        return [each["name"] for each in parameters if each["in"] == "query" and each.get("required")]

    def is_about_github(self) -> bool:
        """Whether it asks GitHub itself."""
        return "X-GitHub-Token" in self.parameters or self.name == "save_connection"


OPERATIONS = [
    Operation(method.upper(), path, described)
    for path, operations in CONTRACT["paths"].items()
    for method, described in operations.items()
]
DECLARED = [
    (operation, int(status)) for operation in OPERATIONS for status in operation.described["responses"]
]


@dataclass(frozen=True)
class Change:
    """What is not good about a request. A header that is None is left out."""

    path: str | None = None
    query: str = ""
    user: User | None = None
    headers: dict[str, str | None] = field(default_factory=dict)
    body: Any = None
    raw: bytes | None = None


GOOD = Change()


@dataclass
class Place:
    """What the functions stand on, all of which can be broken."""

    supabase: Supabase
    github: FakeGitHub
    broken: BrokenSupabase
    environment: pytest.MonkeyPatch
    empty: Path

    def set(self, name: str, value: str) -> None:
        """Change a setting of the functions."""
        self.environment.setenv(name, value)
        get_settings.cache_clear()


class World:
    """A person with rows."""

    def __init__(self, place: Place, user: User, rows: Rows) -> None:
        self.place = place
        self.user = user
        self.rows = rows

    def send(self, operation: Operation, change: Change = GOOD) -> Answer:
        """A good request, but for what is changed."""
        url = change.path if change.path is not None else operation.path.format_map(self.rows.ids)
        token = (change.user or self.user).access_token
        if operation.name == "get_current_token" and change.user is None:
            token = self.rows.token
        headers: dict[str, str | None] = {"authorization": f"Bearer {token}"}
        raw = change.raw
        if "X-GitHub-Token" in operation.parameters:
            headers["x-github-token"] = DEMO_TOKEN
        if operation.name == "replace_document_content":
            headers |= {"content-type": "text/markdown", "if-match": "*"}
            raw = b"# Why" if raw is None else raw
        elif "requestBody" in operation.described:
            headers["content-type"] = "application/json"
            if raw is None:
                raw = json.dumps(change.body or self.make_body(operation)).encode()
        sent = {name: value for name, value in (headers | change.headers).items() if value is not None}
        needed = [f"{name}={self.rows.ids[name]}" for name in operation.needed_parameters]
        query = "&".join([*needed, change.query]).strip("&")
        event = make_event(operation.method, f"{url}?{query}" if query else url, sent, raw)
        return Answer(call(event), event["requestContext"]["requestId"])

    def make_body(self, operation: Operation) -> Any:
        """The document's own example, about rows that are there."""
        schema = operation.described["requestBody"]["content"]["application/json"]["schema"]
        name = schema["$ref"].rpartition("/")[2]
        example: Any = CONTRACT["components"]["schemas"][name]["examples"][0]
        body = self.rows.about(operation.path).put_into(example)
        if operation.name == "save_connection":
            return {"token": DEMO_TOKEN}
        if operation.name == "delete_account":
            return {"confirm": self.user.email}
        if operation.name == "move_work_item":
            return {"status": "in_progress"}
        for item in body.get("items", []):
            # The example's own version is one that the row may come to have.
            item.pop("version", None)
        return body

    def change_item(self, operation: Operation, **changes: Any) -> Any:
        """The body with other values, in a bulk request those of its first item."""
        body = self.make_body(operation)
        if "items" in body:
            return {"items": [{**body["items"][0], **changes}]}
        return {**body, **changes}

    def connect(self) -> None:
        """Store the person's GitHub token."""
        Client(self.user).request("PUT", "/api/github/connection", {"token": DEMO_TOKEN}).expect(200)

    def send_over(self, answering: Answering, operation: Operation, change: Change = GOOD) -> Answer:
        """A request while Supabase answers like this. Its keys are those of the real one."""
        self.place.broken.answering = answering
        self.place.set("SUPABASE_URL", self.place.broken.url)
        return self.send(operation, change)


@pytest.fixture(scope="module")
def broken() -> Iterator[BrokenSupabase]:
    with run_broken_supabase() as server:
        yield server


@pytest.fixture
def place(
    supabase: Supabase,
    github: FakeGitHub,
    broken: BrokenSupabase,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Place]:
    yield Place(supabase, github, broken, monkeypatch, tmp_path)
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def refused_user(supabase: Supabase) -> User:
    """Somebody whose requests are all refused."""
    return supabase.create_user()


@pytest.fixture(scope="module")
def shared_rows(refused_user: User, running_github: FakeGitHub) -> Rows:
    """Rows that no refused request changes."""
    return make_rows(Client(refused_user), sorted(running_github.account.repositories))


def succeed(world: World, operation: Operation) -> Answer:
    if operation.name in {"get_connection", "delete_connection", "request_sync"}:
        world.connect()
    if operation.name == "get_run":
        world.connect()
        run = Client(world.user).post("/api/github/sync").expect(202)
        return world.send(operation, Change(path=f"/api/github/runs/{run['id']}"))
    if operation.name == "decide_missing":
        return world.send(operation, Change(body={"decision": "gone"}))
    if operation.name == "compare_with_env_examples":
        return on_github(world).send(operation)
    return world.send(operation)


def accept(world: World, operation: Operation) -> Answer:
    if operation.name == "import_repositories":
        world.connect()
        many = {"product_id": world.rows.ids["product_id"], "github_ids": list(range(1, 1_002))}
        return world.send(operation, Change(body=many))
    return succeed(world, operation)


def not_modified(world: World, operation: Operation) -> Answer:
    first = succeed(world, operation)
    path = f"/api/github/runs/{first.json['id']}" if operation.name == "get_run" else None
    return world.send(operation, Change(path=path, headers={"if-none-match": first.headers["etag"]}))


def bad_request(world: World, operation: Operation) -> Answer:
    return world.send(operation, Change(query="nonsense=1"))


def unauthorized(world: World, operation: Operation) -> Answer:
    return world.send(operation, Change(headers={"authorization": None}))


def forbidden(world: World, operation: Operation) -> Answer:
    return world.send_over(lambda _: (403, error("42501")), operation)


# Rows that are named elsewhere than in the path.
NAMING_NOTHING = {
    "get_resume": Change(query=f"product_id={uuid4()}"),
    "mark_seen": Change(body={"product_id": str(uuid4())}),
    "decide_missing": Change(body={"decision": "gone", "github_ids": [1]}),
}


def not_found(world: World, operation: Operation) -> Answer:
    if operation.has_row_in_path():
        parent = operation.path.partition("{")[2].partition("}")[0]
        path = operation.path.format_map(world.rows.ids | {parent: str(uuid4())})
        return world.send(operation, Change(path=path))
    if operation.path.endswith("/bulk"):
        return world.send(operation, Change(body=world.change_item(operation, id=str(uuid4()))))
    if operation.name in {"import_repositories", "import_env_file"}:
        return world.send(operation, Change(body=world.change_item(operation, product_id=str(uuid4()))))
    if operation.name in NAMING_NOTHING:
        return world.send(operation, NAMING_NOTHING[operation.name])
    return world.send(operation, Change(user=world.place.supabase.create_user()))


def conflict(world: World, operation: Operation) -> Answer:
    if "Idempotency-Key" in operation.parameters:

        def forget_the_key(path: str) -> tuple[int, Any]:
            if path.endswith("/rpc/get_idempotent_answer"):
                return (200, [])
            return (409, error("PT409", hint="idempotency_replay"))

        return world.send_over(forget_the_key, operation, Change(headers={"idempotency-key": "once"}))
    if operation.name == "save_connection":
        changed = error("PT409", hint="connection_changed")
        return world.send_over(
            lambda path: (409, changed) if path.endswith("/save_github_connection") else (200, str(uuid4())),
            operation,
        )
    if operation.path.startswith("/api/github/"):
        return world.send(operation, Change(headers={"x-github-token": None}))
    if operation.name in OWN_CONFLICTS:
        return OWN_CONFLICTS[operation.name](world, operation)
    if operation.name in REFUSED_BODIES:
        return world.send(operation, Change(body=REFUSED_BODIES[operation.name]))
    return world.send(operation, Change(body=world.change_item(operation, product_id=str(uuid4()))))


def conflict_of_environment(world: World, operation: Operation) -> Answer:
    """Of an entry that becomes a secret in this moment."""
    made = Client(world.user).create_app_info(world.rows.ids["product_id"])
    entry = made | {"id": world.rows.ids["app_info_id"], "secret_number": None}
    changed = error("PT409", hint="app_info_secrecy")
    return world.send_over(
        lambda path: (409, changed) if "/write_app_info" in path else (200, [entry]),
        operation,
        Change(body={"value": "x"}),
    )


def conflict_of_export(world: World, operation: Operation) -> Answer:
    Client(world.user).create_app_info(world.rows.ids["product_id"], value="two\nlines")
    return world.send(operation, Change(query="format=docker"))


def conflict_of_env_import(world: World, operation: Operation) -> Answer:
    product = world.rows.ids["product_id"]
    entry = Client(world.user).create_app_info(product)
    return world.send(operation, Change(body={"product_id": product, "content": f"{entry['key']}=another"}))


def conflict_of_restore(world: World, operation: Operation) -> Answer:
    client = Client(world.user)
    url = f"/api/app-info/{client.create_app_info(world.rows.ids['product_id'], is_secret=True)['id']}"
    client.patch(url, {"is_secret": False, "value": "plain"}).expect(200)
    return world.send(operation, Change(path=f"{url}/versions/1/restore"))


def conflict_of_drift(world: World, operation: Operation) -> Answer:
    """Without a token for GitHub."""
    return world.send(operation, Change(headers={"x-github-token": None}))


def on_github(world: World) -> World:
    """The same person with a product that has a repository of GitHub's."""
    client = Client(world.user)
    product = client.create_product()["id"]
    body = {"product_id": product, "github_ids": world.rows.github_ids[:1]}
    client.post("/api/github/import", body, headers={"x-github-token": DEMO_TOKEN}).expect(200)
    return World(world.place, world.user, replace(world.rows, ids={**world.rows.ids, "product_id": product}))


def conflict_of_deletion(world: World, operation: Operation) -> Answer:
    """Of a product with more in it than can be deleted at once."""
    return world.send_over(lambda _: (409, error("PT409", hint="product_too_large")), operation)


def conflict_of_account_import(world: World, operation: Operation) -> Answer:
    """Of a product that is there with another name."""
    line = {"type": "products", "row": {"id": world.rows.ids["product_id"], "name": "Another"}}
    return world.send(operation, Change(body={"lines": [line], "mode": "apply"}))


def conflict_of_trash(world: World, operation: Operation) -> Answer:
    """Of an item whose product is in the trash, too."""
    client = Client(world.user)
    product = client.create_product()["id"]
    item = client.create_work_item(product)["id"]
    for path in (f"/api/work/{item}", f"/api/products/{product}"):
        client.delete(path).expect(204)
    kept = client.get(f"/api/trash?entity_id={item}").expect(200)["items"][0]["id"]
    return world.send(operation, Change(path=f"/api/trash/{kept}/restore"))


REFUSED_BODIES: dict[str, Json] = {
    "move_work_item": {"status": "done"},
    "edit_document": {"mode": "replace_passage", "text": "", "find": "nowhere"},
}
"""What the row as it is refuses."""
OWN_CONFLICTS = {
    "set_app_info_environment": conflict_of_environment,
    "import_account": conflict_of_account_import,
    "delete_product": conflict_of_deletion,
    "bulk_delete_products": conflict_of_deletion,
    "restore_trash": conflict_of_trash,
    "compare_with_env_examples": conflict_of_drift,
    "export_env_file": conflict_of_export,
    "import_env_file": conflict_of_env_import,
    "restore_app_info_version": conflict_of_restore,
}


def precondition_failed(world: World, operation: Operation) -> Answer:
    if operation.path.endswith("/bulk"):
        return world.send(operation, Change(body=world.change_item(operation, version=999)))
    return world.send(operation, Change(headers={"if-match": '"999"'}))


def precondition_required(world: World, operation: Operation) -> Answer:
    return world.send(operation, Change(headers={"if-match": None}))


def too_large(world: World, operation: Operation) -> Answer:
    if operation.name == "diff_document_revision":
        client = Client(world.user)
        document = client.create_document(world.rows.ids["product_id"], content="x" * 300_000)["id"]
        client.patch(f"/api/docs/{document}", {"content": ""}).expect(200)
        return world.send(operation, Change(path=f"/api/docs/{document}/revisions/1/diff"))
    if operation.name == "export_documents":
        for _ in range(4):
            Client(world.user).create_document(world.rows.ids["product_id"], content="x" * 1024 * 1024)
        return world.send(operation)
    return world.send(operation, Change(raw=b" " * MORE_THAN_LAMBDA_TAKES))


def unsupported_media_type(world: World, operation: Operation) -> Answer:
    return world.send(operation, Change(headers={"content-type": "text/plain"}))


def invalid(world: World, operation: Operation) -> Answer:
    if operation.has_row_in_path():
        path = operation.path.partition("{")[0] + "x" + operation.path.partition("}")[2]
        return world.send(operation, Change(path=path))
    if operation.name in {"export_documents", "compare_with_env_examples"}:
        return world.send(operation, Change(path=f"{operation.path}?product_id=x"))
    for parameter, value in (("limit", 0), ("format", "xml"), ("cursor", "x")):
        if parameter in operation.parameters:
            return world.send(operation, Change(query=f"{parameter}={value}"))
    if "requestBody" in operation.described:
        return world.send(operation, Change(body={"nonsense": 1}))
    return world.send(operation, Change(headers={"if-none-match": '"' + "x" * 1_000 + '"'}))


def too_many_requests(world: World, operation: Operation) -> Answer:
    if operation.is_about_github():
        asking = on_github(world) if operation.name == "compare_with_env_examples" else world
        world.place.github.account.secondary_limit = SecondaryLimit()
        return asking.send(operation)
    later = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    limited = error("PT429", hint="rate_limited", details=later)
    return world.send_over(lambda _: (429, limited), operation)


def internal_error(world: World, operation: Operation) -> Answer:
    """A deployment without its settings, or without its files."""
    world.place.set("SUPABASE_ANON_KEY", "")
    world.place.environment.setattr(reference, "ROOT", world.place.empty)
    world.place.environment.setattr(reference, "FOLDER", world.place.empty)
    reference.get_document.cache_clear()
    reference.get_document_of.cache_clear()
    reference.get_page.cache_clear()
    return world.send(operation)


def upstream_failed(world: World, operation: Operation) -> Answer:
    return world.send_over(lambda _: None, operation)


def unavailable(world: World, operation: Operation) -> Answer:
    world.place.set("SUPABASE_URL", "http://127.0.0.1:1")
    return world.send(operation)


def upstream_timed_out(world: World, operation: Operation) -> Answer:
    return world.send_over(lambda _: (500, error("57014")), operation)


PROVOKE: dict[int, Callable[[World, Operation], Answer]] = {
    200: succeed,
    201: succeed,
    202: accept,
    204: succeed,
    304: not_modified,
    400: bad_request,
    401: unauthorized,
    403: forbidden,
    404: not_found,
    409: conflict,
    412: precondition_failed,
    413: too_large,
    415: unsupported_media_type,
    428: precondition_required,
    422: invalid,
    429: too_many_requests,
    500: internal_error,
    502: upstream_failed,
    503: unavailable,
    504: upstream_timed_out,
}


def name(case: Operation | int) -> str:
    return case.name if isinstance(case, Operation) else str(case)


@pytest.mark.parametrize(("operation", "status"), [d for d in DECLARED if d[1] < 400], ids=name)
def test_declared_success_is_given_as_it_is_declared(operation: Operation, status: int, place: Place) -> None:
    user = place.supabase.create_user()
    rows = make_rows(Client(user), sorted(place.github.account.repositories))
    answer = PROVOKE[status](World(place, user, rows), operation)
    assert answer.status == status, answer.text
    check(answer, resolve(operation.described["responses"][str(status)]))


@pytest.mark.parametrize(("operation", "status"), [d for d in DECLARED if d[1] >= 400], ids=name)
def test_declared_problem_is_given_as_it_is_declared(
    operation: Operation, status: int, place: Place, refused_user: User, shared_rows: Rows
) -> None:
    answer = PROVOKE[status](World(place, refused_user, shared_rows), operation)
    assert answer.status == status, answer.text
    check(answer, resolve(operation.described["responses"][str(status)]))


@pytest.mark.parametrize("size", [1, MORE_THAN_LAMBDA_TAKES])
@pytest.mark.parametrize(
    "operation", [operation for operation in OPERATIONS if "requestBody" not in operation.described], ids=name
)
def test_body_that_nobody_reads_is_answered_as_declared(
    operation: Operation, size: int, place: Place, refused_user: User, shared_rows: Rows
) -> None:
    world = World(place, refused_user, shared_rows)
    if operation.method == "DELETE":
        world = World(place, place.supabase.create_user(), shared_rows)
    answer = world.send(operation, Change(headers={"content-type": "text/plain"}, raw=b"x" * size))
    assert str(answer.status) in operation.described["responses"], answer.text


READING = [operation for operation in OPERATIONS if operation.method == "GET"]
DELETING = [operation for operation in OPERATIONS if operation.method == "DELETE"]


@pytest.fixture
def one_write(place: Place) -> Iterator[Callable[[User], None]]:
    """An account may write once a minute, and somebody has."""

    def limit(most: int | None) -> None:
        with psycopg.connect(place.supabase.database_url) as connection:
            connection.execute(
                "update private.limits set most = %s where name = 'writes_per_minute'", (most,)
            )

    def reach(user: User) -> None:
        limit(1)
        with psycopg.connect(place.supabase.database_url) as connection:
            connection.execute("insert into private.writes (user_id) values (%s)", (user.id,))

    yield reach
    limit(None)


@pytest.fixture(scope="module")
def reader(supabase: Supabase) -> User:
    """Somebody who changes nothing."""
    return supabase.create_user()


@pytest.fixture(scope="module")
def rows_of_reader(reader: User, running_github: FakeGitHub) -> Rows:
    """What they read."""
    return make_rows(Client(reader), sorted(running_github.account.repositories))


@pytest.mark.parametrize("operation", READING, ids=name)
def test_reading_works_for_who_has_written_too_often(
    operation: Operation,
    place: Place,
    reader: User,
    rows_of_reader: Rows,
    one_write: Callable[[User], None],
) -> None:
    """Also where the database has to write for it: of a reveal, of a limit of GitHub's."""
    one_write(reader)
    assert World(place, reader, rows_of_reader).send(operation).status in {200, 404}


@pytest.mark.parametrize("operation", DELETING, ids=name)
def test_deleting_works_for_who_has_written_too_often(
    operation: Operation, place: Place, one_write: Callable[[User], None]
) -> None:
    user = place.supabase.create_user()
    world = World(place, user, make_rows(Client(user), sorted(place.github.account.repositories)))
    world.connect()
    one_write(user)
    assert world.send(operation).status == 204


def check(answer: Answer, declared: Json) -> None:
    """An answer has the media type, the body and the headers that are declared, and no other of those."""
    if "content" in declared:
        media_type = answer.headers["content-type"].partition(";")[0]
        schema = declared["content"][media_type]["schema"]
        assert (
            errors_of(schema, answer.json if media_type.endswith(("/json", "+json")) else answer.text) == []
        )
    else:
        assert answer.text == ""
    headers = {name: resolve(header) for name, header in declared.get("headers", {}).items()}
    for name, header in headers.items():
        value = answer.headers.get(name.lower())
        assert value is not None or not header.get("required", False), name
        if value is not None:
            assert errors_of(header["schema"], int(value) if value.isdecimal() else value) == [], name
    for name in CONTRACT["components"]["headers"]:
        assert name in headers or name.lower() not in answer.headers, name


def resolve(described: Json) -> Json:
    """What a reference leads to."""
    found = described
    if "$ref" in described:
        for part in described["$ref"].removeprefix("#/").split("/"):
            found = found[part] if found is not described else CONTRACT[part]
    return found


def errors_of(schema: Json, value: Any) -> list[str]:
    """What is wrong with a value."""
    whole = {**CONTRACT, **schema}
    resource = Resource.from_contents(whole, default_specification=DRAFT202012)
    registry = Registry().with_resource("", resource)
    validator = Draft202012Validator(whole, registry=registry, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
