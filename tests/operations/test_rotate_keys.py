"""The rotation of the key that wraps what is sealed: nothing is lost or done twice, all opens meanwhile."""

import json
import os
import signal
import subprocess
import sys
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args
from uuid import UUID, uuid4

import psycopg
import pytest
from moto import mock_aws
from moto.kms.models import kms_backends
from psycopg.types.json import Jsonb

from local.postgres import Postgres
from local.waiting import wait_for
from operations import deploy as deploying
from operations.rewrapping import KmsRewrapping, LocalRewrapping, Rewrapping, RotationStopped
from operations.rotate_keys import BATCH_ROWS, COLUMNS, Outcome, main, rotate
from shared.aws.clients import clear_clients, get_client
from shared.encryption import (
    EncryptionUnavailable,
    KeyUnknown,
    Place,
    Purpose,
    SealBroken,
    Vault,
    locate_secret,
)
from shared.encryption.wrapping import DataKey, KmsWrapping, LocalWrapping, WrappedKey, Wrapping
from tests.database.actors import make_account
from tests.operations.test_deploy import SETTINGS
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
OLD_KEY, NEW_KEY, OTHER_KEY = (b64encode(bytes([number] * 32)).decode() for number in (1, 2, 3))
REGION = "eu-central-1"

# What is stored in these tests.
CONNECTIONS = [column for column in COLUMNS if column.table == "github_connections"]

Connection = psycopg.Connection[tuple[Any, ...]]
Json = dict[str, Any]


@dataclass(frozen=True)
class Keys:
    """The wrappings of a process before, during and after a rotation, and the rotation itself."""

    before: Wrapping
    during: Wrapping
    after: Wrapping
    rewrap: Callable[[], Rewrapping]
    retire_old: Callable[[], None]


@dataclass(frozen=True)
class Stored:
    """A connection whose tokens are known."""

    id: UUID
    user_id: UUID

    @property
    def token(self) -> Place:
        return Place("github_token", self.user_id, self.id)

    @property
    def refresh_token(self) -> Place:
        return Place("github_refresh_token", self.user_id, self.id)


class Watched:
    """A rewrapping that something happens beside, and that knows what it was asked for."""

    def __init__(self, inner: Rewrapping, happen: Callable[[int], None]) -> None:
        self._inner = inner
        self._happen = happen
        self.asked: list[WrappedKey] = []

    @property
    def key_id(self) -> str:
        return self._inner.key_id

    def rewrap(self, wrapped: WrappedKey, purpose: str) -> WrappedKey:
        self.asked.append(wrapped)
        self._happen(len(self.asked))
        return self._inner.rewrap(wrapped, purpose)

    def make_key(self, purpose: str) -> DataKey:
        return self._inner.make_key(purpose)

    def unwrap(self, wrapped: WrappedKey, purpose: str) -> bytes:
        return self._inner.unwrap(wrapped, purpose)


@pytest.fixture
def connection(postgres: Postgres) -> Iterator[Connection]:
    """The database as its owner, with no connections but the test's."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        clear(connection)
        yield connection
        clear(connection)


def clear(connection: Connection) -> None:
    """Nothing is sealed. Other tests have sealed things under keys of theirs."""
    connection.execute("delete from private.github_connections")
    connection.execute("delete from private.app_info_values")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """KMS at moto."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    clear_clients()
    with mock_aws():
        yield get_client("kms")
    clear_clients()


def make_kms_key(kms: Any) -> str:
    """The ARN of a new key."""
    return str(kms.create_key()["KeyMetadata"]["Arn"])


def forget_key(arn: str) -> None:
    """The key is gone for good, which AWS does after days only. What is under it opens nevermore."""
    account, key_id = arn.split(":")[4], arn.rpartition("/")[2]
    del kms_backends[account][REGION].keys[key_id]


@dataclass(frozen=True)
class KmsKeys:
    """Two keys in KMS."""

    kms: Any
    old: str
    new: str

    def rewrap(self) -> KmsRewrapping:
        return KmsRewrapping(self.kms, self.new, self.old)


@pytest.fixture
def kms_keys(aws: Any) -> KmsKeys:
    return KmsKeys(aws, make_kms_key(aws), make_kms_key(aws))


@pytest.fixture(params=["local", "kms"])
def keys(request: pytest.FixtureRequest) -> Keys:
    """An old and a new key, of each kind."""
    if request.param == "local":
        return Keys(
            before=LocalWrapping(OLD_KEY),
            during=LocalWrapping(NEW_KEY, OLD_KEY),
            after=LocalWrapping(NEW_KEY),
            rewrap=lambda: LocalRewrapping(NEW_KEY, OLD_KEY),
            retire_old=lambda: None,
        )
    two: KmsKeys = request.getfixturevalue("kms_keys")
    return Keys(
        before=KmsWrapping(two.old),
        during=KmsWrapping(two.new),
        after=KmsWrapping(two.new),
        rewrap=two.rewrap,
        retire_old=lambda: forget_key(two.old),
    )


def store(
    connection: Connection, vault: Vault, *, row_id: UUID | None = None, has_refresh_token: bool = True
) -> Stored:
    """A connection whose tokens tell which row they are of."""
    stored = Stored(row_id or uuid4(), make_account(connection))
    tokens = {place.purpose: vault.seal(tell(place), place) for place in (stored.token, stored.refresh_token)}
    connection.execute(
        "insert into private.github_connections"
        " (id, user_id, github_user_id, github_login, token_kind, sealed_token, sealed_refresh_token)"
        " values (%s, %s, 1, 'octocat', 'app_user', %s, %s)",
        (
            stored.id,
            stored.user_id,
            Jsonb(tokens["github_token"]),
            Jsonb(tokens["github_refresh_token"]) if has_refresh_token else None,
        ),
    )
    return stored


def store_apart(connection: Connection, wrapping: Wrapping, count: int) -> list[Stored]:
    """Connections with data keys of their own, in the order of their ids."""
    return sorted((store(connection, Vault(wrapping)) for _ in range(count)), key=lambda each: each.id)


def tell(place: Place) -> str:
    return f"{place.purpose} of {place.row_id}"


def read(connection: Connection, stored: Stored) -> dict[str, Any]:
    """Both values of a connection."""
    found = connection.execute(
        "select sealed_token, sealed_refresh_token from private.github_connections where id = %s",
        (stored.id,),
    ).fetchone()
    assert found is not None
    return {"github_token": found[0], "github_refresh_token": found[1]}


def check_that_all_open(connection: Connection, wrapping: Wrapping, rows: list[Stored]) -> None:
    """In a process that has opened none of them before."""
    vault = Vault(wrapping)
    for stored in rows:
        values = read(connection, stored)
        for place in (stored.token, stored.refresh_token):
            if values[place.purpose] is not None:
                assert vault.open(values[place.purpose], place) == tell(place)


def look(connection: Connection) -> dict[UUID, tuple[Any, ...]]:
    """Every row, the transaction that has written it included."""
    rows = connection.execute(
        "select id, xmin::text, ctid::text, to_jsonb(c)::text from private.github_connections as c"
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


def run(connection: Connection, rewrapping: Rewrapping, batch_rows: int = 2) -> dict[str, Outcome]:
    """A whole rotation, in small batches."""
    return {
        outcome.column.name: outcome for outcome in rotate(connection, rewrapping, CONNECTIONS, batch_rows)
    }


def count_under(connection: Connection, key_id: str) -> int:
    """How many tokens are under a key."""
    found = connection.execute(
        "select count(*) from private.github_connections where sealed_token ->> 'key_id' = %s", (key_id,)
    ).fetchone()
    assert found is not None
    return int(found[0])


def test_every_column_of_sealed_values_is_rotated(connection: Connection) -> None:
    found = connection.execute(
        """
        select table_schema || '.' || table_name || '.' || column_name
        from information_schema.columns
        where table_schema in ('public', 'private') and column_name ~ '^sealed' and data_type = 'jsonb'
        """
    ).fetchall()
    assert {name for (name,) in found} == {str(column) for column in COLUMNS}
    assert {column.purpose for column in COLUMNS} == set(get_args(Purpose))


# While Forum runs


def test_values_open_before_during_and_after_and_the_old_key_can_go(
    connection: Connection, keys: Keys
) -> None:
    rows = [store(connection, Vault(keys.before)) for _ in range(5)]
    rows += [store(connection, Vault(keys.before), has_refresh_token=False)]
    check_that_all_open(connection, keys.before, rows)
    check_that_all_open(connection, keys.during, rows)

    rotation = rotate(connection, keys.rewrap(), CONNECTIONS, 2)
    assert next(rotation).rewrapped == 6
    # Half of it is done: the tokens are, and the refresh tokens are not.
    check_that_all_open(connection, keys.during, rows)
    rows.append(store(connection, Vault(keys.during)))
    assert next(rotation).rewrapped == 5

    keys.retire_old()
    check_that_all_open(connection, keys.after, rows)


def test_what_a_function_still_seals_under_the_old_key_is_left_for_the_next_run(
    connection: Connection, keys: Keys
) -> None:
    rows = [store(connection, Vault(keys.before))]
    assert run(connection, keys.rewrap())["sealed_token"].left == 0
    rows.append(store(connection, Vault(keys.before)))

    again = run(connection, keys.rewrap())

    assert (again["sealed_token"].rewrapped, again["sealed_token"].left) == (1, 0)
    keys.retire_old()
    check_that_all_open(connection, keys.after, rows)


def test_nothing_but_the_wrapping_of_the_key_changes(connection: Connection, keys: Keys) -> None:
    stored = store(connection, Vault(keys.before))
    shown = "select private.github_connection_view(c) from private.github_connections as c"
    before, seen = read(connection, stored), connection.execute(shown).fetchall()

    run(connection, rewrapping := keys.rewrap())

    for purpose, value in read(connection, stored).items():
        old = before[purpose]
        changed = {name for name in old if value[name] != old[name]}
        assert (value.keys(), changed) == (old.keys(), {"key_id", "wrapped_key"})
        assert value["key_id"] == rewrapping.key_id
    # Its owner has not stored anything: neither `version` nor `updated_at` moves.
    assert connection.execute(shown).fetchall() == seen


def test_second_run_writes_nothing_and_asks_nobody(connection: Connection, keys: Keys) -> None:
    store_apart(connection, keys.before, 3)
    run(connection, keys.rewrap())
    before = look(connection)
    watched = Watched(keys.rewrap(), lambda _: None)

    outcomes = run(connection, watched)

    assert [(each.rewrapped, each.left, each.refused) for each in outcomes.values()] == [(0, 0, {})] * 2
    assert watched.asked == []
    assert look(connection) == before


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 4, 7])
def test_batches_of_any_size_reach_every_row(connection: Connection, batch_rows: int) -> None:
    rows = store_apart(connection, LocalWrapping(OLD_KEY), 3)
    # The first id there can be: no other comes before it, to go on after.
    rows.append(store(connection, Vault(LocalWrapping(OLD_KEY)), row_id=UUID(int=0)))

    outcomes = run(connection, LocalRewrapping(NEW_KEY, OLD_KEY), batch_rows)

    assert [(each.rewrapped, each.left) for each in outcomes.values()] == [(4, 0)] * 2
    check_that_all_open(connection, LocalWrapping(NEW_KEY), rows)


def test_value_that_was_replaced_since_it_was_read_is_not_overwritten(
    connection: Connection, keys: Keys
) -> None:
    first, second, third = store_apart(connection, keys.before, 3)
    still_old = Vault(keys.before).seal("replaced by a function before the deployment", first.token)
    new = Vault(keys.during).seal("replaced by one after it", second.token)

    def replace(asked: int) -> None:
        if asked == 3:
            change = "update private.github_connections set sealed_token = %s where id = %s"
            connection.execute(change, (Jsonb(still_old), first.id))
            connection.execute(change, (Jsonb(new), second.id))

    outcomes = run(connection, Watched(keys.rewrap(), replace), batch_rows=10)

    # The third in the first pass, the first in another.
    assert (outcomes["sealed_token"].rewrapped, outcomes["sealed_token"].left) == (2, 0)
    keys.retire_old()
    vault = Vault(keys.after)
    opened = [
        vault.open(read(connection, each)["github_token"], each.token) for each in (first, second, third)
    ]
    assert opened == [
        "replaced by a function before the deployment",
        "replaced by one after it",
        tell(third.token),
    ]
    assert read(connection, second)["github_token"] == new


def test_row_that_was_deleted_since_it_was_read_stays_deleted(connection: Connection) -> None:
    first, second = store_apart(connection, LocalWrapping(OLD_KEY), 2)

    def delete(asked: int) -> None:
        if asked == 2:
            connection.execute("delete from private.github_connections where id = %s", (first.id,))

    outcomes = run(connection, Watched(LocalRewrapping(NEW_KEY, OLD_KEY), delete), batch_rows=10)

    assert [each.left for each in outcomes.values()] == [0, 0]
    assert set(look(connection)) == {second.id}


def test_row_that_somebody_has_locked_is_not_waited_for(connection: Connection, postgres: Postgres) -> None:
    rows = store_apart(connection, LocalWrapping(OLD_KEY), 3)
    with psycopg.connect(postgres.url) as busy:
        busy.execute("select from private.github_connections where id = %s for update", (rows[1].id,))
        outcomes = run(connection, LocalRewrapping(NEW_KEY, OLD_KEY))
        assert [(each.rewrapped, each.left, each.refused) for each in outcomes.values()] == [(2, 1, {})] * 2

    outcomes = run(connection, LocalRewrapping(NEW_KEY, OLD_KEY))

    assert [(each.rewrapped, each.left) for each in outcomes.values()] == [(1, 0)] * 2
    check_that_all_open(connection, LocalWrapping(NEW_KEY), rows)


# Killed and resumed


def test_rotation_that_stops_in_the_second_batch_goes_on_from_there(
    connection: Connection, keys: Keys
) -> None:
    rows = store_apart(connection, keys.before, 6)
    before = look(connection)

    def stop(asked: int) -> None:
        if asked == 4:
            raise RotationStopped

    rewrapping = keys.rewrap()
    with pytest.raises(RotationStopped):
        run(connection, Watched(rewrapping, stop))

    after = look(connection)
    assert [after[row.id] == before[row.id] for row in rows] == [False, False, True, True, True, True]
    check_that_all_open(connection, keys.during, rows)

    done = {row_id: after[row_id][:2] for row_id in (rows[0].id, rows[1].id)}
    resumed = Watched(rewrapping, lambda _: None)
    (tokens,) = rotate(connection, resumed, CONNECTIONS[:1], 2)
    assert (tokens.rewrapped, tokens.left, len(resumed.asked)) == (4, 0, 4)
    assert {row_id: look(connection)[row_id][:2] for row_id in done} == done

    run(connection, rewrapping)
    keys.retire_old()
    check_that_all_open(connection, keys.after, rows)


STALL = """
create function private.stall() returns trigger language plpgsql set search_path = '' as $$
begin
  perform pg_sleep(600);
  return new;
end;
$$
"""


@pytest.fixture
def stalled(connection: Connection) -> Iterator[Callable[[UUID], None]]:
    """Makes the update of a row hang."""
    connection.execute(STALL)

    def stall(row_id: UUID) -> None:
        connection.execute(
            f"create trigger stall before update on private.github_connections for each row"
            f" when (new.id = '{row_id}') execute function private.stall()"
        )

    yield stall
    connection.execute("drop function private.stall() cascade")


def command(postgres: Postgres, **settings: str) -> subprocess.Popen[str]:
    """`make rotate-keys` without a stage, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "operations.rotate_keys"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": postgres.url, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_command_has_done_whole_batches_and_another_does_the_rest(
    connection: Connection, postgres: Postgres, stalled: Callable[[UUID], None]
) -> None:
    vault = Vault(LocalWrapping(OLD_KEY))
    rows = [store(connection, vault) for _ in range(BATCH_ROWS + 20)]
    rows.sort(key=lambda each: each.id)
    settings = {"ENCRYPTION_KEY": NEW_KEY, "ENCRYPTION_KEY_PREVIOUS": OLD_KEY}
    stalled(rows[-1].id)

    with command(postgres, **settings) as killed:
        of_it = "from pg_stat_activity where application_name = 'forum rotate-keys'"
        asleep = f"select count(*) = 1 {of_it} and wait_event = 'PgSleep'"
        assert wait_for(lambda: connection.execute(asleep).fetchone() == (True,), PATIENCE_SECONDS)
        killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    connection.execute(f"select pg_terminate_backend(pid, 60000) {of_it}")

    new_id, old_id = LocalWrapping(NEW_KEY).key_id, LocalWrapping(OLD_KEY).key_id
    assert (count_under(connection, new_id), count_under(connection, old_id)) == (BATCH_ROWS, 20)
    check_that_all_open(connection, LocalWrapping(NEW_KEY, OLD_KEY), rows)

    connection.execute("drop trigger stall on private.github_connections")
    with command(postgres, **settings) as resumed:
        output, errors = resumed.communicate(timeout=PATIENCE_SECONDS)
    assert (resumed.returncode, errors) == (0, "")
    *columns, last = output.splitlines()
    assert columns[:2] == [
        "private.github_connections.sealed_token: 20 wrapped anew, 0 left under another key",
        "private.github_connections.sealed_refresh_token: 220 wrapped anew, 0 left under another key",
    ]
    assert last == f"Everything is under {new_id}."
    check_that_all_open(connection, LocalWrapping(NEW_KEY), rows)


# What cannot be wrapped anew


def rotate_here(monkeypatch: pytest.MonkeyPatch, postgres: Postgres, *arguments: str, **settings: str) -> int:
    """The command in this process, with these settings and no other."""
    for name in ("ENCRYPTION_KEY", "ENCRYPTION_KEY_PREVIOUS", "KMS_KEY_ID", "KMS_KEY_ID_PREVIOUS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"DATABASE_URL": postgres.url, **settings}.items():
        monkeypatch.setenv(name, value)
    return main(arguments)


@pytest.mark.parametrize("previous", [{}, {"ENCRYPTION_KEY_PREVIOUS": OTHER_KEY}])
def test_wrong_or_missing_previous_key_is_told_and_damages_nothing(
    connection: Connection,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    previous: dict[str, str],
) -> None:
    rows = store_apart(connection, LocalWrapping(OLD_KEY), 3)
    before = look(connection)

    assert rotate_here(monkeypatch, postgres, ENCRYPTION_KEY=NEW_KEY, **previous) == 1

    assert look(connection) == before
    told = capsys.readouterr()
    missing = str(KeyUnknown(LocalWrapping(OLD_KEY).key_id))
    assert told.err.splitlines() == [
        *(
            f"private.github_connections.{name}, row {row.id}: {missing}"
            for name in ("sealed_token", "sealed_refresh_token")
            for row in rows
        ),
        "6 values are left under another key: do not take one away. See docs/operations.md.",
    ]
    assert told.out.count("0 wrapped anew, 3 left under another key") == 2
    check_that_nothing_shows(connection, rows, told.out + told.err)


def check_that_nothing_shows(connection: Connection, rows: list[Stored], told: str) -> None:
    """Nothing of the values or the keys."""
    for stored in rows:
        for value in read(connection, stored).values():
            parts = [part for name, part in value.items() if name not in ("v", "key_id")]
            assert [part for part in parts if str(part) in told] == []
    assert [key for key in (OLD_KEY, NEW_KEY, OTHER_KEY) if key in told] == []


def damage(encoded: str) -> str:
    """One bit of it is another."""
    content = b64decode(encoded)
    return b64encode(content[:-1] + bytes([content[-1] ^ 1])).decode()


BROKEN: dict[str, Callable[[Json], Json]] = {
    "no sealed value": lambda _: {"new": 1},
    "another version": lambda value: {**value, "v": 3},
    "a data key that is damaged": lambda value: {**value, "wrapped_key": damage(value["wrapped_key"])},
    "a data key of nothing": lambda value: {**value, "wrapped_key": ""},
    "the id of no key": lambda value: {**value, "key_id": "alias/forum"},
    "an id that is no text": lambda value: {**value, "key_id": None},
}


@pytest.mark.parametrize("break_", BROKEN.values(), ids=BROKEN)
def test_broken_value_is_named_and_left_as_it_is_and_the_others_are_done(
    connection: Connection, keys: Keys, break_: Callable[[Json], Json]
) -> None:
    rows = store_apart(connection, keys.before, 3)
    broken = break_(read(connection, rows[1])["github_token"])
    connection.execute(
        "update private.github_connections set sealed_token = %s where id = %s", (Jsonb(broken), rows[1].id)
    )

    outcome = run(connection, keys.rewrap())["sealed_token"]

    assert (outcome.rewrapped, outcome.left) == (2, 1)
    assert outcome.refused == {rows[1].id: str(SealBroken())}
    assert read(connection, rows[1])["github_token"] == broken
    keys.retire_old()
    check_that_all_open(connection, keys.after, [rows[0], rows[2]])


def test_data_key_of_another_purpose_is_not_wrapped_anew(connection: Connection, keys: Keys) -> None:
    stored = store(connection, Vault(keys.before))
    connection.execute("update private.github_connections set sealed_token = sealed_refresh_token")

    outcomes = run(connection, keys.rewrap())

    assert outcomes["sealed_token"].refused == {stored.id: str(SealBroken())}
    assert [each.left for each in outcomes.values()] == [1, 0]


# KMS


def test_kms_is_asked_once_for_each_data_key_and_never_shows_one(
    connection: Connection, kms_keys: KmsKeys
) -> None:
    vaults = [Vault(KmsWrapping(kms_keys.old)) for _ in range(3)]
    rows = [store(connection, vaults[number % 3]) for number in range(20)]
    asked: Counter[str] = Counter()
    sent: list[Json] = []

    def note(model: Any, params: Json, **_: object) -> None:
        asked[model.name] += 1
        if model.name == "ReEncrypt":
            sent.append(json.loads(params["body"]))

    kms_keys.kms.meta.events.register("before-call.kms", note)
    outcomes = run(connection, kms_keys.rewrap())
    kms_keys.kms.meta.events.unregister("before-call.kms", note)

    assert [(each.rewrapped, each.left) for each in outcomes.values()] == [(20, 0)] * 2
    assert asked == {"DescribeKey": 2, "ReEncrypt": 6}
    for purpose, requests in (("github_token", sent[:3]), ("github_refresh_token", sent[3:])):
        context = {"app": "forum", "purpose": purpose}
        for request in requests:
            assert request.pop("CiphertextBlob")
            assert request == {
                "SourceKeyId": kms_keys.old,
                "SourceEncryptionContext": context,
                "DestinationKeyId": kms_keys.new,
                "DestinationEncryptionContext": context,
            }
    check_that_all_open(connection, KmsWrapping(kms_keys.new), rows)


def test_data_key_under_a_key_that_is_not_the_previous_is_never_made_one_of_forums(
    connection: Connection, kms_keys: KmsKeys
) -> None:
    planted = make_kms_key(kms_keys.kms)
    stored = store(connection, Vault(KmsWrapping(planted)))
    before = look(connection)

    outcome = run(connection, kms_keys.rewrap())["sealed_token"]

    assert outcome.refused == {stored.id: str(KeyUnknown(planted))}
    assert look(connection) == before


@pytest.mark.parametrize("setting", ["KMS_KEY_ID", "KMS_KEY_ID_PREVIOUS"])
def test_disabled_or_missing_key_is_told_before_anything_is_written(kms_keys: KmsKeys, setting: str) -> None:
    key = kms_keys.new if setting == "KMS_KEY_ID" else kms_keys.old
    kms_keys.kms.disable_key(KeyId=key.rpartition("/")[2])
    with pytest.raises(RotationStopped, match=f"^{setting}: the key {key} is Disabled"):
        kms_keys.rewrap()

    forget_key(key)
    with pytest.raises(
        RotationStopped, match=f"^{setting}: KMS does not show the key {key}: .*NotFoundException"
    ):
        kms_keys.rewrap()


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "AccessDeniedException", "DisabledException", "KMSInternalException"]
)
def test_kms_that_refuses_on_the_way_stops_the_rotation_and_the_next_goes_on(
    connection: Connection, kms_keys: KmsKeys, code: str
) -> None:
    rows = store_apart(connection, KmsWrapping(kms_keys.old), 6)
    before = look(connection)
    answered = 0

    def refuse(parsed: Json, http_response: Any, **_: object) -> None:
        nonlocal answered
        answered += 1
        if answered == 4:
            parsed["Error"] = {"Code": code, "Message": "not now"}
            http_response.status_code = 400

    events = kms_keys.kms.meta.events
    events.register("after-call.kms.ReEncrypt", refuse)
    with pytest.raises(RotationStopped, match=rf"KMS does not wrap keys anew now: .*\({code}\).*not now"):
        run(connection, kms_keys.rewrap())
    events.unregister("after-call.kms.ReEncrypt", refuse)

    after = look(connection)
    assert [after[row.id] == before[row.id] for row in rows] == [False, False, True, True, True, True]
    check_that_all_open(connection, KmsWrapping(kms_keys.new), rows)
    assert [each.left for each in run(connection, kms_keys.rewrap()).values()] == [0, 0]


def test_kms_that_cannot_be_reached_stops_the_rotation(
    aws: Any,  # noqa: ARG001 - credentials and a region
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    clear_clients()

    with pytest.raises(
        RotationStopped, match="KMS_KEY_ID: KMS does not show the key alias/forum: Could not connect"
    ):
        KmsRewrapping(get_client("kms"), "alias/forum", None)


# Secrets, which are bound to more than their row


@dataclass(frozen=True)
class Secret:
    """An entry and the values that it has had, the last of which is its own."""

    user_id: UUID
    id: UUID
    product_id: UUID
    key: str
    values: tuple[str, ...]

    def locate(self, number: int) -> Place:
        return locate_secret(self.user_id, self.id, self.product_id, self.key, number)


SECRETS = [column for column in COLUMNS if column.table == "app_info_values"]


def store_secret(connection: Connection, vault: Vault, *values: str, is_bound: bool = False) -> Secret:
    """A secret whose values are sealed as they were before places, or for their places."""
    user_id = make_account(connection)
    product = connection.execute(
        "insert into public.products (user_id, name) values (%s, 'Atlas') returning id", (user_id,)
    ).fetchone()
    assert product is not None
    secret = Secret(user_id, uuid4(), product[0], f"KEY_{uuid4().hex}", values)
    connection.execute(
        "insert into public.app_info (id, user_id, product_id, key, is_secret, secret_number)"
        " values (%s, %s, %s, %s, true, %s)",
        (secret.id, user_id, secret.product_id, secret.key, len(values)),
    )
    for number, value in enumerate(values, 1):
        place = secret.locate(number) if is_bound else Place("app_info", user_id, secret.id)
        connection.execute(
            "insert into private.app_info_values (user_id, app_info_id, number, sealed, set_at)"
            " values (%s, %s, %s, %s, now())",
            (user_id, secret.id, number, Jsonb(vault.seal(value, place))),
        )
    return secret


def read_secret(connection: Connection, secret: Secret) -> dict[int, Json]:
    """The sealed values of an entry by number."""
    return dict(
        connection.execute(
            "select number, sealed from private.app_info_values where app_info_id = %s", (secret.id,)
        ).fetchall()
    )


def open_secret(connection: Connection, wrapping: Wrapping, secret: Secret) -> tuple[str, ...]:
    """All values of an entry, each of which has to be sealed for its place."""
    vault, held = Vault(wrapping), read_secret(connection, secret)
    assert {sealed["v"] for sealed in held.values()} == {2}
    return tuple(vault.open(held[number], secret.locate(number)) for number in sorted(held))


def run_secrets(connection: Connection, rewrapping: Rewrapping, batch_rows: int = 2) -> Outcome:
    """A whole rotation of secrets."""
    (outcome,) = rotate(connection, rewrapping, SECRETS, batch_rows)
    return outcome


def test_secrets_of_before_are_sealed_for_their_places_and_the_others_wrapped_anew(
    connection: Connection, keys: Keys
) -> None:
    vault = Vault(keys.before)
    old = [store_secret(connection, vault, "one", "two", "three") for _ in range(2)]
    bound = store_secret(connection, vault, "one", "two", is_bound=True)
    before = read_secret(connection, bound)

    outcome = run_secrets(connection, rewrapping := keys.rewrap())

    assert (outcome.rewrapped, outcome.resealed, outcome.left, outcome.refused) == (2, 6, 0, {})
    keys.retire_old()
    for secret in (*old, bound):
        assert open_secret(connection, keys.after, secret) == secret.values
    for number, sealed in read_secret(connection, bound).items():
        assert sealed["ciphertext"] == before[number]["ciphertext"]
    again = run_secrets(connection, rewrapping)
    assert (again.rewrapped, again.resealed, again.left) == (0, 0, 0)


def test_secrets_of_before_are_sealed_for_their_places_without_another_key(
    connection: Connection, aws: Any
) -> None:
    key = make_kms_key(aws)
    for wrapping, rewrapping in (
        (LocalWrapping(OLD_KEY), LocalRewrapping(OLD_KEY, None)),
        (KmsWrapping(key), KmsRewrapping(aws, key, None)),
    ):
        clear(connection)
        secret = store_secret(connection, Vault(wrapping), "one", "two")
        kept = read_secret(connection, secret)[2]
        outcome = run_secrets(connection, rewrapping)
        assert (outcome.rewrapped, outcome.resealed, outcome.left) == (0, 2, 0)
        assert open_secret(connection, wrapping, secret) == ("one", "two")
        # The data key of before still opens what somebody has kept, and is no more the one that seals.
        assert read_secret(connection, secret)[2]["wrapped_key"] != kept["wrapped_key"]


def test_kept_ciphertext_of_before_opens_nowhere_once_its_key_is_gone(
    connection: Connection, keys: Keys
) -> None:
    secret = store_secret(connection, Vault(keys.before), "one", "two")
    kept = read_secret(connection, secret)[1]
    run_secrets(connection, keys.rewrap())
    keys.retire_old()
    for place in (secret.locate(1), secret.locate(2), Place("app_info", secret.user_id, secret.id)):
        with pytest.raises((SealBroken, EncryptionUnavailable)):
            Vault(keys.after).open(kept, place)


def test_secret_that_is_renamed_while_it_is_sealed_anew_opens_under_its_new_key(
    connection: Connection,
) -> None:
    secrets = [store_secret(connection, Vault(LocalWrapping(OLD_KEY)), f"value-{n}") for n in range(3)]
    renamed = replace(secrets[1], key="RENAMED")

    class Renaming(LocalRewrapping):
        """Somebody renames an entry between what is read and what is written."""

        def make_key(self, purpose: str) -> DataKey:
            rename = "update public.app_info set key = %s where id = %s"
            connection.execute(rename, (renamed.key, renamed.id))
            return super().make_key(purpose)

    outcome = run_secrets(connection, Renaming(NEW_KEY, OLD_KEY), batch_rows=10)

    assert (outcome.resealed, outcome.left) == (3, 0)
    for secret in (secrets[0], renamed, secrets[2]):
        assert open_secret(connection, LocalWrapping(NEW_KEY), secret) == secret.values


def test_secret_whose_entry_somebody_has_locked_is_not_waited_for(
    connection: Connection, postgres: Postgres
) -> None:
    secrets = [store_secret(connection, Vault(LocalWrapping(OLD_KEY)), f"value-{n}") for n in range(3)]
    with psycopg.connect(postgres.url) as busy:
        busy.execute("select from public.app_info where id = %s for no key update", (secrets[1].id,))
        outcome = run_secrets(connection, LocalRewrapping(NEW_KEY, OLD_KEY))
        assert (outcome.resealed, outcome.left, outcome.refused) == (2, 1, {})
    outcome = run_secrets(connection, LocalRewrapping(NEW_KEY, OLD_KEY))
    assert (outcome.resealed, outcome.left) == (1, 0)


def test_secret_of_before_under_a_foreign_key_or_of_another_entry_is_named_and_left_as_it_is(
    connection: Connection, keys: Keys
) -> None:
    vault = Vault(keys.before)
    first, second = (store_secret(connection, vault, value) for value in ("one", "two"))
    moved = "update private.app_info_values set sealed = %s where app_info_id = %s returning id"
    found = connection.execute(moved, (Jsonb(read_secret(connection, first)[1]), second.id)).fetchone()
    assert found is not None
    before = read_secret(connection, second)

    outcome = run_secrets(connection, keys.rewrap())

    assert (outcome.resealed, outcome.left, outcome.refused) == (1, 1, {found[0]: str(SealBroken())})
    assert read_secret(connection, second) == before


def test_secret_of_before_under_a_kms_key_of_somebody_else_is_not_opened_by_the_rotation(
    connection: Connection, kms_keys: KmsKeys
) -> None:
    planted = make_kms_key(kms_keys.kms)
    secret = store_secret(connection, Vault(KmsWrapping(planted)), "planted")
    before = read_secret(connection, secret)

    outcome = run_secrets(connection, kms_keys.rewrap())

    assert list(outcome.refused.values()) == [str(KeyUnknown(planted))]
    assert read_secret(connection, secret) == before


@pytest.mark.parametrize("operation", ["Decrypt", "GenerateDataKey"])
def test_kms_that_refuses_while_secrets_are_sealed_anew_stops_the_rotation_and_the_next_goes_on(
    connection: Connection, kms_keys: KmsKeys, operation: str
) -> None:
    secret = store_secret(connection, Vault(KmsWrapping(kms_keys.old)), "one")
    before = read_secret(connection, secret)

    def refuse(parsed: Json, http_response: Any, **_: object) -> None:
        parsed["Error"] = {"Code": "ThrottlingException", "Message": "not now"}
        http_response.status_code = 400

    events = kms_keys.kms.meta.events
    events.register(f"after-call.kms.{operation}", refuse)
    with pytest.raises(RotationStopped, match=r"KMS .* no data keys now: .*ThrottlingException"):
        run_secrets(connection, kms_keys.rewrap())
    events.unregister(f"after-call.kms.{operation}", refuse)

    assert read_secret(connection, secret) == before
    assert run_secrets(connection, kms_keys.rewrap()).resealed == 1
    assert open_secret(connection, KmsWrapping(kms_keys.new), secret) == ("one",)


def test_kms_is_asked_for_each_data_key_once_when_secrets_are_sealed_anew(
    connection: Connection, kms_keys: KmsKeys
) -> None:
    vaults = [Vault(KmsWrapping(kms_keys.old)) for _ in range(2)]
    secrets = [store_secret(connection, vaults[number % 2], "one", "two") for number in range(6)]
    asked: Counter[str] = Counter()
    contexts: list[Json] = []

    def note(model: Any, params: Json, **_: object) -> None:
        asked[model.name] += 1
        contexts.append(json.loads(params["body"]).get("EncryptionContext"))

    kms_keys.kms.meta.events.register("before-call.kms", note)
    outcome = run_secrets(connection, kms_keys.rewrap())
    kms_keys.kms.meta.events.unregister("before-call.kms", note)

    assert outcome.resealed == 12
    assert asked == {"DescribeKey": 2, "Decrypt": 2, "GenerateDataKey": 1}
    # CloudTrail shows it: what a key is called is in none.
    assert [context for context in contexts if context] == [{"app": "forum", "purpose": "app_info"}] * 3
    assert open_secret(connection, KmsWrapping(kms_keys.new), secrets[0]) == ("one", "two")


# The command


def write_stage(directory: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """The file of a stage."""
    monkeypatch.setattr(deploying, "STAGES", directory)
    lines = [f"{name}={value}\n" for name, value in {**SETTINGS, **settings}.items()]
    (directory / ".env.production").write_text("".join(lines))


def test_stage_rotates_from_the_key_of_its_stack_to_one_of_its_own_and_back(
    connection: Connection,
    postgres: Postgres,
    kms_keys: KmsKeys,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    of_stack, own = kms_keys.old, kms_keys.new
    kms_keys.kms.create_alias(AliasName="alias/forum-production", TargetKeyId=of_stack)
    rows = store_apart(connection, KmsWrapping(of_stack), 2)
    # What is set for another Forum is not for this one.
    settings = {"ENCRYPTION_KEY": OLD_KEY, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}

    write_stage(
        tmp_path, monkeypatch, DATABASE_URL=postgres.url, KMS_KEY_ID=own, KMS_KEY_ID_PREVIOUS=of_stack
    )
    assert rotate_here(monkeypatch, postgres, "production", **settings) == 0
    assert count_under(connection, own) == 2

    write_stage(tmp_path, monkeypatch, DATABASE_URL=postgres.url, KMS_KEY_ID_PREVIOUS=own)
    assert rotate_here(monkeypatch, postgres, "production", **settings) == 0
    assert count_under(connection, of_stack) == 2
    check_that_all_open(connection, KmsWrapping(of_stack), rows)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"DATABASE_URL": ""}, "set DATABASE_URL, or say which stage"),
        ({}, "set the new key: KMS_KEY_ID, or ENCRYPTION_KEY without AWS"),
        (
            {"ENCRYPTION_KEY": NEW_KEY, "KMS_KEY_ID": "alias/forum"},
            "set ENCRYPTION_KEY or KMS_KEY_ID, not both",
        ),
        ({"ENCRYPTION_KEY": "s3cr3t"}, "ENCRYPTION_KEY has to be 32 bytes in base64"),
        (
            {"ENCRYPTION_KEY": NEW_KEY, "ENCRYPTION_KEY_PREVIOUS": "s3cr3t"},
            "ENCRYPTION_KEY_PREVIOUS has to be 32 bytes in base64",
        ),
        (
            {"ENCRYPTION_KEY": NEW_KEY, "DATABASE_URL": "postgresql://x:s3cr3t@127.0.0.1:1/x"},
            "The database: connection failed",
        ),
    ],
)
def test_settings_that_cannot_be_are_told_without_a_value(
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    told: str,
) -> None:
    assert rotate_here(monkeypatch, postgres, **settings) == 1

    said = capsys.readouterr()
    assert said.err.startswith(told)
    assert "s3cr3t" not in said.err
    assert said.out == ""


def test_stage_without_a_file_is_told_as_when_it_is_deployed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(deploying, "ROOT", tmp_path)

    assert main(["production"]) == 1
    assert capsys.readouterr().err.startswith(".env.production is missing")


def test_table_that_a_migration_has_locked_stops_the_rotation_soon(
    connection: Connection,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store(connection, Vault(LocalWrapping(OLD_KEY)))
    before = look(connection)
    with psycopg.connect(postgres.url) as migration:
        migration.execute("lock table private.github_connections")
        keys = {"ENCRYPTION_KEY": NEW_KEY, "ENCRYPTION_KEY_PREVIOUS": OLD_KEY}
        assert rotate_here(monkeypatch, postgres, **keys) == 1

    assert capsys.readouterr().err == "The database: canceling statement due to lock timeout\n"
    assert look(connection) == before
