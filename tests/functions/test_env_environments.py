"""`.env` files of one environment: what is exported, what an import writes, and what it never tells."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.supabase import Supabase
from tests.functions.conftest import Client
from tests.functions.secret_entries import CANARY, everything_stored, history, reveals
from tests.functions.test_env_files import entries, export, outcomes, send
from tests.functions.test_environments import ENVIRONMENTS, put, reveal_in, values
from tests.functions.test_secrets_racing import IMPORT, meanwhile

Json = dict[str, Any]


@pytest.fixture
def product(owner: Client) -> str:
    """A product without entries."""
    product_id: str = owner.create_product()["id"]
    return product_id


def export_of(client: Client, product: str, environment: str | None) -> dict[str, str]:
    """Everything that a product holds in an environment, or everywhere."""
    query = "format=json&include_secrets=true"
    if environment is not None:
        query += f"&environment={environment}"
    found: dict[str, str] = export(client, product, query).expect(200)
    return found


def create(client: Client, product: str, key: str, value: str | None, **more: Any) -> Json:
    """An entry, with values for environments."""
    is_secret = more.pop("is_secret", False)
    entry = client.create_app_info(product, key=key, value=value, is_secret=is_secret)
    for environment, held in more.items():
        entry = put(client, entry, environment, held).expect(200)
    return entry


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
HELD = st.fixed_dictionaries(
    {"base": st.none() | TEXTS, "is_secret": st.booleans(), "turns": st.booleans()},
    optional=dict.fromkeys(ENVIRONMENTS, st.none() | TEXTS),
)


@given(held=st.lists(HELD, min_size=1, max_size=3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_export_of_each_environment_is_what_the_model_says(owner: Client, held: list[Json]) -> None:
    product = owner.create_product()["id"]
    model: dict[str, Json] = {}
    for number, each in enumerate(held):
        overrides = {name: each[name] for name in ENVIRONMENTS if name in each}
        key = f"KEY_{number}"
        entry = create(owner, product, key, each["base"], is_secret=each["is_secret"], **overrides)
        if each["turns"]:
            owner.patch(f"/api/app-info/{entry['id']}", {"is_secret": not each["is_secret"]}).expect(200)
        model[key] = {"base": each["base"], **overrides}
    for environment in (None, *ENVIRONMENTS):
        expected = {
            key: value
            for key, known in model.items()
            if (value := known.get(environment or "base", known["base"])) is not None
        }
        assert export_of(owner, product, environment) == expected
        answer = export(owner, product, f"environment={environment}" if environment else "")
        assert int(answer.headers["forum-left-out-count"]) >= len(model) - len(expected)


def test_export_records_which_environment_a_secret_left_for(
    owner: Client, supabase: Supabase, product: str
) -> None:
    own = create(owner, product, "OWN", "base", is_secret=True, production="prod")
    other = create(owner, product, "OTHER", "base", is_secret=True)
    plain = create(owner, product, "PLAIN", "base", production="prod")
    assert export_of(owner, product, "production") == {"OWN": "prod", "OTHER": "base", "PLAIN": "prod"}
    shown = [
        [changes["value"] for action, changes in history(supabase, entry) if action == "revealed"]
        for entry in (own, other, plain)
    ]
    assert shown == [
        [{"revealed": True, "number": 2, "environment": "production"}],
        [{"revealed": True, "number": 1}],
        [],
    ]


def test_value_that_changes_during_an_export_is_read_anew(
    owner: Client, supabase: Supabase, product: str
) -> None:
    entry = create(owner, product, "KEY", "base", is_secret=True, preview="one")
    remove = "delete from public.app_info_overrides where app_info_id = %s"
    with meanwhile(supabase, "POST", "/rpc/record_app_info_export", remove, entry["id"]):
        assert export_of(owner, product, "preview") == {"KEY": "base"}
    assert reveals(supabase, entry) == [1], "what was read first was shown to nobody"


def test_import_writes_what_differs_and_nothing_else(owner: Client, product: str) -> None:
    create(owner, product, "SAME", "base")
    create(owner, product, "OTHER", "base")
    create(owner, product, "BACK", "base", production="prod")
    create(owner, product, "HERE", "base", production="prod")
    content = "SAME=base\nOTHER=prod\nBACK=base\nHERE=prod\nNEW=prod\n"
    options = {"environment": "production", "is_secret": False}
    dry = outcomes(send(owner, product, content, dry_run=True, **options))
    assert dry == [
        ("SAME", "same", False),
        ("OTHER", "new", False),
        ("BACK", "changed", False),
        ("HERE", "same", False),
        ("NEW", "new", False),
    ]
    send(owner, product, content, **options).expect_problem(409, "env-file-conflict")
    skipped = outcomes(send(owner, product, content, on_conflict="skip", **options))
    assert [written for _, _, written in skipped] == [False, True, False, False, True]
    found = entries(owner, product)
    assert {key: (entry["value"], values(entry)) for key, entry in found.items()} == {
        "SAME": ("base", {}),
        "OTHER": ("base", {"production": "prod"}),
        "BACK": ("base", {"production": "prod"}),
        "HERE": ("base", {"production": "prod"}),
        # Elsewhere it has no value: what is for production is not for development.
        "NEW": (None, {"production": "prod"}),
    }
    outcomes(send(owner, product, content, on_conflict="overwrite", **options))
    assert values(entries(owner, product)["BACK"]) == {}
    assert export(owner, product, "environment=production").text == content
    assert export_of(owner, product, None) == {
        "SAME": "base",
        "OTHER": "base",
        "BACK": "base",
        "HERE": "base",
    }


def test_import_of_secrets_tells_nothing_of_what_is_stored(
    owner: Client, supabase: Supabase, product: str
) -> None:
    entry = create(owner, product, "KEY", "base", is_secret=True, preview="guess")
    told = []
    for guess in ("base", "guess", "wrong"):
        for environment in ("preview", "production"):
            for on_conflict in ("fail", "skip", "overwrite"):
                options = {"environment": environment, "on_conflict": on_conflict, "dry_run": True}
                report = send(owner, product, f"KEY={guess}\n", **options).expect(200)
                told.append((guess, report))
    reports = [[report for known, report in told if known == guess] for guess in ("base", "guess", "wrong")]
    assert reports[0] == reports[1] == reports[2]
    assert [report["items"][0]["outcome"] for report in reports[0]] == ["exists"] * 3 + ["new"] * 3
    # Nor does what is there afterwards: the guess is written, though it is what the entry has anyway.
    send(owner, product, "KEY=base\n", environment="production").expect(200)
    (now,) = entries(owner, product).values()
    assert values(now) == {"preview": None, "production": None}
    assert reveals(supabase, entry) == []


def test_import_of_a_new_secret_is_for_its_environment_alone(
    owner: Client, supabase: Supabase, product: str
) -> None:
    send(owner, product, f"KEY={CANARY}\n", environment="production").expect(200)
    entry = entries(owner, product)["KEY"]
    assert (entry["is_secret"], entry["has_value"], values(entry)) == (True, False, {"production": None})
    assert CANARY not in everything_stored(supabase, entry)
    assert reveal_in(owner, entry, "production") == (CANARY, "production")
    assert export_of(owner, product, "development") == {}
    answer = export(owner, product, "environment=development&include_secrets=true")
    assert answer.headers["forum-left-out"] == "KEY;reason=no-value"


def test_import_of_secrets_makes_one_of_a_plain_entry_with_all_its_values(
    owner: Client, supabase: Supabase, product: str
) -> None:
    create(owner, product, "KEY", f"{CANARY}-base", development=f"{CANARY}-dev", production="old")
    create(owner, product, "SAME", "base")
    content = f"KEY={CANARY}-prod\nSAME=base\n"
    options: Json = {"environment": "production"}
    dry = outcomes(send(owner, product, content, dry_run=True, **options))
    assert dry == [("KEY", "changed", False), ("SAME", "same", False)]
    send(owner, product, content, on_conflict="overwrite", **options).expect(200)
    found = entries(owner, product)
    assert {(entry["is_secret"], entry["value"]) for entry in found.values()} == {(True, None)}
    assert CANARY not in everything_stored(supabase, found["KEY"])
    assert (values(found["KEY"]), values(found["SAME"])) == ({"development": None, "production": None}, {})
    assert export_of(owner, product, "production") == {"KEY": f"{CANARY}-prod", "SAME": "base"}
    assert export_of(owner, product, "development") == {"KEY": f"{CANARY}-dev", "SAME": "base"}
    assert export_of(owner, product, None) == {"KEY": f"{CANARY}-base", "SAME": "base"}


@pytest.mark.parametrize("is_secret", [True, False])
def test_import_without_an_environment_leaves_what_environments_have(
    owner: Client, product: str, *, is_secret: bool
) -> None:
    create(owner, product, "KEY", "base", preview="pre", is_secret=not is_secret)
    send(owner, product, "KEY=new\n", on_conflict="overwrite", is_secret=is_secret).expect(200)
    assert export_of(owner, product, None) == {"KEY": "new"}
    assert export_of(owner, product, "preview") == {"KEY": "pre"}


def test_import_into_values_that_change_writes_nothing(
    owner: Client, supabase: Supabase, product: str
) -> None:
    entry = create(owner, product, "KEY", "base", production="old")
    change = "update public.app_info_overrides set value = 'meanwhile' where app_info_id = %s"
    options = {"environment": "production", "on_conflict": "overwrite", "is_secret": False}
    with meanwhile(supabase, *IMPORT, change, entry["id"]):
        answer = send(owner, product, "KEY=mine\nNEW=mine\n", **options)
    answer.expect_problem(409, "entries-changed")
    assert export_of(owner, product, "production") == {"KEY": "meanwhile"}


@given(
    first=st.dictionaries(st.sampled_from("ABC"), TEXTS),
    second=st.dictionaries(st.sampled_from("ABC"), TEXTS),
    is_secret=st.booleans(),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_export_after_an_import_has_what_the_file_has(
    owner: Client, first: dict[str, str], second: dict[str, str], *, is_secret: bool
) -> None:
    product = owner.create_product()["id"]
    options = {"format": "json", "on_conflict": "overwrite", "is_secret": is_secret}
    send(owner, product, json.dumps(first), **options).expect(200)
    send(owner, product, json.dumps(second), environment="production", **options).expect(200)
    assert export_of(owner, product, "production") == first | second
    assert export_of(owner, product, "development") == first
    assert export_of(owner, product, None) == first


def test_import_of_a_thousand_values_is_two_requests(
    owner: Client, product: str, supabase_requests: list[Any]
) -> None:
    content = "".join(f"KEY_{number}=x\n" for number in range(1_000))
    send(owner, product, content, environment="preview").expect(200)
    assert [request.url.path.rpartition("/")[2] for request in supabase_requests] == [
        "compare_app_info",
        "import_app_info",
    ]
