"""A million work items of a thousand users, with words as often as prose has them."""

from typing import LiteralString
from uuid import UUID

import psycopg

from local.postgres import Postgres

USERS, ROWS, ROWS_OF_ONE, PRODUCTS = 1_000, 1_000_000, 100_000, 10

# Ids that say whose they are: the kind, the user, the number.
USER = UUID("10000000-0000-4000-8000-000100000000")
USER_OF_FEW = UUID("10000000-0000-4000-8000-000200000000")
PRODUCT = UUID("20000000-0000-4000-8000-000100000001")

# Of two characters of Chinese, in one item of 480.
PLANTED_PAIR = "数据"


def spell(rank: int) -> str:
    """The word of a rank: its number in letters."""
    return str(rank).translate(str.maketrans("0123456789", "abcdefghij"))


MAKE_ID: LiteralString = """
create function pg_temp.make_id(kind text, u integer, n integer) returns uuid language sql immutable as
$$ select (kind || '0000000-0000-4000-8000-' || lpad(to_hex(u), 4, '0') || lpad(to_hex(n), 8, '0'))::uuid $$
"""
# The rank of a word among 20,000: the second is half as frequent as the first. A twelfth of the rows has a
# pair of characters of Chinese as well, one in forty of them the planted one.
MAKE_WORDS: LiteralString = """
create function pg_temp.make_words(n integer) returns text[] language sql volatile as
$$
  select array_agg(
    case
      when place = 30 and n % 480 = 0 then '数据'
      when place = 30 and n % 12 = 0
        then chr(19968 + floor(500 * random())::integer) || chr(19968 + floor(500 * random())::integer)
      else translate(floor(power(20000, random()))::integer::text, '0123456789', 'abcdefghij')
    end
  )
  from generate_series(1, 30) as place
$$
"""
INSERT_USERS: LiteralString = """
insert into public.users (id)
select pg_temp.make_id('1', u, 0) from generate_series(1, %(users)s::integer) as u
"""
INSERT_PRODUCTS: LiteralString = """
insert into public.products (id, user_id, name)
select pg_temp.make_id('2', u, n), pg_temp.make_id('1', u, 0), 'Product ' || n
from generate_series(1, %(users)s::integer) as u, generate_series(0, %(products)s::integer - 1) as n
"""
# Everybody's rows lie between those of the others, as they are made: the newest last.
INSERT_WORK_ITEMS: LiteralString = """
insert into public.work_items (user_id, product_id, title, description, created_at, terms)
select
  pg_temp.make_id('1', made.u, 0),
  pg_temp.make_id('2', made.u, made.n %% %(products)s::integer),
  array_to_string(made.words[:6], ' '),
  array_to_string(made.words[7:], ' '),
  now() - made.n * interval '1 minute',
  array_to_tsvector(made.words || array(select '=' || word from unnest(made.words[:6]) as titled (word)))
from (
  select u, n, pg_temp.make_words(n) as words
  from
    generate_series(1, %(users)s::integer) as u,
    lateral generate_series(1, case when u = 1 then %(most)s::integer else %(each)s::integer end) as n
  order by n desc
  limit %(rows)s
) as made
"""


def fill(postgres: Postgres) -> None:
    """A tenth of all rows is one user's; the others have the rest in equal parts."""
    each = (ROWS - ROWS_OF_ONE) // (USERS - 1) + 1
    numbers = {"users": USERS, "products": PRODUCTS, "rows": ROWS, "most": ROWS_OF_ONE, "each": each}
    with psycopg.connect(postgres.superuser_url) as connection:
        # No triggers: what they write, such as the history, is not asked for here.
        connection.execute("set local session_replication_role = replica")
        connection.execute("select setseed(0.5)")
        connection.execute(MAKE_ID)
        connection.execute(MAKE_WORDS)
        # Made behind the rows: row by row it takes ten times as long.
        connection.execute("drop index public.work_items_user_terms_idx")
        for insert in (INSERT_USERS, INSERT_PRODUCTS, INSERT_WORK_ITEMS):
            connection.execute(insert, numbers)
        connection.execute("set local maintenance_work_mem = '256MB'")
        connection.execute(
            "create index work_items_user_terms_idx on public.work_items"
            " using gin (private.own_terms(user_id, terms)) with (fastupdate = off)"
        )
        connection.execute("alter index public.work_items_user_terms_idx alter column 1 set statistics 0")
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze) public.users, public.products, public.work_items")
