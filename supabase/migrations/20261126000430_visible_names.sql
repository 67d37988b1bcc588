-- Purpose: a title, a name or a key is one line with something visible in it, and a variable's key is one everywhere.
-- Tables: public.products, repositories, work_items, documents and app_info.
-- Notes:
--   * The characters are written out, since what a class such as [[:space:]] holds depends on the collation and on the
--     version of Postgres. shared/visible_names.py has the same ones; a test compares both for arbitrary text.
--   * What GitHub says of a repository is taken as it is: a name must not make an import or a re-sync fail.
--   * What is there already is mended, and the history has it as it was. A line break in a name becomes a blank. A name
--     with nothing visible becomes "Untitled". A key loses the blanks at its ends, and gets its entry's id behind it where
--     its product has that key already; no value of before is sealed for its key (20261126000210). An entry whose key
--     cannot be a variable's gets the category other in place of env_var.
--   * The constraints are without a check of the rows, which would lock out readers: the next migration does it.

set local lock_timeout = '4s';
set local statement_timeout = '10min';

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
grant execute on function private.is_visible_line(text) to authenticated;

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
grant execute on function private.trim_blanks(text) to authenticated;

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
grant execute on function private.is_variable_name(text) to authenticated;

comment on function private.is_variable_name(text) is
  'Whether each of the formats of an export can carry a variable of this name: dotenv, docker, shell and json.';

-- what was there ----------------------------------------------------------------------------------------------------

-- What becomes of a name that is no visible line. It goes with the session.
create function pg_temp.mend_line(line text)
returns text
language sql
immutable
set search_path = ''
as $$
  select case when private.is_visible_line(mended.line) then mended.line else 'Untitled' end
  from (
    values (translate(line, E'\n\u000B\f\r\u0085\u2028\u2029', '       '))
  ) as mended (line);
$$;

update public.products
set name = pg_temp.mend_line(name)
where not private.is_visible_line(name);

update public.repositories
set name = pg_temp.mend_line(name)
where github_id is null and not private.is_visible_line(name);

-- It may be empty, so that one with nothing visible is none.
update public.repositories
set full_name = nullif(pg_temp.mend_line(full_name), 'Untitled')
where github_id is null and not private.is_visible_line(full_name);

update public.work_items
set title = pg_temp.mend_line(title)
where not private.is_visible_line(title);

update public.documents
set title = pg_temp.mend_line(title)
where not private.is_visible_line(title);

do $do$
declare
  entry record;
  mended text;
begin
  for entry in
    select known.id, known.user_id, known.product_id, known.key
    from public.app_info as known
    where not private.is_visible_line(known.key) or known.key <> private.trim_blanks(known.key)
    order by known.created_at, known.id
  loop
    mended := pg_temp.mend_line(private.trim_blanks(entry.key));
    if exists (
      select from public.app_info as other
      where other.user_id = entry.user_id and other.product_id = entry.product_id and other.key = mended
    ) then
      mended := left(mended, 200) || '_' || replace(entry.id::text, '-', '_');
    end if;
    update public.app_info as target set key = mended where target.id = entry.id;
  end loop;
end;
$do$;

update public.app_info
set category = 'other'
where category = 'env_var' and not private.is_variable_name(key);

-- constraints -------------------------------------------------------------------------------------------------------

alter table public.products
  -- Stops a product that nobody can see or tell from another: "   ", a zero-width space, two lines.
  add constraint products_name_visible check (private.is_visible_line(name)) not valid;

alter table public.repositories
  -- Stops the same of a repository that is not GitHub's.
  add constraint repositories_name_visible
    check (github_id is not null or private.is_visible_line(name)) not valid,
  add constraint repositories_full_name_visible
    check (github_id is not null or private.is_visible_line(full_name)) not valid;

alter table public.work_items
  -- Stops an item that nobody can see in a list.
  add constraint work_items_title_visible check (private.is_visible_line(title)) not valid;

alter table public.documents
  -- Stops a document that nobody can see in a list.
  add constraint documents_title_visible check (private.is_visible_line(title)) not valid;

alter table public.app_info
  -- Stops a key that nobody can see.
  add constraint app_info_key_visible check (private.is_visible_line(key)) not valid,
  -- Stops "API_KEY " beside "API_KEY", which nobody can tell apart or type.
  add constraint app_info_key_trimmed check (key = private.trim_blanks(key)) not valid,
  -- Stops a variable that an export leaves out or cannot be made of, such as 2FA_KEY.
  add constraint app_info_key_variable check (category <> 'env_var' or private.is_variable_name(key)) not valid;

-- comments ----------------------------------------------------------------------------------------------------------

comment on column public.products.name is 'What the product is called, one visible line of 1 to 200 characters.';
comment on column public.repositories.name is
  'The short name, one visible line of 1 to 200 characters. GitHub''s once imported.';
comment on column public.work_items.title is 'What is to be done, one visible line of 1 to 500 characters.';
comment on column public.documents.title is 'What it is called, one visible line of 1 to 500 characters.';
comment on column public.app_info.key is
  'The name, once in a product: one visible line of 1 to 255 characters without blanks at its ends, and of category env_var a name that every format of an export can carry.';
