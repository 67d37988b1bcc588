-- Purpose: the start of a long text, cut where it lies, so that a list of a hundred rows stays deliverable.
-- Tables: none. Lists select description::excerpt, notes::excerpt and value::excerpt.
-- Notes:
--   * A hundred descriptions of 100,000 characters are more than Lambda delivers (6,291,556 bytes). PostgREST has no
--     left() in a select, and a cast.
--   * A composite type, as the cast to a domain would be Postgres' own, whose cost nobody can name: the planner would
--     cut every row of a user before it sorts them. 1000 makes it cut what is left after the limit (20,000 rows with
--     texts of 5 KB by priority: 23 ms, 766 ms by a domain). For the same reason it is a function of the text and not
--     of the row, which Postgres would copy with all its long columns.
--   * Nothing is stored in another way, and whoever selects the column itself gets all of it.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- types -------------------------------------------------------------------------------------------------------------

create type public.excerpt as (start text, truncated boolean);

revoke all on type public.excerpt from public, anon, authenticated, service_role;
grant usage on type public.excerpt to authenticated;

comment on type public.excerpt is 'The first 2,000 characters of a text, and whether there are more.';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.take_excerpt(whole text)
returns public.excerpt
language plpgsql
immutable
security invoker
set search_path = ''
cost 1000
as $$
begin
  if whole is null then
    return null;
  end if;
  return row(left(whole, 2000), char_length(whole) > 2000)::public.excerpt;
end;
$$;

-- It reads nothing but its argument. The cast calls it by itself, with the rights of who asks.
revoke all on function private.take_excerpt(text) from public, anon, authenticated, service_role;
grant execute on function private.take_excerpt(text) to authenticated;

comment on function private.take_excerpt(text) is 'The body of the cast from text to public.excerpt.';

-- casts -------------------------------------------------------------------------------------------------------------

create cast (text as public.excerpt) with function private.take_excerpt(text);

comment on cast (text as public.excerpt) is 'For lists: description::excerpt in a select of PostgREST.';
