"""A call of each function that runs with its owner's rights and that the API's roles may call.

Each entry prepares what the call needs, as its caller would, and returns the arguments. The checks put
another user's values into them, one at a time; a definer that is not here has no proof and fails them.
"""

from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from tests.database.actors import Connection, acting_as, one
from tests.database.github_sync import (
    IMPORT_KEY,
    LEASE_SECONDS,
    SEALED,
    Message,
    begin,
    connect,
    connection_as_sent,
    found,
    import_items,
    item,
    know_import_key,
    make_due,
    seen,
    start,
    stored_connection,
    sync,
)
from tests.database.secrets import APP_INFO_KEY, changed, know_app_info_key, make_secret, new, sealed
from tests.database.tokens import make_token, new_token, take_sha256
from tests.database.world import Person, make_person

WITH_SECRETS = True
# Of no connection: the worker's calls look at the ids of the message first.
FORMER_TOKEN_ID = "00000000-0000-4000-8000-000000000009"

Prepare = Callable[[Connection, Person], tuple[Any, ...]]

# No two people have these of GitHub's.
_github_ids = count(1_000)


def make_tenant(connection: Connection) -> Person:
    """Somebody with a row of everything, a secret, a connection and a repository on GitHub."""
    know_import_key(connection)
    know_app_info_key(connection)
    tenant = make_person(connection)
    make_secret(connection, tenant, word=f"canary-{tenant.id}")
    tenant.rows["repositories"] = import_items(connection, tenant, item(1))[1]
    connect(connection, tenant, github_login=f"canary-{str(tenant.id)[:8]}")
    return tenant


def use_idempotency_key(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A product made under a key."""
    key = f"key-{person.id}"
    with acting_as(connection, person.actor):
        headers = f'{{"idempotency-key": "{key}"}}'
        connection.execute("select set_config('request.headers', %s, true)", (headers,))
        connection.execute("insert into public.products (name) values (%s)", (f"canary-{person.id}",))
        connection.execute("select set_config('request.headers', '', true)")
    return (key,)


def entry(connection: Connection, person: Person) -> tuple[Any, ...]:
    """The id of an entry with former values."""
    del connection
    return (person.rows["app_info"],)


def write(connection: Connection, person: Person) -> tuple[Any, ...]:
    """One entry made, one changed."""
    del connection
    created = new(person, "MADE", "two", uuid4())
    del created["id"]
    override = {"environment": "preview", "value": None}
    change = changed(person.rows["app_info"], is_secret=True, sealed=sealed("two"), overrides=[override])
    moved = changed(person.rows["app_info"], product_id=str(person.rows["products"]))
    return (Jsonb([created, change, moved]), APP_INFO_KEY)


def import_file(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A file with an entry that is new and one that is there."""
    items, key = write(connection, person)
    return (person.rows["products"], items, ["MADE", "FORECAST_URL"], key)


def record_export(connection: Connection, person: Person) -> tuple[Any, ...]:
    """An export of the secret entry as it is."""
    entry_id = person.rows["app_info"]
    version = one(connection, "select version from public.app_info where id = %s", (entry_id,))
    secrets = Jsonb([{"id": str(entry_id), "version": version}])
    return (person.rows["products"], secrets, None, APP_INFO_KEY, "preview")


def new_token_of_product(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A token that is to be made for a product."""
    del connection
    made = new_token(person.id, person.rows["products"])
    return (f"canary-{person.id}", person.rows["products"], ["work"], 30, take_sha256(made.text), made.hint)


def token(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A token that is there."""
    return (make_token(connection, person.id, person.rows["products"])[1],)


def of_product(*rest: Any) -> Prepare:
    """A call about a product."""
    return lambda _, person: (person.rows["products"], *rest)


def of_entry(*rest: Any) -> Prepare:
    """A call about an entry."""
    return lambda _, person: (person.rows["app_info"], *rest)


def of_entries(*rest: Any) -> Prepare:
    """A call about some entries."""
    return lambda _, person: ([person.rows["app_info"]], *rest)


def plain(*arguments: Any) -> Prepare:
    """A call that needs nothing."""
    return lambda _connection, _person: arguments


def save_connection(connection: Connection, person: Person) -> tuple[Any, ...]:
    """The stored connection, stored again."""
    with acting_as(connection, person.actor):
        connection_id = one(connection, "select public.get_github_connection_id()")
    return (Jsonb({"id": str(connection_id), **connection_as_sent()}), IMPORT_KEY)


def record_import(connection: Connection, person: Person) -> tuple[Any, ...]:
    """An import into a product."""
    del connection
    return (IMPORT_KEY, Jsonb({"product_id": str(person.rows["products"]), "requests": 1}))


def save_examples(connection: Connection, person: Person) -> tuple[Any, ...]:
    """The names in the example of a repository that is on GitHub."""
    found = one(
        connection,
        "insert into public.repositories (user_id, product_id, name, github_id, sync_state)"
        " values (%s, %s, 'on-github', 77, 'active') returning id",
        (person.id, person.rows["products"]),
    )
    return (Jsonb([{"id": str(found), "oid": "0" * 40, "keys": ["PORT"]}]), IMPORT_KEY)


def queue(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A run that waits."""
    with acting_as(connection, person.actor):
        return (one(connection, "select (public.request_github_sync()).id"),)


def of_token(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A call about the stored token."""
    return (stored_connection(connection, person)["token_id"], IMPORT_KEY)


def renew(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A token that its owner renews."""
    token_id, key = of_token(connection, person)
    pair = {"renews": token_id, "token_id": str(uuid4()), "sealed_token": SEALED}
    return (Jsonb({**connection_as_sent(), **pair}), key)


def of_run(*rest: Any) -> Prepare:
    """A message of a re-sync that has begun."""
    return lambda connection, person: (*start(connection, person).ids, *rest)


def of_queued_run(*rest: Any) -> Prepare:
    """A message of a re-sync that nobody has taken."""

    def prepare(connection: Connection, person: Person) -> tuple[Any, ...]:
        (run_id,) = queue(connection, person)
        return (*message_of(connection, person, run_id).ids, *rest)

    return prepare


def of_import(*rest: Any) -> Prepare:
    """A message of a background import that has begun."""

    def prepare(connection: Connection, person: Person) -> tuple[Any, ...]:
        with acting_as(connection, person.actor):
            run_id = one(
                connection,
                "select (public.request_github_import(%s, %s)).id",
                (person.rows["products"], [7, 8]),
            )
        message = message_of(connection, person, run_id)
        make_due(connection, person)
        begin(connection, message)
        return (*message.ids, *rest)

    return prepare


def message_of(connection: Connection, person: Person, run_id: Any) -> Message:
    """What the queue says of a run."""
    stored = one(connection, "select id from private.github_connections where user_id = %s", (person.id,))
    return Message(person.id, stored, run_id)


def search_words(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A search in a product for words that everybody has."""
    del connection
    return ("'forecast':* | 'forecasts'", "'=forecasts'", person.rows["products"], 20)


def miss(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A repository that GitHub does not show any more."""
    number = next(_github_ids)
    import_items(connection, person, item(number))
    sync(connection, person, seen(number, "missing"), found(1))
    return ("gone", [number])


def address(connection: Connection, person: Person) -> tuple[Any, ...]:
    """The address of an account, which its owner confirms the deletion with."""
    return (one(connection, "select email from auth.users where id = %s", (person.id,)),)


def trash_set(connection: Connection, person: Person) -> UUID:
    """A set with a work item of theirs."""
    with acting_as(connection, person.actor):
        connection.execute("delete from public.work_items")
    found: UUID = one(
        connection,
        "select set_id from private.trash_rows where entity_id = %s",
        (person.rows["work_items"],),
    )
    return found


def look_at_trash(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A set of theirs."""
    return (trash_set(connection, person),)


def restore_trash(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A set of theirs, which comes back."""
    return (trash_set(connection, person), "fail")


def bring(connection: Connection, person: Person) -> tuple[Any, ...]:
    """A work item of an export, for a product of theirs."""
    del connection
    row = {"id": str(uuid4()), "product_id": str(person.rows["products"]), "title": "Brought along"}
    return (Jsonb([{"type": "work_items", "row": row}]), "apply", "update")


PEOPLES: dict[str, Prepare] = {
    "get_idempotent_answer(text)": use_idempotency_key,
    "import_repositories(uuid,jsonb,text)": of_product(Jsonb([item(2)]), IMPORT_KEY),
    "save_env_examples(jsonb,text)": save_examples,
    "write_app_info(jsonb,text)": write,
    "reveal_app_info(uuid,integer,text,text)": of_entry(None, APP_INFO_KEY, "preview"),
    "read_app_info_places(uuid[],boolean,text)": of_entries(WITH_SECRETS, APP_INFO_KEY),
    "import_app_info(uuid,jsonb,text[],text)": import_file,
    "read_app_info_export(uuid,text[],boolean,text,text)": of_product(
        ["url"], WITH_SECRETS, APP_INFO_KEY, "preview"
    ),
    "record_app_info_export(uuid,jsonb,text,text,text)": record_export,
    "compare_app_info(uuid,text[],text)": of_product(["FORECAST_URL"], APP_INFO_KEY),
    "list_app_info_versions(uuid)": entry,
    "restore_app_info(uuid,integer,integer[])": of_entry(1, None),
    "save_github_connection(jsonb,text)": save_connection,
    "get_github_connection_id()": plain(),
    "get_github_connection()": plain(),
    "delete_github_connection()": plain(),
    "get_sealed_github_token(text)": plain(IMPORT_KEY),
    "report_github_refusal(uuid,text)": of_token,
    "report_github_limit(bigint,timestamp with time zone,text)": plain(
        583231, "2999-01-01T00:00:00Z", IMPORT_KEY
    ),
    "claim_own_token_refresh(uuid,text)": of_token,
    "save_own_refreshed_token(jsonb,text)": renew,
    "record_github_import(text,jsonb)": record_import,
    "request_github_sync()": plain(),
    "release_github_sync(uuid)": queue,
    "request_github_import(uuid,bigint[])": of_product([7, 8]),
    "decide_missing_repositories(text,bigint[])": miss,
    "create_access_token(text,uuid,text[],integer,text,text)": new_token_of_product,
    "revoke_access_token(uuid)": token,
    "get_account()": plain(),
    "delete_account(text)": address,
    "get_trash(uuid)": look_at_trash,
    "restore_trash(uuid,text)": restore_trash,
    "import_page(jsonb,text,text)": bring,
    "find_work_items(tsquery,tsquery,uuid,integer)": search_words,
    "find_documents(tsquery,tsquery,uuid,integer)": search_words,
    "mark_seen(uuid,timestamp with time zone)": of_product(None),
}
"""What people call, who are known by their token."""

INNER = {
    # 340_search makes its arguments out of a text.
    *("find_work_items(tsquery,tsquery,uuid,integer)", "find_documents(tsquery,tsquery,uuid,integer)"),
}
"""Those of people that no function in public has the arguments of."""

SERVICES: dict[str, Prepare] = {
    "begin_github_sync(uuid,uuid,uuid,integer)": of_queued_run(LEASE_SECONDS),
    "next_github_sync_chunk(uuid,uuid,uuid,integer)": of_run(100),
    "apply_github_sync_chunk(uuid,uuid,uuid,jsonb,jsonb)": of_run(
        Jsonb([found(1, stars_count=99)]), Jsonb({"requests": 1})
    ),
    "finish_github_sync(uuid,uuid,uuid,jsonb)": of_run(Jsonb({"state": "succeeded", "token_alive": True})),
    "claim_github_token_refresh(uuid,uuid,uuid,uuid)": of_run(FORMER_TOKEN_ID),
    "read_github_sync_token(uuid,uuid,uuid)": of_run(),
    "save_refreshed_github_token(uuid,uuid,uuid,jsonb)": of_run(
        Jsonb({"sealed_token": SEALED, "token_id": FORMER_TOKEN_ID, "renews": FORMER_TOKEN_ID})
    ),
    "apply_github_import_chunk(uuid,uuid,uuid,jsonb,integer,jsonb)": of_import(
        Jsonb([]), 2, Jsonb({"requests": 1})
    ),
    "pause_github_import(uuid,uuid,uuid,timestamp with time zone)": of_import("2030-01-01T00:00:00Z"),
    "finish_github_import(uuid,uuid,uuid,text,text)": of_import(None, None),
}
"""What the worker calls with the ids of a message: they have to belong together."""

OF_EVERYBODY = {
    # The dispatcher's: they are about whoever is due, and take no user.
    "claim_due_github_connections(integer,integer)",
    "release_github_connections(uuid[])",
    # The maintenance's: they are about what has had its time, whosever it is.
    *("list_maintenance_steps()", "run_maintenance(text)"),
    # Takes nothing, and is called by public.resume alone. tests/functions/test_resume tries it.
    "resume_account()",
    # Says of the caller's own token whether it is a person's.
    "is_session()",
    # Refuses the caller's own request. test_writes and test_account_deletion try it.
    "check_writer()",
    # These are about the access token of the request, and take no other. test_tokens tries them.
    *("find_access_token(text)", "note_access_token_use()", "get_current_access_token()"),
}
"""Functions that have no user to confuse."""
