"""Sealed values open where they belong, and nowhere else; under a key of ours and under KMS."""

import json
import logging
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from shared.aws.clients import clear_clients, get_client
from shared.encryption import (
    EncryptionUnavailable,
    KeyUnknown,
    Place,
    SealBroken,
    Vault,
    get_vault,
    locate_secret,
)
from shared.encryption.sealing import KEY_SECONDS, KEY_USES, MAX_OPENED_KEYS, Purpose
from shared.encryption.wrapping import DataKey, KmsWrapping, LocalWrapping, WrappedKey
from shared.settings import get_settings

KEY = b64encode(bytes(range(32))).decode()
NEWER_KEY = b64encode(bytes(range(32, 64))).decode()
TOKEN = "gho_sentinel_that_must_not_show_anywhere"

details = st.lists(st.text(max_size=5) | st.integers(0, 3), max_size=3).map(tuple)
places = st.builds(Place, st.sampled_from(get_args(Purpose)), st.uuids(), st.uuids(), details)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=2_000)


class Counting:
    """A wrapping that counts what it is asked for."""

    def __init__(self, inner: LocalWrapping | KmsWrapping) -> None:
        self.inner = inner
        self.made = 0
        self.unwrapped = 0

    def make_key(self, purpose: str) -> DataKey:
        self.made += 1
        return self.inner.make_key(purpose)

    def unwrap(self, wrapped: WrappedKey, purpose: str) -> bytes:
        self.unwrapped += 1
        return self.inner.unwrap(wrapped, purpose)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def make_place(purpose: Purpose = "github_token") -> Place:
    return Place(purpose, uuid4(), uuid4())


@pytest.fixture
def vault() -> Vault:
    return Vault(LocalWrapping(KEY))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clear_clients()
    with mock_aws():
        yield
    clear_clients()


@pytest.fixture
def kms_key(aws: None) -> str:  # noqa: ARG001 - the key lives in the mocked AWS
    made = get_client("kms").create_key()
    return str(made["KeyMetadata"]["KeyId"])


@pytest.fixture(params=["local", "kms"])
def wrapping(request: pytest.FixtureRequest) -> LocalWrapping | KmsWrapping:
    if request.param == "local":
        return LocalWrapping(KEY)
    return KmsWrapping(request.getfixturevalue("kms_key"))


# A place of its own


@given(value=texts, place=places)
def test_value_opens_where_it_was_sealed_and_shows_nothing_of_itself(value: str, place: Place) -> None:
    vault = Vault(LocalWrapping(KEY))

    stored = json.loads(json.dumps(vault.seal(value, place)))

    assert vault.open(stored, place) == value
    assert set(stored) == {"v", "key_id", "wrapped_key", "nonce", "ciphertext"}
    assert len(b64decode(stored["ciphertext"])) == len(value.encode()) + 16
    if len(value) > 8:
        assert value not in json.dumps(stored, ensure_ascii=False)


@given(value=texts, sealed_at=places, opened_at=places)
def test_value_opens_nowhere_else(value: str, sealed_at: Place, opened_at: Place) -> None:
    vault = Vault(LocalWrapping(KEY))
    stored = vault.seal(value, sealed_at)

    if sealed_at == opened_at:
        assert vault.open(stored, opened_at) == value
    else:
        with pytest.raises(SealBroken):
            vault.open(stored, opened_at)


def test_value_moved_to_another_user_row_or_purpose_does_not_open(
    wrapping: LocalWrapping | KmsWrapping,
) -> None:
    vault = Vault(wrapping)
    place = make_place()
    stored = vault.seal(TOKEN, place)
    moved = [
        Place(place.purpose, uuid4(), place.row_id),
        Place(place.purpose, place.user_id, uuid4()),
        Place("github_refresh_token", place.user_id, place.row_id),
        # Both ids swapped: joined without a structure they could mean the same.
        Place(place.purpose, place.row_id, place.user_id),
    ]

    assert vault.open(stored, place) == TOKEN
    for other in moved:
        with pytest.raises(SealBroken):
            vault.open(stored, other)


SECRET = locate_secret(UUID(int=1), UUID(int=2), UUID(int=3), "API_KEY", 2)


@pytest.mark.parametrize(
    "other",
    [
        locate_secret(UUID(int=1), UUID(int=2), UUID(int=3), "API_KEY", 1),
        locate_secret(UUID(int=1), UUID(int=2), UUID(int=3), "API_KEY_OLD", 2),
        locate_secret(UUID(int=1), UUID(int=2), UUID(int=3), "api_key", 2),
        # Composed and decomposed text are two keys, as they are in the database.
        locate_secret(UUID(int=1), UUID(int=2), UUID(int=3), "API_KE\u0301Y", 2),
        locate_secret(UUID(int=1), UUID(int=2), UUID(int=4), "API_KEY", 2),
        locate_secret(UUID(int=1), UUID(int=4), UUID(int=3), "API_KEY", 2),
        locate_secret(UUID(int=4), UUID(int=2), UUID(int=3), "API_KEY", 2),
        # Other parts that would read the same, were they joined.
        Place("app_info", UUID(int=1), UUID(int=2), (str(UUID(int=3)), "API_KEY", "2")),
        Place("app_info", UUID(int=1), UUID(int=2), (str(UUID(int=3)), 'API_KEY", 2', 2)),
        Place("app_info", UUID(int=1), UUID(int=2), (str(UUID(int=3)), "API_KEY", 2, 2)),
        Place("app_info", UUID(int=1), UUID(int=2)),
    ],
    ids=str,
)
def test_secret_opens_under_its_number_its_key_and_its_product_only(
    wrapping: LocalWrapping | KmsWrapping, other: Place
) -> None:
    vault = Vault(wrapping)
    stored = vault.seal(TOKEN, SECRET)

    assert vault.open(stored, SECRET) == TOKEN
    with pytest.raises(SealBroken):
        vault.open(stored, other)
    with pytest.raises(SealBroken):
        vault.open(vault.seal(TOKEN, other) | {"v": stored["v"]}, SECRET)


def test_value_that_was_sealed_before_places_had_details_opens_by_its_row_and_nowhere_else(
    wrapping: LocalWrapping | KmsWrapping,
) -> None:
    vault = Vault(wrapping)
    stored = vault.seal(TOKEN, Place("app_info", SECRET.user_id, SECRET.row_id))

    assert stored["v"] == 1
    assert vault.open(stored, SECRET) == TOKEN
    with pytest.raises(SealBroken):
        vault.open(stored, replace(SECRET, row_id=UUID(int=5)))


@pytest.mark.parametrize("v", [1, 3, "2", None])
def test_value_that_is_said_to_be_of_another_format_does_not_open(vault: Vault, v: object) -> None:
    stored = vault.seal(TOKEN, SECRET)
    assert stored["v"] == 2
    with pytest.raises(SealBroken):
        vault.open(stored | {"v": v}, SECRET)


def test_same_value_sealed_twice_looks_different_each_time(vault: Vault) -> None:
    place = make_place()
    first, second = vault.seal(TOKEN, place), vault.seal(TOKEN, place)

    assert first["nonce"] != second["nonce"]
    assert first["ciphertext"] != second["ciphertext"]


@given(data=st.data())
def test_value_with_any_bit_changed_does_not_open(data: st.DataObject) -> None:
    vault = Vault(LocalWrapping(KEY))
    place = make_place()
    stored = vault.seal(TOKEN, place)
    name = data.draw(st.sampled_from(["wrapped_key", "nonce", "ciphertext"]))
    content = bytearray(b64decode(stored[name]))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(SealBroken):
        vault.open(stored | {name: b64encode(content).decode()}, place)


@pytest.mark.parametrize("stored", [None, "text", [], {}, 7])
def test_stored_value_of_another_shape_does_not_open(vault: Vault, stored: object) -> None:
    with pytest.raises(SealBroken):
        vault.open(stored, make_place())


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": "1"},
        {"extra": 1},
        {"key_id": "local:0000000000000000"},
        {"key_id": ""},
        {"key_id": None},
        {"nonce": ""},
        {"nonce": b64encode(bytes(13)).decode()},
        {"nonce": 7},
        {"wrapped_key": ""},
        {"wrapped_key": "not base64!"},
        {"ciphertext": ""},
        {"ciphertext": None},
    ],
)
def test_sealed_value_with_a_part_that_cannot_be_does_not_open(vault: Vault, changes: dict[str, Any]) -> None:
    place = make_place()

    with pytest.raises(SealBroken) as broken:
        vault.open(vault.seal(TOKEN, place) | changes, place)

    assert broken.value.__cause__ is None


def test_value_sealed_under_another_key_does_not_open(vault: Vault) -> None:
    place = make_place()
    other = Vault(LocalWrapping(b64encode(os.urandom(32)).decode()))

    with pytest.raises(SealBroken):
        other.open(vault.seal(TOKEN, place), place)


@pytest.mark.parametrize(
    "key_id",
    [
        "local:0000000000000000",
        "arn:aws:kms:eu-central-1:123456789012:key/6c5b9d0e-0000-4000-8000-0123456789ab",
    ],
)
def test_key_that_is_not_at_hand_is_told_by_its_id_and_logged(
    vault: Vault, capsys: pytest.CaptureFixture[str], key_id: str
) -> None:
    stored = vault.seal(TOKEN, place := make_place()) | {"key_id": key_id}

    with pytest.raises(KeyUnknown, match=key_id) as unknown:
        vault.open(stored, place)

    assert unknown.value.key_id == key_id
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message"], line["key_id"]) == ("ERROR", "key_unknown", key_id)


@pytest.mark.parametrize("key_id", [f"local:{TOKEN}", TOKEN, "arn:aws:kms:eu-central-1:1:alias/x", "local:"])
def test_id_that_no_key_can_have_is_told_to_nobody(
    wrapping: LocalWrapping | KmsWrapping, capsys: pytest.CaptureFixture[str], key_id: str
) -> None:
    vault = Vault(wrapping)
    stored = vault.seal(TOKEN, place := make_place()) | {"key_id": key_id}

    with pytest.raises(SealBroken) as broken:
        vault.open(stored, place)

    assert type(broken.value) is SealBroken
    assert key_id not in str(broken.value)
    assert capsys.readouterr().out == ""


def test_value_of_the_key_before_opens_beside_those_of_the_key_that_seals() -> None:
    place = make_place()
    before, both = Vault(LocalWrapping(KEY)), Vault(LocalWrapping(NEWER_KEY, KEY))
    old, new = before.seal(TOKEN, place), both.seal(TOKEN, place)

    assert [both.open(stored, place) for stored in (old, new)] == [TOKEN, TOKEN]
    assert new["key_id"] == LocalWrapping(NEWER_KEY).key_id != old["key_id"]
    after = Vault(LocalWrapping(NEWER_KEY))
    assert after.open(new, place) == TOKEN
    with pytest.raises(KeyUnknown, match=old["key_id"]):
        after.open(old, place)


def test_processes_open_each_others_values_while_the_keys_change_places() -> None:
    place = make_place()
    early, late = Vault(LocalWrapping(KEY, NEWER_KEY)), Vault(LocalWrapping(NEWER_KEY, KEY))

    assert late.open(early.seal(TOKEN, place), place) == TOKEN
    assert early.open(late.seal(TOKEN, place), place) == TOKEN


def test_key_under_the_id_of_another_opens_nothing() -> None:
    place = make_place()
    stored = Vault(LocalWrapping(KEY)).seal(TOKEN, place)
    both = LocalWrapping(NEWER_KEY, KEY)

    with pytest.raises(SealBroken):
        Vault(both).open(stored | {"key_id": both.key_id}, place)


def test_data_key_of_one_value_does_not_open_another(vault: Vault) -> None:
    place = make_place()
    stored, later = vault.seal(TOKEN, place), Vault(LocalWrapping(KEY)).seal(TOKEN, place)

    with pytest.raises(SealBroken):
        vault.open(stored | {"wrapped_key": later["wrapped_key"]}, place)


# Data keys


def test_data_key_serves_a_thousand_values_and_then_a_new_one_is_made() -> None:
    wrapping = Counting(LocalWrapping(KEY))
    vault = Vault(wrapping)
    place = make_place()

    keys = {vault.seal(TOKEN, place)["wrapped_key"] for _ in range(KEY_USES)}

    assert (len(keys), wrapping.made) == (1, 1)
    assert vault.seal(TOKEN, place)["wrapped_key"] not in keys
    assert wrapping.made == 2


def test_data_key_serves_five_minutes_for_sealing_and_for_opening() -> None:
    clock = Clock()
    wrapping = Counting(LocalWrapping(KEY))
    vault = Vault(wrapping, clock=clock)
    place = make_place()
    stored = vault.seal(TOKEN, place)
    for _ in range(3):
        vault.open(stored, place)
    assert (wrapping.made, wrapping.unwrapped) == (1, 1)

    clock.now += KEY_SECONDS
    vault.seal(TOKEN, place)
    vault.open(stored, place)

    assert (wrapping.made, wrapping.unwrapped) == (2, 2)


def test_data_key_serves_one_purpose_only(wrapping: LocalWrapping | KmsWrapping) -> None:
    vault = Vault(wrapping)
    user, row = uuid4(), uuid4()
    purposes: tuple[Purpose, ...] = get_args(Purpose)

    sealed = [vault.seal(TOKEN, Place(purpose, user, row)) for purpose in purposes]

    assert len({stored["wrapped_key"] for stored in sealed}) == len(purposes)


def test_opened_keys_are_kept_in_bounds_and_not_longer_than_their_time() -> None:
    clock = Clock()
    wrapping = Counting(LocalWrapping(KEY))
    place = make_place()
    stored = [Vault(wrapping).seal(TOKEN, place) for _ in range(MAX_OPENED_KEYS + 1)]
    vault = Vault(wrapping, clock=clock)

    for each in stored:
        vault.open(each, place)
    vault.open(stored[-1], place)
    assert wrapping.unwrapped == MAX_OPENED_KEYS + 1
    vault.open(stored[0], place)
    assert wrapping.unwrapped == MAX_OPENED_KEYS + 2

    clock.now += KEY_SECONDS
    vault.open(stored[5], place)
    assert len(vault._opened) == 1  # noqa: SLF001 - that a key leaves the memory cannot be seen from outside


def test_vault_serves_several_threads_at_once(vault: Vault) -> None:
    places = [make_place() for _ in range(200)]

    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda place: vault.seal(str(place.row_id), place), places))
        opened = list(pool.map(vault.open, sealed, places))

    assert opened == [str(place.row_id) for place in places]


# Nothing shows


def test_keys_and_values_show_in_no_repr_and_no_log(vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = LocalWrapping(KEY).make_key("github_token")
    stored = vault.seal(TOKEN, make_place())
    with pytest.raises(SealBroken) as broken:
        vault.open(stored, make_place())

    shown = f"{vault!r} {vars(vault)!r} {key!r} {broken.value!r} {broken.value} {caplog.text}"

    assert TOKEN not in shown
    assert KEY not in shown
    assert repr(key.plain) not in shown


@pytest.mark.parametrize(
    "encoded", ["", "AAAA", "not base64 at all!", b64encode(bytes(31)).decode(), KEY + "A"]
)
def test_impossible_key_of_the_environment_is_refused_and_not_shown(encoded: str) -> None:
    with pytest.raises(ValueError, match="32 bytes in base64") as refused:
        LocalWrapping(encoded)

    assert not encoded or encoded not in str(refused.value)
    assert refused.value.__cause__ is None
    with pytest.raises(ValueError, match="ENCRYPTION_KEY_PREVIOUS has to be 32 bytes in base64") as refused:
        LocalWrapping(KEY, encoded)
    assert not encoded or encoded not in str(refused.value)


# KMS


def test_kms_is_asked_once_for_sealing_and_once_for_opening_many_values(kms_key: str) -> None:
    wrapping = Counting(KmsWrapping(kms_key))
    vault = Vault(wrapping)
    places = [make_place() for _ in range(20)]

    opened = [vault.open(vault.seal(str(place.row_id), place), place) for place in places]

    assert opened == [str(place.row_id) for place in places]
    assert (wrapping.made, wrapping.unwrapped) == (1, 1)


def test_kms_unwraps_a_data_key_for_its_own_purpose_only(kms_key: str) -> None:
    wrapping = KmsWrapping(kms_key)
    key = wrapping.make_key("github_token")

    assert wrapping.unwrap(key.wrapped, "github_token") == key.plain
    with pytest.raises(SealBroken):
        wrapping.unwrap(key.wrapped, "github_refresh_token")
    damaged = key.wrapped.ciphertext[:-1] + bytes([key.wrapped.ciphertext[-1] ^ 1])
    with pytest.raises(SealBroken):
        wrapping.unwrap(WrappedKey(key.wrapped.key_id, damaged), "github_token")


def test_kms_opens_what_the_key_before_the_last_rotation_sealed(kms_key: str) -> None:
    place = make_place()
    stored = Vault(KmsWrapping(kms_key)).seal(TOKEN, place)
    newer = str(get_client("kms").create_key()["KeyMetadata"]["KeyId"])

    assert Vault(KmsWrapping(newer)).open(stored, place) == TOKEN


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "KMSInternalException", "AccessDeniedException", "KeyUnavailableException"],
)
def test_kms_that_does_not_serve_now_is_unavailable_and_its_key_is_logged(
    kms_key: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapping = KmsWrapping(kms_key)
    stored = Vault(wrapping).seal(TOKEN, place := make_place())

    def refuse(parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
        parsed["Error"] = {"Code": code, "Message": f"about {TOKEN}"}
        http_response.status_code = 400

    # botocore raises what the parsed answer says, once its handlers are through with it.
    for operation in ("Decrypt", "GenerateDataKey"):
        get_client("kms").meta.events.register(f"after-call.kms.{operation}", refuse)

    for call in (lambda: Vault(wrapping).open(stored, place), lambda: Vault(wrapping).seal(TOKEN, place)):
        with pytest.raises(EncryptionUnavailable) as unavailable:
            call()
        assert unavailable.value.status == 503
        assert TOKEN not in unavailable.value.detail
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["message"], line["key_id"], line["code"]) for line in lines] == [
        ("key_refused", stored["key_id"], code),
        ("key_refused", kms_key, code),
    ]
    assert TOKEN not in json.dumps(lines)


def test_value_of_a_key_of_the_environment_is_not_shown_to_kms(kms_key: str) -> None:
    stored = Vault(LocalWrapping(KEY)).seal(TOKEN, place := make_place())
    asked: list[str] = []
    get_client("kms").meta.events.register("before-call.kms", lambda model, **_: asked.append(model.name))

    with pytest.raises(KeyUnknown, match=stored["key_id"]):
        Vault(KmsWrapping(kms_key)).open(stored, place)
    assert asked == []


def test_kms_that_cannot_be_reached_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
    aws: None,  # noqa: ARG001 - credentials and a region
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    clear_clients()

    with pytest.raises(EncryptionUnavailable):
        KmsWrapping("alias/forum").make_key("github_token")


# The process's own


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name, value in {
        "SUPABASE_URL": "https://project.supabase.co",
        "SUPABASE_ANON_KEY": "sb_publishable_x",
        "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("KMS_KEY_ID", "ENCRYPTION_KEY", "ENCRYPTION_KEY_PREVIOUS"):
        monkeypatch.delenv(name, raising=False)
    get_settings.cache_clear()
    get_vault.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    get_settings.cache_clear()
    get_vault.cache_clear()


def test_process_seals_with_the_key_of_its_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ENCRYPTION_KEY", KEY)
    place = Place("github_token", UUID(int=1), UUID(int=2))

    assert Vault(LocalWrapping(KEY)).open(get_vault().seal(TOKEN, place), place) == TOKEN


def test_process_seals_with_kms_where_its_environment_names_a_key(
    kms_key: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("KMS_KEY_ID", kms_key)

    assert get_vault().seal(TOKEN, make_place())["key_id"].endswith(kms_key)


def test_process_opens_under_both_keys_of_its_environment_and_seals_under_one(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ENCRYPTION_KEY", NEWER_KEY)
    environment.setenv("ENCRYPTION_KEY_PREVIOUS", KEY)
    place = make_place()

    assert get_vault().open(Vault(LocalWrapping(KEY)).seal(TOKEN, place), place) == TOKEN
    assert Vault(LocalWrapping(NEWER_KEY)).open(get_vault().seal(TOKEN, place), place) == TOKEN


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "set KMS_KEY_ID, or ENCRYPTION_KEY without AWS"),
        ({"ENCRYPTION_KEY": TOKEN}, "ENCRYPTION_KEY has to be 32 bytes in base64"),
        (
            {"ENCRYPTION_KEY": KEY, "ENCRYPTION_KEY_PREVIOUS": TOKEN},
            "ENCRYPTION_KEY_PREVIOUS has to be 32 bytes in base64",
        ),
    ],
)
def test_process_without_a_usable_key_is_unavailable_and_logs_what_to_set(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    reason: str,
) -> None:
    for name, value in settings.items():
        environment.setenv(name, value)

    with pytest.raises(EncryptionUnavailable) as unavailable:
        get_vault()

    assert unavailable.value.status == 503
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message"], line["reason"]) == ("ERROR", "encryption_key_unusable", reason)
