"""What `make sync` says where no repository is due."""

import pytest

from local.sync import why_nothing_is_due
from tests.database.actors import Connection
from tests.database.github_sync import connect, know_import_key
from tests.database.world import make_person


@pytest.fixture
def nobody_connected(database: Connection) -> Connection:
    """A database without a connection to GitHub."""
    know_import_key(database)
    database.execute("delete from private.github_connections")
    return database


def test_account_without_a_token_is_told_how_to_store_one(nobody_connected: Connection) -> None:
    said = why_nothing_is_due(nobody_connected)
    assert said == "Nobody has stored a GitHub token. Store one: PUT /api/github/connection"


def test_refused_token_is_named_before_any_time(nobody_connected: Connection) -> None:
    connect(nobody_connected, make_person(nobody_connected))
    nobody_connected.execute("update private.github_connections set state = 'needs_reauth'")
    assert why_nothing_is_due(nobody_connected).startswith("GitHub has refused every stored token.")


def test_next_time_is_named_where_there_is_one(nobody_connected: Connection) -> None:
    connect(nobody_connected, make_person(nobody_connected))
    assert why_nothing_is_due(nobody_connected).startswith("Nothing is due before ")
