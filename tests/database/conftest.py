"""People who talk to PostgREST directly."""

from collections.abc import Iterator

import pytest

from local.supabase import Supabase
from tests.database.rest import RestPerson, make_rows, rest_client


@pytest.fixture(scope="module")
def owner(supabase: Supabase) -> Iterator[RestPerson]:
    """Whose rows are attacked."""
    user = supabase.create_user()
    with rest_client(supabase, user.access_token) as client:
        yield RestPerson(user, client, make_rows(supabase, client, user))


@pytest.fixture
def stranger(supabase: Supabase) -> Iterator[RestPerson]:
    """Somebody else, anew for each test: unfiltered statements hit their own rows."""
    user = supabase.create_user()
    with rest_client(supabase, user.access_token) as client:
        yield RestPerson(user, client, make_rows(supabase, client, user))
