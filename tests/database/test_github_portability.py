"""A re-sync from its connection to its end on the oldest Postgres, and where everything was granted."""

from collections.abc import Iterator

import psycopg
import pytest

from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import POSTGRES_15, run_postgres
from tests.database.actors import SERVICE, Connection, one, refused_code
from tests.database.github_sync import (
    apply,
    begin,
    claim,
    connect,
    expire_lease,
    finish,
    found,
    import_items,
    item,
    know_import_key,
    next_chunk,
    outcomes,
    repository,
    seen,
    serve,
    start,
    stored_connection,
)
from tests.database.world import make_person


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Postgres 15 with the default privileges from before 2026."""
    with run_postgres(
        tmp_path_factory.mktemp("postgres-15"),
        free_port(),
        binaries=POSTGRES_15,
        default_grants="old",
        settings={"fsync": "off"},
    ) as server:
        apply_migrations(server.url)
        with psycopg.connect(server.url) as connection:
            yield connection
            connection.rollback()


def test_resync_on_postgres_15_ends_as_on_17(oldest: Connection) -> None:
    know_import_key(oldest)
    owner = make_person(oldest)
    import_items(oldest, owner, *map(item, range(1, 6)))
    connect(oldest, owner)
    message = start(oldest, owner)
    assert next_chunk(oldest, message, 3) == [1, 2, 3]
    apply(oldest, message, found(1, full_name="octo/new"), seen(2, "missing"), found(3, is_archived=True))
    expire_lease(oldest, owner)
    assert claim(oldest, owner) == [message]
    assert begin(oldest, message)["remaining"] == 2
    token_id = stored_connection(oldest, owner)["token_id"]
    assert serve(oldest, "claim_github_token_refresh", *message.ids, token_id) is not None
    apply(oldest, message, seen(4, "blocked", url="https://github.com/notice"), found(5))
    run = finish(oldest, message)
    # One of them is blocked: a run in which GitHub refuses a repository is no full success.
    assert (run["state"], run["requests"]) == ("partial", 2)
    assert outcomes(run) == {1: "moved", 2: "inaccessible", 3: "archived", 4: "blocked", 5: "unchanged"}
    assert repository(oldest, owner, 1)["previous_full_names"] == ["octo/repo-1"]
    oldest.execute("delete from auth.users where id = %s", (owner.id,))
    assert one(oldest, "select count(*) from public.github_runs") == 0


def test_service_has_no_right_to_any_table_where_everything_was_granted(oldest: Connection) -> None:
    assert refused_code(oldest, SERVICE, "select from public.github_runs") == "42501"
    assert refused_code(oldest, SERVICE, "select from public.repositories") == "42501"
    assert refused_code(oldest, SERVICE, "select from private.github_connections") == "42501"
