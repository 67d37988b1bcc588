"""Lists read as many rows as they show, whoever has how many: plans on skewed data, for a client.

One of 200 users has most of the rows. The data are made in a transaction that is never committed.
"""

import json
from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from local.migrations import apply_migrations
from local.ports import free_port
from local.postgres import Postgres, run_postgres
from tests.conftest import WITHOUT_DURABILITY
from tests.database.actors import Actor, Connection, acting_as, one, person
from tests.database.tokens import agent

# A uuid that says what it stands for: kind, user, number.
NAMED: LiteralString = (
    "('{}0000000-0000-4000-8000-' || lpad(to_hex({}), 4, '0') || lpad(to_hex({}), 8, '0'))::uuid"
)

USERS, PRODUCTS, EACH, MANY = 200, 4, 5, 20000


def named(kind: int, user: LiteralString, number: LiteralString) -> sql.Composed:
    """SQL for such a uuid."""
    return sql.SQL(NAMED).format(sql.Literal(kind), sql.SQL(user), sql.SQL(number))


BIG_USER = UUID("10000000-0000-4000-8000-000100000000")
SMALL_USER = UUID("10000000-0000-4000-8000-000200000000")
BIG_PRODUCT = UUID("20000000-0000-4000-8000-000100000001")
SMALL_PRODUCT = UUID("20000000-0000-4000-8000-000100000002")
BIG_REPOSITORY = UUID("30000000-0000-4000-8000-000100000001")

TITLES = {"repositories": "name", "work_items": "title", "documents": "title", "app_info": "key"}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server of its own: what other tests leave in a table's pages weighs in the planner's choice."""
    directory = tmp_path_factory.mktemp("plans")
    with run_postgres(directory, free_port(), settings=WITHOUT_DURABILITY) as server:
        apply_migrations(server.url)
        yield server


@pytest.fixture(scope="module")
def skewed(fresh: Postgres) -> Iterator[Connection]:
    """A connection in whose transaction the data are; a superuser's, who may skip triggers."""
    with psycopg.connect(fresh.superuser_url) as connection:
        connection.execute("set local session_replication_role = replica")
        fill(connection)
        connection.execute("set local session_replication_role = origin")
        yield connection
        connection.rollback()


def fill(connection: Connection) -> None:
    """Every user has a few rows in each of a few products; the first has many in their first product."""
    many = {"repositories": 2000, "work_items": MANY, "documents": 2000, "app_info": 2000}
    connection.execute(
        sql.SQL("insert into public.users (id) select {} from generate_series(1, %s) as u").format(
            named(1, "u", "0")
        ),
        (USERS,),
    )
    connection.execute(
        sql.SQL(
            "insert into public.products (id, user_id, name) select {}, {}, 'product ' || p"
            " from generate_series(1, %s) as u, generate_series(1, %s) as p"
        ).format(named(2, "u", "p"), named(1, "u", "0")),
        (USERS, PRODUCTS),
    )
    for table, title in TITLES.items():
        link = sql.SQL(", repository_id") if table in ("work_items", "documents") else sql.SQL("")
        # Every other row of the first product is about its first repository.
        linked = sql.SQL(", case when n %% 2 = 0 and p = 1 then {} end").format(named(3, "u", "1"))
        connection.execute(
            sql.SQL(
                "insert into public.{} (id, user_id, product_id, {}, created_at{})"
                " select {}, {}, {}, 'title_' || n, now() - n * interval '1 minute'{}"
                " from generate_series(1, %s) as u, generate_series(1, %s) as p,"
                " lateral generate_series(1, case when u = 1 and p = 1 then %s else %s end) as n"
            ).format(
                sql.Identifier(table),
                sql.Identifier(title),
                link,
                # Numbers start with 1 in the first product, where BIG_REPOSITORY is.
                named(3, "u", "(p - 1) * 100000 + n"),
                named(1, "u", "0"),
                named(2, "u", "p"),
                linked if table in ("work_items", "documents") else sql.SQL(""),
            ),
            (USERS, PRODUCTS, many[table], EACH),
        )
    # Nearly all is done, and what is not is old.
    connection.execute(
        "update public.work_items set status = 'done' where created_at > now() - interval '13 days'"
    )
    for table in ("users", "products", *TITLES):
        connection.execute(sql.SQL("analyze public.{}").format(sql.Identifier(table)))


def plan_of(connection: Connection, user: UUID, query: LiteralString | sql.Composed, *values: Any) -> Any:
    """The plan as it ran for a person, with the rows and buffers of each node."""
    return plan_for(connection, person(user), query, *values)


def plan_for(connection: Connection, actor: Actor, query: LiteralString | sql.Composed, *values: Any) -> Any:
    """The same for anybody."""
    with acting_as(connection, actor):
        explained = one(
            connection,
            sql.SQL("explain (analyze, buffers, timing off, format json) ") + as_sql(query),
            values,
        )
    return (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]


def as_sql(query: LiteralString | sql.Composed) -> sql.Composable:
    """A query that can be put behind explain."""
    return query if isinstance(query, sql.Composed) else sql.SQL(query)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, the root first."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def assert_served_by(plan: dict[str, Any], index: str, rows: int) -> None:
    """A limit over a scan of this index and nothing else: no sort, no row read in vain."""
    # Results are what is found out once: auth.uid(), and that it is the user whom the query names.
    kinds = [node for node in nodes(plan) if node["Node Type"] != "Result"]
    assert [node["Node Type"] for node in kinds] == ["Limit", "Index Scan"]
    scan = kinds[1]
    assert (scan["Index Name"], scan["Actual Rows"]) == (index, rows)
    assert "user_id" in scan["Index Cond"]
    assert scan.get("Rows Removed by Filter", 0) == 0


def newest(table: str, condition: LiteralString = "true") -> sql.Composed:
    """The list as the API asks for it, a row more than it shows."""
    return sql.SQL("select * from public.{} where {} order by created_at desc, id desc limit 51").format(
        sql.Identifier(table), sql.SQL(condition)
    )


@pytest.mark.parametrize("table", TITLES)
def test_newest_of_the_big_product_are_read_from_its_index(skewed: Connection, table: str) -> None:
    plan = plan_of(skewed, BIG_USER, newest(table, "product_id = %s"), BIG_PRODUCT)
    assert_served_by(plan, f"{table}_product_newest_idx", 51)


@pytest.mark.parametrize("table", TITLES)
def test_newest_of_the_big_user_are_read_from_their_index_when_the_query_names_them(
    skewed: Connection, table: str
) -> None:
    # The caller is not known when a query is planned, and for the average user a handful of rows is sorted.
    # A query that says user_id = itself is planned for that user; that both are the same is checked once.
    plan = plan_of(skewed, BIG_USER, newest(table, "user_id = %s"), BIG_USER)
    assert_served_by(plan, f"{table}_user_newest_idx", 51)
    (checked,) = (node["One-Time Filter"] for node in nodes(plan) if "One-Time Filter" in node)
    assert "InitPlan" in checked
    assert str(BIG_USER) in checked


def test_newest_of_somebody_else_who_is_named_are_none(skewed: Connection) -> None:
    plan = plan_of(skewed, SMALL_USER, newest("work_items", "user_id = %s"), BIG_USER)
    assert plan["Actual Rows"] == 0


@pytest.mark.parametrize("table", TITLES)
def test_newest_of_a_small_product_of_the_big_user_read_that_product_only(
    skewed: Connection, table: str
) -> None:
    plan = plan_of(skewed, BIG_USER, newest(table, "product_id = %s"), SMALL_PRODUCT)
    scans = [node for node in nodes(plan) if "Index Name" in node]
    assert [node["Index Name"] for node in scans] == [f"{table}_product_newest_idx"]
    assert scans[0]["Actual Rows"] == EACH
    assert scans[0].get("Rows Removed by Filter", 0) == 0


def test_newest_of_a_small_user_read_their_rows_only(skewed: Connection) -> None:
    plan = plan_of(skewed, SMALL_USER, newest("work_items"))
    assert all(node["Actual Rows"] <= EACH * PRODUCTS for node in nodes(plan))


OF_ONE_PRODUCT: LiteralString = "user_id = %s and product_id = %s"


@pytest.mark.parametrize("product", [BIG_PRODUCT, SMALL_PRODUCT], ids=["big", "small"])
@pytest.mark.parametrize("table", TITLES)
def test_list_of_a_token_that_names_its_product_has_the_plan_of_the_owner(
    skewed: Connection, table: str, product: UUID
) -> None:
    query = newest(table, OF_ONE_PRODUCT)
    # What a session looks up in the catalog the first time is no part of it.
    plan_for(skewed, agent(BIG_USER, BIG_USER, product), query, BIG_USER, product)
    owners, *_ = read_of(plan_of(skewed, BIG_USER, query, BIG_USER, product))
    tokens, *_ = read_of(plan_for(skewed, agent(BIG_USER, BIG_USER, product), query, BIG_USER, product))
    assert tokens == owners
    assert owners[0] == f"{table}_product_newest_idx"


def test_list_of_a_token_for_all_products_has_the_plan_of_the_owner(skewed: Connection) -> None:
    query = newest("work_items", "user_id = %s")
    owners, *_ = read_of(plan_of(skewed, BIG_USER, query, BIG_USER))
    tokens, *_ = read_of(plan_for(skewed, agent(BIG_USER, BIG_USER), query, BIG_USER))
    assert tokens == owners
    assert owners[0] == "work_items_user_newest_idx"


def read_of(plan: dict[str, Any]) -> list[tuple[str, int, int, int]]:
    """What a plan reads: by which index, how many rows, how many in vain, how many buffers."""
    return [
        (
            node["Index Name"],
            node["Actual Rows"],
            node.get("Rows Removed by Filter", 0),
            node["Shared Hit Blocks"] + node["Shared Read Blocks"],
        )
        for node in nodes(plan)
        if "Index Name" in node
    ]


@pytest.mark.parametrize("table", ["work_items", "documents"])
def test_newest_of_a_repository_are_read_from_its_index(skewed: Connection, table: str) -> None:
    plan = plan_of(skewed, BIG_USER, newest(table, "repository_id = %s"), BIG_REPOSITORY)
    assert_served_by(plan, f"{table}_repository_newest_idx", 51)


def test_next_page_starts_where_the_last_one_ended(skewed: Connection) -> None:
    # The first condition bounds the index, the second is the tie-break: PostgREST has no comparison of rows.
    after = """
      product_id = %s and created_at <= now() - interval '10000 minutes'
      and (created_at < now() - interval '10000 minutes' or id < %s)
    """
    last = UUID(int=0)
    plan = plan_of(skewed, BIG_USER, newest("work_items", after), BIG_PRODUCT, last)
    (scan,) = (node for node in nodes(plan) if "Index Name" in node)
    assert (scan["Index Name"], scan["Actual Rows"]) == ("work_items_product_newest_idx", 51)
    # The one row at the cursor itself.
    assert scan["Rows Removed by Filter"] == 1


def test_oldest_first_reads_the_same_index_backwards(skewed: Connection) -> None:
    oldest = "select * from public.work_items where product_id = %s order by created_at, id limit 51"
    plan = plan_of(skewed, BIG_USER, oldest, BIG_PRODUCT)
    assert_served_by(plan, "work_items_product_newest_idx", 51)
    assert [node["Scan Direction"] for node in nodes(plan) if "Scan Direction" in node] == ["Backward"]


def test_entries_of_a_product_in_their_order_are_read_from_its_index(skewed: Connection) -> None:
    query = "select * from public.app_info where product_id = %s order by position, id limit 51"
    assert_served_by(plan_of(skewed, BIG_USER, query, BIG_PRODUCT), "app_info_product_position_idx", 51)


@pytest.mark.parametrize("condition", ["status = 'todo'", "status = 'todo' and product_id = %s"])
def test_open_items_among_many_done_are_read_from_the_status_index(
    skewed: Connection, condition: LiteralString
) -> None:
    values = [BIG_PRODUCT] if "%s" in condition else []
    plan = plan_of(skewed, BIG_USER, newest("work_items", condition), *values)
    (scan,) = (node for node in nodes(plan) if "Index Name" in node)
    assert (scan["Index Name"], scan["Actual Rows"]) == ("work_items_user_status_idx", 51)
    assert scan.get("Rows Removed by Filter", 0) == 0


def test_done_items_of_a_product_are_read_from_its_index(skewed: Connection) -> None:
    # By status, those of the owner's other products would be read as well.
    plan = plan_of(skewed, BIG_USER, newest("work_items", "status = 'done' and product_id = %s"), BIG_PRODUCT)
    assert_served_by(plan, "work_items_product_newest_idx", 51)


@pytest.mark.parametrize(
    ("table", "condition", "index"),
    [
        ("products", "name = 'product 3'", "products_user_name_idx"),
        ("repositories", "name = 'title_1999'", "repositories_user_name_idx"),
        ("repositories", "github_id = 7", "repositories_user_github_idx"),
        ("work_items", "title = 'title_19999'", "work_items_user_title_idx"),
        ("documents", "title = 'title_1999'", "documents_user_title_idx"),
        ("app_info", "key = 'title_1999'", "app_info_user_key_idx"),
    ],
)
def test_lookup_by_a_name_reads_the_rows_of_that_name(
    skewed: Connection, table: str, condition: LiteralString, index: str
) -> None:
    lookup = sql.SQL("select * from public.{} where {}").format(sql.Identifier(table), sql.SQL(condition))
    plan = plan_of(skewed, BIG_USER, lookup)
    scans = [node for node in nodes(plan) if "Index Name" in node]
    assert [node["Index Name"] for node in scans] == [index]
    assert scans[0].get("Rows Removed by Filter", 0) == 0


def test_list_reads_the_same_buffers_as_without_row_level_security(skewed: Connection) -> None:
    query = newest("work_items", "product_id = %s")
    with_policy = plan_of(skewed, BIG_USER, query, BIG_PRODUCT)
    explained = one(
        skewed,
        sql.SQL("explain (analyze, buffers, timing off, format json) ")
        + newest("work_items", "product_id = %s and user_id = %s"),
        (BIG_PRODUCT, BIG_USER),
    )
    without = explained[0]["Plan"]
    assert_served_by(without, "work_items_product_newest_idx", 51)
    buffers = [
        next(node for node in nodes(plan) if "Index Name" in node)["Shared Hit Blocks"]
        for plan in (with_policy, without)
    ]
    assert buffers[0] == buffers[1] > 0


@pytest.mark.parametrize("table", ["work_items", "documents"])
def test_what_points_at_a_deleted_repository_is_found_by_an_index(skewed: Connection, table: str) -> None:
    # As the foreign key asks: with its columns in their order, as the owner of the tables.
    lookup = sql.SQL(
        "explain (format json) select 1 from only public.{} x"
        " where repository_id = %s and user_id = %s and product_id = %s"
    ).format(sql.Identifier(table))
    values = (BIG_REPOSITORY, BIG_USER, SMALL_PRODUCT)
    plan = one(skewed, lookup, values)[0]["Plan"]
    names = {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
    assert names
    assert names <= {f"{table}_repository_idx", f"{table}_repository_newest_idx"}


def test_long_text_is_cut_behind_the_limit_where_no_index_gives_the_order(skewed: Connection) -> None:
    """Ahead of the sort every text of the user would be read and cut, for the 51 that are shown."""
    with acting_as(skewed, person(BIG_USER)):
        explained = one(
            skewed,
            "explain (verbose, format json) select id, description::public.excerpt"
            " from public.work_items order by priority, id limit 51",
        )
    (plan,) = explained
    limit, sort = (
        next(node for node in nodes(plan["Plan"]) if node["Node Type"] == kind) for kind in ("Limit", "Sort")
    )
    assert any("excerpt" in column for column in limit["Output"])
    assert not any("excerpt" in column for column in sort["Output"])
