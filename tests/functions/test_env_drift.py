"""Keys compared with the examples in repositories: names only, one request to GitHub, no wrong alarm."""

from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from local.fake_github import DEMO_TOKEN, FakeGitHub
from local.fake_github.repository import File
from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.github import connect, fake, running_fake

__all__ = ["fake", "running_fake"]

CANARY = "c4n4ry-value-of-an-example"
TOKEN = {"x-github-token": DEMO_TOKEN}
GRAPHQL = "/graphql"


def example(content: str | bytes, name: str = ".env.example") -> dict[str, File]:
    """An example file at the root."""
    return {name: File(content.encode() if isinstance(content, str) else content)}


def import_files(owner: Client, fake: FakeGitHub, *files: dict[str, File], **values: Any) -> str:
    """A product with an imported repository for each of these sets of files, `repo-0` first."""
    product: str = owner.create_product()["id"]
    made = [
        fake.account.create(f"repo-{number}", files=each, size=1, **values)
        for number, each in enumerate(files)
    ]
    for repository in made:
        body = {"product_id": product, "github_ids": [repository.id]}
        owner.post("/api/github/import", body, headers=TOKEN).expect(200)
    return product


def drift(owner: Client, product: str, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The report's parts, repository by repository."""
    answer = owner.get(f"/api/app-info/drift?product_id={product}", headers=headers or TOKEN).expect(200)
    items: list[dict[str, Any]] = answer["items"]
    return items


def missing(item: dict[str, Any]) -> dict[str, bool]:
    """The keys that are missing, with whether the example has a value."""
    return {each["key"]: each["has_default"] for each in item["missing"]}


def test_names_are_compared_and_a_key_with_a_value_is_optional(owner: Client, fake: FakeGitHub) -> None:
    text = "# Where it listens\nPORT=8080\nexport API_TOKEN=\nDATABASE_URL=\n# LOG_LEVEL=debug\n#DEBUG=\n"
    product = import_files(owner, fake, example(text))
    owner.create_app_info(product, key="DATABASE_URL", is_secret=True)
    for key in ("LOG_LEVEL", "OLD"):
        owner.create_app_info(product, key=key)
    owner.create_app_info(product, key="How to deploy", category="note")
    (item,) = drift(owner, product)
    assert (item["state"], item["file"], item["full_name"]) == (
        "read",
        ".env.example",
        f"{fake.account.user.login}/repo-0",
    )
    assert missing(item) == {"API_TOKEN": False, "PORT": True}
    assert item["unused"] == ["OLD"]
    assert (item["missing_count"], item["unused_count"]) == (2, 1)
    assert item["oid"] == File(text.encode()).oid


def test_hundred_repositories_are_one_request_to_github_and_the_rest_is_counted(
    owner: Client, fake: FakeGitHub
) -> None:
    product = owner.create_product()["id"]
    made = [fake.account.create(f"many-{n}", files=example(f"KEY_{n}=\n"), size=1) for n in range(101)]
    body = {"product_id": product, "github_ids": [repository.id for repository in made]}
    owner.post("/api/github/import", body, headers=TOKEN).expect(200)
    fake.exchanges.clear()
    url = f"/api/app-info/drift?product_id={product}"
    report = owner.get(url, headers=TOKEN).expect(200)
    assert [exchange.path for exchange in fake.exchanges] == [GRAPHQL]
    assert (len(report["items"]), report["left_out"]) == (100, 1)
    assert {item["state"] for item in report["items"]} == {"read"}


@pytest.mark.parametrize(
    ("files", "state", "file"),
    [
        ({}, "no_file", None),
        (example("A=1\n", ".env"), "no_file", None),
        (example(b"\x89PNG\x00\x1a"), "not_text", ".env.example"),
        (example("GRÖSSE=1\n".encode("latin-1")), "not_text", ".env.example"),
        ({".env.example": File(b"", "Tree")}, "not_text", ".env.example"),
        ({".env.example": File(b"", "Commit")}, "not_text", ".env.example"),
        (example("A=" + "x" * 1_048_576), "too_large", ".env.example"),
        (example("A=" + "x" * 65_535), "too_large", ".env.example"),
        (example("A=\n" * 2_001), "too_large", ".env.example"),
        # A symbolic link: GitHub shows where it leads.
        (example("config/.env.example"), "no_keys", ".env.example"),
        (example(""), "no_keys", ".env.example"),
        (example("# Nothing to set\n"), "no_keys", ".env.example"),
    ],
)
def test_file_that_says_nothing_of_keys_raises_no_alarm(
    owner: Client, fake: FakeGitHub, files: dict[str, File], state: str, file: str | None
) -> None:
    product = import_files(owner, fake, files)
    owner.create_app_info(product, key="MINE")
    (item,) = drift(owner, product)
    assert (item["state"], item["file"]) == (state, file)
    assert (item["missing"], item["unused"]) == ([], [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\ufeffFIRST=\n", {"FIRST": False}),
        ("TWICE=\nTWICE=1\nTWICE=\n", {"TWICE": True}),
        ("A=\r\nB=2\r\n", {"A": False, "B": True}),
        ("A='unclosed\nB=\n", {"A": True, "B": False}),
        ("UID=1\nno equals\n2ND=1\nA=\n", {"A": False}),
        ("A=${B}\nB=\n", {"A": True, "B": False}),
        ('PEM="-----BEGIN\n# INSIDE=1\n"\n', {"PEM": True}),
    ],
)
def test_example_is_read_as_env_files_are(
    owner: Client, fake: FakeGitHub, text: str, found: dict[str, bool]
) -> None:
    product = import_files(owner, fake, example(text))
    (item,) = drift(owner, product)
    assert missing(item) == found


def test_first_of_the_three_names_counts(owner: Client, fake: FakeGitHub) -> None:
    all_three = {
        **example("TEMPLATE=", ".env.template"),
        **example("SAMPLE=", ".env.sample"),
        **example("EXAMPLE="),
    }
    two = {name: file for name, file in all_three.items() if name != ".env.example"}
    product = import_files(owner, fake, all_three, two, example("TEMPLATE=", ".env.template"))
    assert [(item["file"], [*missing(item)]) for item in drift(owner, product)] == [
        (".env.example", ["EXAMPLE"]),
        (".env.sample", ["SAMPLE"]),
        (".env.template", ["TEMPLATE"]),
    ]


def test_key_that_another_repository_names_is_not_unused(owner: Client, fake: FakeGitHub) -> None:
    product = import_files(owner, fake, example("A=\n"), example("# B=\n"), {})
    for key in ("A", "B", "C"):
        owner.create_app_info(product, key=key)
    assert [item["unused"] for item in drift(owner, product)] == [["C"], ["C"], []]


def test_nothing_is_called_unused_while_a_repository_could_not_be_read(
    owner: Client, fake: FakeGitHub
) -> None:
    product = import_files(owner, fake, example("A=\n"), example("B=\n"))
    for key in ("A", "B"):
        owner.create_app_info(product, key=key)
    second = fake.account.by_full_name(f"{fake.account.user.login}/repo-1")
    assert second is not None
    fake.account.hidden.add(second.id)
    read, hidden = drift(owner, product)
    assert (read["state"], read["unused"]) == ("read", [])
    assert (hidden["state"], hidden["missing"]) == ("missing", [])


def test_token_without_contents_is_403_by_its_name(owner: Client, fake: FakeGitHub) -> None:
    product = import_files(owner, fake, example("A=\n"), private=True)
    fake.account.grant("github_pat_metadata_only").may_read_contents = False
    url = f"/api/app-info/drift?product_id={product}"
    refused = owner.get(url, headers={"x-github-token": "github_pat_metadata_only"})
    refused.expect_problem(403, "github-contents-permission")
    fake.account.describe("github_pat_metadata_only").may_read_contents = True
    assert [
        item["state"] for item in drift(owner, product, {"x-github-token": "github_pat_metadata_only"})
    ] == ["read"]


def test_token_without_contents_reads_what_is_public_and_says_what_is_not(
    owner: Client, fake: FakeGitHub
) -> None:
    product = import_files(owner, fake, example("A=\n"), example("B=\n"))
    second = fake.account.by_full_name(f"{fake.account.user.login}/repo-1")
    assert second is not None
    second.private = True
    fake.account.grant("github_pat_metadata_only").may_read_contents = False
    public, private = drift(owner, product, {"x-github-token": "github_pat_metadata_only"})
    assert (public["state"], missing(public)) == ("read", {"A": False})
    assert (private["state"], private["missing"], private["unused"]) == ("no_permission", [], [])
    assert "Resource not accessible" in private["reason"]


def test_sign_on_that_is_wanted_says_where(owner: Client, fake: FakeGitHub) -> None:
    organisation = next(
        repository.owner
        for repository in fake.account.repositories.values()
        if repository.owner.kind == "Organization"
    )
    product = import_files(owner, fake, example("A=\n"))
    repository = fake.account.by_full_name(f"{fake.account.user.login}/repo-0")
    assert repository is not None
    repository.owner = organisation
    fake.account.require_sso(organisation.login)
    (item,) = drift(owner, product)
    assert item["state"] == "sso_required"
    assert item["url"].startswith("https://github.com/")


def test_stored_token_is_used_and_one_that_is_refused_is_asked_no_more(
    owner: Client, fake: FakeGitHub
) -> None:
    product = import_files(owner, fake, example("A=\n"))
    url = f"/api/app-info/drift?product_id={product}"
    owner.get(url).expect_problem(409, "github-not-connected")
    connect(owner, DEMO_TOKEN)
    assert [missing(item) for item in owner.get(url).expect(200)["items"]] == [{"A": False}]
    fake.account.revoke(DEMO_TOKEN)
    owner.get(url).expect_problem(403, "github-token-rejected")
    fake.exchanges.clear()
    owner.get(url).expect_problem(409, "github-needs-reauth")
    assert not fake.exchanges


def test_limit_of_graphql_is_429_and_known_to_the_next_call(owner: Client, fake: FakeGitHub) -> None:
    product = import_files(owner, fake, example("A=\n"))
    connect(owner, DEMO_TOKEN)
    fake.account.graphql.remaining = 0
    url = f"/api/app-info/drift?product_id={product}"
    owner.get(url).expect_problem(429, "github-rate-limited")
    fake.exchanges.clear()
    owner.get(url).expect_problem(429, "github-rate-limited")
    assert not fake.exchanges


def test_product_without_repositories_asks_github_nothing(owner: Client, fake: FakeGitHub) -> None:
    product = owner.create_product()["id"]
    owner.create_repository(product)
    assert drift(owner, product) == []
    assert not fake.exchanges


def test_product_of_another_is_404_and_an_access_token_is_403(
    owner: Client, stranger: Client, fake: FakeGitHub
) -> None:
    product = import_files(owner, fake, example("A=\n"))
    url = f"/api/app-info/drift?product_id={product}"
    stranger.get(url, headers=TOKEN).expect_problem(404, "not-found")
    owner.create_token("keys").get(url, headers=TOKEN).expect_problem(403, "token-not-allowed")


def keep(supabase: Supabase, product: str) -> list[tuple[Any, ...]]:
    """What is kept of the examples of a product's repositories, and what that has changed of the rows."""
    with psycopg.connect(supabase.database_url) as connection:
        return connection.execute(
            "select env_example_keys, env_example_oid, version, updated_at from public.repositories"
            " where product_id = %s order by created_at",
            (product,),
        ).fetchall()


def test_names_are_kept_until_the_file_changes_and_are_no_change_of_the_repository(
    owner: Client, fake: FakeGitHub, supabase: Supabase
) -> None:
    product = import_files(owner, fake, example("B=1\n# C=\nA=\n"))
    ((*_, version, updated_at),) = keep(supabase, product)
    drift(owner, product)
    oid = File(b"B=1\n# C=\nA=\n").oid
    assert keep(supabase, product) == [(["A", "B", "C"], oid, version, updated_at)]
    repository = fake.account.by_full_name(f"{fake.account.user.login}/repo-0")
    assert repository is not None
    repository.files = example("A=\n")
    drift(owner, product)
    assert keep(supabase, product)[0][0] == ["A"]
    repository.files = {}
    drift(owner, product)
    assert keep(supabase, product)[0][:2] == (None, None)


def test_value_in_an_example_reaches_no_row_no_log_and_no_answer(
    owner: Client, fake: FakeGitHub, supabase: Supabase, capfd: pytest.CaptureFixture[str]
) -> None:
    text = f"API_TOKEN={CANARY}\n# OLD={CANARY}\n{CANARY}\nBROKEN='{CANARY}\n"
    large = f"A={CANARY}\n" + "B=\n" * 2_001
    product = import_files(owner, fake, example(text), example(large), example(f"{CANARY}"))
    url = f"/api/app-info/drift?product_id={product}"
    answer = owner.get(url, headers=TOKEN)
    assert [item["state"] for item in answer.expect(200)["items"]] == ["read", "too_large", "no_keys"]
    assert CANARY not in answer.text
    said = capfd.readouterr()
    assert CANARY not in said.out + said.err
    with psycopg.connect(supabase.postgres.superuser_url) as connection:
        tables = connection.execute(
            "select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
            " where c.relkind = 'r' and n.nspname in ('public', 'private')"
        ).fetchall()
        for schema, table in tables:
            look = sql.SQL("select count(*) from {}.{} as t where t::text like %s").format(
                sql.Identifier(schema), sql.Identifier(table)
            )
            assert connection.execute(look, (f"%{CANARY}%",)).fetchone() == (0,), table


def test_key_is_what_lets_names_be_kept(owner: Client, supabase: Supabase) -> None:
    item = {"id": owner.create_repository(owner.create_product()["id"])["id"], "oid": "a" * 40, "keys": ["A"]}
    answer = httpx.post(
        f"{supabase.url}/rest/v1/rpc/save_env_examples",
        json={"items": [item], "import_key": "x" * 40},
        headers={"apikey": supabase.anon_key, "authorization": f"Bearer {owner.token}"},
    )
    assert (answer.status_code, answer.json()["hint"]) == (403, "import_key")
