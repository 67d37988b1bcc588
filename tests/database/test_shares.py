"""What one account may take of the connections that all share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from local.postgres import Postgres
from tests.database.actors import ANONYMOUS, SERVICE, Actor, Connection, acting_as, make_account, one, person
from tests.database.rest import RestPerson

SHARE = 5
# Backtracks for longer than any time-out in a text that nobody would write.
SLOW = {"description": r"match.^(a+)(a+)(a+)(a+)!\1\2\3\4$", "select": "id"}

Begin = Callable[[Actor], Connection]


@pytest.fixture
def begin(postgres: Postgres) -> Iterator[Begin]:
    """Begins requests, as PostgREST does, that are under way until the test ends or they are rolled back."""
    with ExitStack() as requests:
        yield lambda actor: requests.enter_context(request_of(postgres, actor))


@contextmanager
def request_of(postgres: Postgres, actor: Actor, timeout: str = "8s") -> Iterator[Connection]:
    """A request that has passed what is before its query."""
    with psycopg.connect(postgres.url) as connection:
        connection.execute("select set_config('statement_timeout', %s, true)", (timeout,))
        with acting_as(connection, actor):
            connection.execute("select private.check_request()")
        yield connection
        connection.rollback()


def timeout_of(request: Connection) -> str:
    """How long the request's query may take."""
    timeout: str = one(request, "select current_setting('statement_timeout')")
    return timeout


def test_statement_beside_an_accounts_share_has_two_seconds(database: Connection, begin: Begin) -> None:
    account, other = person(make_account(database)), person(make_account(database))
    share = [begin(account) for _ in range(SHARE)]
    assert [timeout_of(request) for request in share] == ["8s"] * SHARE
    assert timeout_of(begin(account)) == "2s"
    for somebody_else in (other, ANONYMOUS, SERVICE):
        assert timeout_of(begin(somebody_else)) == "8s"
    share[2].rollback()
    assert timeout_of(begin(account)) == "8s"
    assert timeout_of(begin(account)) == "2s"


@pytest.mark.parametrize(("chosen", "left"), [("500ms", "500ms"), ("2s", "2s"), ("0", "2s"), ("1min", "2s")])
def test_time_out_that_is_shorter_stays(
    database: Connection, postgres: Postgres, begin: Begin, chosen: str, left: str
) -> None:
    account = person(make_account(database))
    for _ in range(SHARE):
        begin(account)
    with request_of(postgres, account, chosen) as request:
        assert timeout_of(request) == left


def test_slow_query_beside_an_accounts_share_is_ended(stranger: RestPerson, begin: Begin) -> None:
    text = "a" * 300 + "!" + "a" * 299
    stranger.client.patch("products", json={"description": text}).raise_for_status()
    for _ in range(SHARE):
        begin(person(stranger.user.id))
    # Of the eight seconds of the role it is not known here how many it had: that it was less is shown above.
    assert stranger.client.get("products", params=SLOW).json()["code"] == "57014"
    assert stranger.client.get("products").is_success
