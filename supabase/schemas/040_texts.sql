-- Purpose: rules and tools for the texts that people write: visible names, excerpts for lists, and the texts that are
--   too long to be kept twice.
-- Tables: none. Lists select description::excerpt, notes::excerpt and value::excerpt.
-- Notes:
--   * A title, a name or a key is one line with something visible in it. The characters are written out, since what a
--     class such as [[:space:]] holds depends on the collation and on the version of Postgres.
--     shared/visible_names.py has the same ones; a test compares both for arbitrary text.
--   * A hundred descriptions of 100,000 characters are more than Lambda delivers (6,291,556 bytes). PostgREST has no
--     left() in a select, and a cast.
--   * The cast is to a composite type, as that to a domain would be Postgres' own, whose cost nobody can name: the
--     planner would cut every row of a user before it sorts them. 1000 makes it cut what is left after the limit
--     (20,000 rows with texts of 5 KB by priority: 23 ms, 766 ms by a domain). For the same reason it is a function
--     of the text and not of the row, which Postgres would copy with all its long columns.
--   * 5 MB that were sent were stored three times: in the row, in the history and in the answer kept for a replay. A
--     text of more than 2,000 characters is left out of both, whichever column it is of: the history says that it
--     changed, and the kept answer has its beginning, with "<column>_truncated": true beside it.

-- types -------------------------------------------------------------------------------------------------------------

create type public.excerpt as (start text, truncated boolean);

revoke all on type public.excerpt from public, anon, authenticated, service_role;
grant usage on type public.excerpt to authenticated, forum_agent;

comment on type public.excerpt is 'The first 2,000 characters of a text, and whether there are more.';

-- functions ---------------------------------------------------------------------------------------------------------

create function private.is_visible_line(line text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return
    -- Line breaks, those of Unicode included.
    line !~ '[\n\v\f\r\u0085\u2028\u2029]'
    -- Anything but controls, blanks, format characters, fillers, variation selectors and tags.
    and line ~ (
      '[^\u0001-\u0020\u007F-\u00A0\u00AD\u034F\u0600-\u0605\u061C\u06DD\u070F\u0890\u0891\u08E2\u115F\u1160\u1680'
      '\u17B4\u17B5\u180B-\u180F\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0'
      '\uFFF0-\uFFFB\U000110BD\U000110CD\U00013430-\U0001343F\U0001BCA0-\U0001BCA3\U0001D159\U0001D173-\U0001D17A'
      '\U000E0000-\U000E0FFF]'
    );
end;
$$;

-- Whoever writes a row has its checks called; it reads nothing but its argument.
revoke all on function private.is_visible_line(text) from public, anon, authenticated, service_role;
grant execute on function private.is_visible_line(text) to authenticated, forum_agent;
comment on function private.is_visible_line(text) is
  'Whether a text is one line that holds something visible: not only blanks, format or control characters.';

create function private.trim_blanks(line text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- Variation selectors and tags are not among them: an emoji may end with one.
  return regexp_replace(
    line,
    (
      '^[\u0001-\u0020\u007F-\u00A0\u00AD\u061C\u115F\u1160\u1680\u17B4\u17B5\u180E\u2000-\u200F\u2028-\u202F'
      '\u205F-\u206F\u2800\u3000\u3164\uFEFF\uFFA0]+'
      '|[\u0001-\u0020\u007F-\u00A0\u00AD\u061C\u115F\u1160\u1680\u17B4\u17B5\u180E\u2000-\u200F\u2028-\u202F'
      '\u205F-\u206F\u2800\u3000\u3164\uFEFF\uFFA0]+$'
    ),
    '',
    'g'
  );
end;
$$;

revoke all on function private.trim_blanks(text) from public, anon, authenticated, service_role;
grant execute on function private.trim_blanks(text) to authenticated, forum_agent;
comment on function private.trim_blanks(text) is
  'A text without the blanks, control and invisible characters at its ends.';

create function private.is_variable_name(key text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return
    key collate "C" ~ '^[A-Za-z_][A-Za-z0-9_]*$'
    -- Node's dotenv cannot read this one.
    and key <> '__proto__'
    -- What sh or bash keeps for itself, and would change or run.
    and not starts_with(key, 'BASH')
    and key not in (
      'DIRSTACK', 'EPOCHREALTIME', 'EPOCHSECONDS', 'EUID', 'FUNCNAME', 'GROUPS', 'HISTCMD', 'LINENO', 'MAILPATH',
      'OPTIND', 'PPID', 'PROMPT_COMMAND', 'PS0', 'PS1', 'PS2', 'PS4', 'RANDOM', 'SECONDS', 'SHELLOPTS', 'SHLVL',
      'SRANDOM', 'UID', '_'
    );
end;
$$;

revoke all on function private.is_variable_name(text) from public, anon, authenticated, service_role;
grant execute on function private.is_variable_name(text) to authenticated, forum_agent;
comment on function private.is_variable_name(text) is
  'Whether each of the formats of an export can carry a variable of this name: dotenv, docker, shell and json.';

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
grant execute on function private.take_excerpt(text) to authenticated, forum_agent;
comment on function private.take_excerpt(text) is 'The body of the cast from text to public.excerpt.';

create function private.longest_kept_text()
returns integer
language sql
immutable
set search_path = ''
as $$
  select 2000;
$$;

revoke all on function private.longest_kept_text() from public, anon, authenticated, service_role;
comment on function private.longest_kept_text() is
  'How many characters of a text the history and the answers kept for replays hold at most.';

create function private.leave_out_long_texts(changes jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- No long text fits into so few bytes: most changes are not looked through.
  if pg_column_size(changes) <= private.longest_kept_text() then
    return changes;
  end if;
  return (
    select jsonb_object_agg(
      field.name,
      case
        when greatest(char_length(field.change ->> 'old'), char_length(field.change ->> 'new'))
          > private.longest_kept_text()
          then '{"changed": true}'
        else field.change
      end
    )
    from jsonb_each(changes) as field (name, change)
  );
end;
$$;

revoke all on function private.leave_out_long_texts(jsonb) from public, anon, authenticated, service_role;
comment on function private.leave_out_long_texts(jsonb) is
  'Changes as the history tells them: of a long text only that it changed.';

create function private.cut_long_texts(content jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  if pg_column_size(content) <= private.longest_kept_text() then
    return content;
  end if;
  return content || coalesce(
    (
      select jsonb_object_agg(kept.name, kept.value)
      from jsonb_each_text(content) as field (name, value),
        lateral (
          values
            (field.name, to_jsonb(left(field.value, private.longest_kept_text()))),
            (field.name || '_truncated', 'true'::jsonb)
        ) as kept (name, value)
      where jsonb_typeof(content -> field.name) = 'string'
        and char_length(field.value) > private.longest_kept_text()
    ),
    '{}'
  );
end;
$$;

revoke all on function private.cut_long_texts(jsonb) from public, anon, authenticated, service_role;
comment on function private.cut_long_texts(jsonb) is
  'A row with the beginnings of its long texts, and "<column>_truncated": true beside each.';

-- casts -------------------------------------------------------------------------------------------------------------

create cast (text as public.excerpt) with function private.take_excerpt(text);

comment on cast (text as public.excerpt) is 'For lists: description::excerpt in a select of PostgREST.';
