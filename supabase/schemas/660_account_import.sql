-- Purpose: rows that somebody brings along from an export come into their account, under ids of its own.
-- Tables: written by the functions: public.products, public.repositories, public.work_items, public.documents,
--   public.app_info, public.app_info_overrides, public.activity.
-- Notes:
--   * Whose the rows were does not matter, and nobody can find out whether an id is in use: one that the caller has in
--     this table is that row, every other one becomes an id that is computed from the caller's and the old one. Whoever
--     brings the same row again meets the row that it has become.
--   * What is kept: the times of creation and of the last change. Not the version, which is 2: an insert of version 1 is
--     a person's own, in history and in what a work item may start as (110_activity, 220_work_items). History and
--     revisions do not come along, or they could be made up.
--   * Of a repository of GitHub's only its number, node id, name and address: the rest is what the next re-sync reads. A
--     number gives nobody anything: the re-sync reads with its owner's token.
--   * No value of a secret, in no environment: it is sealed under the id of its entry. An entry comes without, and gets
--     it as any other.

-- functions ---------------------------------------------------------------------------------------------------------

-- As a UUID of version 8 (RFC 9562), whose bits are anybody's to choose: the one of version 5 would want an extension.
create function private.imported_id(owner_id uuid, old_id uuid)
returns uuid
language sql
immutable
set search_path = ''
as $$
  select (
    substr(digest.hex, 1, 12) || '8' || substr(digest.hex, 14, 3)
    || translate(substr(digest.hex, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr(digest.hex, 18, 15)
  )::uuid
  from (select encode(sha256(uuid_send(owner_id) || uuid_send(old_id)), 'hex') as hex) as digest;
$$;

revoke all on function private.imported_id(uuid, uuid) from public, anon, authenticated, service_role;
comment on function private.imported_id(uuid, uuid) is 'The id under which a row of an export comes into an account.';

-- What of a row of a table comes along, with what is usual where it says nothing.
create function private.usual_row(entity text)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select case entity
    when 'products' then jsonb_build_object(
      'name', null, 'description', null, 'icon', null, 'color', null, 'next_note', null, 'commitment', null,
      'adds_renewal_work', false
    )
    when 'repositories' then jsonb_build_object(
      'product_id', null, 'name', null, 'full_name', null, 'description', null, 'url', null, 'default_branch', null,
      'is_private', false, 'language', null, 'github_id', null, 'node_id', null, 'notes', null
    )
    when 'work_items' then jsonb_build_object(
      'product_id', null, 'repository_id', null, 'title', null, 'description', null, 'type', 'feature',
      'status', 'todo', 'priority', 0, 'external_id', null
    )
    when 'documents' then jsonb_build_object(
      'product_id', null, 'repository_id', null, 'title', null, 'content', '', 'type', 'note', 'is_pinned', false,
      'external_id', null
    )
    when 'app_info' then jsonb_build_object(
      'product_id', null, 'key', null, 'value', null, 'category', 'env_var', 'is_secret', false, 'description', null,
      'expires_at', null, 'rotate_every', null, 'environments', '[]'::jsonb
    )
  end;
$$;

revoke all on function private.usual_row(text) from public, anon, authenticated, service_role;
comment on function private.usual_row(text) is
  'The columns of a table that an import writes, each with its usual value. Null for any other table.';

create function private.plain_environments(entry public.app_info)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object('environment', held.environment, 'value', held.value) order by held.environment
    ),
    '[]'
  )
  from public.app_info_overrides as held
  where held.user_id = entry.user_id and held.app_info_id = entry.id and not held.is_secret;
$$;

revoke all on function private.plain_environments(public.app_info) from public, anon, authenticated, service_role;
comment on function private.plain_environments(public.app_info) is
  'What a plain entry has in its environments, as an import compares it.';

-- In PL/pgSQL, which keeps the plans: an import asks this of every line.
create function private.find_imported_row(owner_id uuid, entity text, row_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  if entity = 'products' then
    return (
      select to_jsonb(line)
      from public.products as line
      where line.user_id = owner_id and line.id = row_id
    );
  elsif entity = 'repositories' then
    return (
      select to_jsonb(line)
      from public.repositories as line
      where line.user_id = owner_id and line.id = row_id
    );
  elsif entity = 'work_items' then
    return (
      select to_jsonb(line)
      from public.work_items as line
      where line.user_id = owner_id and line.id = row_id
    );
  elsif entity = 'documents' then
    return (
      select to_jsonb(line)
      from public.documents as line
      where line.user_id = owner_id and line.id = row_id
    );
  elsif entity = 'app_info' then
    return (
      select to_jsonb(line) || jsonb_build_object('environments', private.plain_environments(line))
      from public.app_info as line
      where line.user_id = owner_id and line.id = row_id
    );
  end if;
  return null;
end;
$$;

revoke all on function private.find_imported_row(uuid, text, uuid) from public, anon, authenticated, service_role;
comment on function private.find_imported_row(uuid, text, uuid) is 'A row of an account as JSON; null where it has none.';

-- Of another row that has what there can be once in a product.
create function private.find_taken_place(owner_id uuid, entity text, wanted jsonb)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  of_product constant uuid := wanted ->> 'product_id';
begin
  if entity = 'repositories' then
    return (
      select line.id
      from public.repositories as line
      where line.user_id = owner_id and line.product_id = of_product and line.github_id = (wanted ->> 'github_id')::bigint
    );
  elsif entity = 'work_items' then
    return (
      select line.id
      from public.work_items as line
      where line.user_id = owner_id and line.product_id = of_product and line.external_id = wanted ->> 'external_id'
    );
  elsif entity = 'documents' then
    return (
      select line.id
      from public.documents as line
      where line.user_id = owner_id and line.product_id = of_product and line.external_id = wanted ->> 'external_id'
    );
  elsif entity = 'app_info' then
    return (
      select line.id
      from public.app_info as line
      where line.user_id = owner_id and line.product_id = of_product and line.key = wanted ->> 'key'
    );
  end if;
  return null;
end;
$$;

revoke all on function private.find_taken_place(uuid, text, jsonb) from public, anon, authenticated, service_role;
comment on function private.find_taken_place(uuid, text, jsonb) is
  'The row that has the key, the external id or the repository of GitHub which a row wants in its product.';

-- The row that an id of an export means in an account.
create function private.resolve_imported_id(owner_id uuid, entity text, old_id uuid)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  is_own boolean := false;
begin
  if entity = 'products' then
    is_own := exists (select from public.products as line where line.user_id = owner_id and line.id = old_id);
  elsif entity = 'repositories' then
    is_own := exists (select from public.repositories as line where line.user_id = owner_id and line.id = old_id);
  elsif entity = 'work_items' then
    is_own := exists (select from public.work_items as line where line.user_id = owner_id and line.id = old_id);
  elsif entity = 'documents' then
    is_own := exists (select from public.documents as line where line.user_id = owner_id and line.id = old_id);
  elsif entity = 'app_info' then
    is_own := exists (select from public.app_info as line where line.user_id = owner_id and line.id = old_id);
  end if;
  return case when is_own then old_id else private.imported_id(owner_id, old_id) end;
end;
$$;

revoke all on function private.resolve_imported_id(uuid, text, uuid) from public, anon, authenticated, service_role;
comment on function private.resolve_imported_id(uuid, text, uuid) is
  'An id itself, if it is that of a row of the account, or the one that it becomes there.';

-- A row of an export as it would stand in the account.
create function private.row_to_import(owner_id uuid, entity text, content jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  wanted jsonb;
begin
  select jsonb_object_agg(usual.key, coalesce(nullif(content -> usual.key, 'null'), usual.value))
  into wanted
  from jsonb_each(private.usual_row(entity)) as usual;
  if entity <> 'products' then
    wanted := wanted || jsonb_build_object(
      'product_id', private.resolve_imported_id(owner_id, 'products', (content ->> 'product_id')::uuid)
    );
  end if;
  if entity in ('work_items', 'documents') then
    wanted := wanted || jsonb_build_object(
      'repository_id', private.resolve_imported_id(owner_id, 'repositories', (content ->> 'repository_id')::uuid)
    );
  end if;
  -- Stops a document whose content an export has had to leave out from losing it.
  if entity = 'documents' and content -> 'content' = 'null' then
    wanted := wanted || '{"content": null}';
  end if;
  if entity = 'repositories' and wanted -> 'github_id' <> 'null' then
    wanted := wanted || '{"full_name": null, "description": null, "default_branch": null, "language": null,
      "is_private": false}';
  end if;
  if entity = 'app_info' then
    -- As the row that is there writes them.
    wanted := wanted || jsonb_build_object(
      'expires_at', (wanted ->> 'expires_at')::timestamptz,
      'rotate_every', (wanted ->> 'rotate_every')::interval,
      'environments',
      (
        select coalesce(
          jsonb_agg(
            jsonb_build_object('environment', held.value ->> 'environment', 'value', held.value ->> 'value')
            order by held.value ->> 'environment'
          ),
          '[]'
        )
        from jsonb_array_elements(wanted -> 'environments') as held
      )
    );
    -- An export of before has none: what is there stays.
    if not content ? 'environments' then
      wanted := wanted - 'environments';
    end if;
    if wanted -> 'is_secret' = 'true' then
      wanted := wanted - 'environments' || '{"value": null}';
    end if;
  end if;
  return wanted;
end;
$$;

revoke all on function private.row_to_import(uuid, text, jsonb) from public, anon, authenticated, service_role;
comment on function private.row_to_import(uuid, text, jsonb) is
  'What of a row of an export comes along, with the ids of the account.';

-- Compared is what comes along. Of a repository of GitHub's the notes alone are its owner's.
create function private.compare_imported_row(owner_id uuid, entity text, row_id uuid, wanted jsonb, on_conflict text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  present constant jsonb := private.find_imported_row(owner_id, entity, row_id);
  taken_by uuid;
  changed text[];
begin
  if present is null then
    taken_by := private.find_taken_place(owner_id, entity, wanted);
    if taken_by is null then
      return '{"outcome": "created"}';
    end if;
    return jsonb_build_object(
      'outcome', case when on_conflict = 'skip' then 'skipped' else 'conflict' end,
      'reason', 'taken', 'taken_by', taken_by
    );
  end if;
  select coalesce(array_agg(field.key order by field.key), '{}')
  into changed
  from jsonb_each(wanted) as field
  where field.value <> coalesce(present -> field.key, 'null')
    and (
      entity <> 'repositories'
      or wanted -> 'github_id' = 'null'
      or field.key in ('product_id', 'github_id', 'notes')
    );
  if changed = '{}' then
    return '{"outcome": "same"}';
  end if;
  if on_conflict = 'skip' then
    return jsonb_build_object('outcome', 'skipped', 'reason', 'changed');
  end if;
  -- What only its own way may change: see 400_write_app_info and 510_import_repositories.
  if on_conflict = 'fail' or changed && array['is_secret', 'github_id']
    or (entity = 'app_info' and (present -> 'is_secret') = 'true' and changed && array['key', 'product_id']) then
    return jsonb_build_object('outcome', 'conflict', 'reason', 'changed');
  end if;
  return '{"outcome": "updated"}';
end;
$$;

revoke all on function private.compare_imported_row(uuid, text, uuid, jsonb, text)
  from public, anon, authenticated, service_role;
comment on function private.compare_imported_row(uuid, text, uuid, jsonb, text) is
  'What becomes of a row of an import: created, same, updated, skipped or conflict, and why.';

create function private.write_plain_environments(whole jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  owner_id constant uuid := whole ->> 'user_id';
  entry_id constant uuid := whole ->> 'id';
begin
  if not whole ? 'environments' then
    return;
  end if;
  delete from public.app_info_overrides as gone
  where gone.user_id = owner_id and gone.app_info_id = entry_id
    and not whole -> 'environments' @> jsonb_build_array(jsonb_build_object('environment', gone.environment));
  insert into public.app_info_overrides as present (user_id, app_info_id, environment, value)
  select owner_id, entry_id, held.value ->> 'environment', held.value ->> 'value'
  from jsonb_array_elements(whole -> 'environments') as held
  on conflict (user_id, app_info_id, environment) do update
    set value = excluded.value
    where present.value is distinct from excluded.value;
end;
$$;

revoke all on function private.write_plain_environments(jsonb) from public, anon, authenticated, service_role;
comment on function private.write_plain_environments(jsonb) is
  'Gives a plain entry what an import says of its environments, and no others.';

-- Null for the words by which it is found: the triggers make these where a row of a higher version brings none.
create function private.insert_imported_row(entity text, whole jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if entity = 'products' then
    insert into public.products (
      id, user_id, name, description, icon, color, next_note, commitment, adds_renewal_work,
      created_at, updated_at, version, terms
    )
    select
      line.id, line.user_id, line.name, line.description, line.icon, line.color, line.next_note, line.commitment,
      line.adds_renewal_work, line.created_at, line.updated_at, line.version, null
    from jsonb_populate_record(null::public.products, whole) as line;
  elsif entity = 'repositories' then
    insert into public.repositories (
      id, user_id, product_id, name, full_name, description, url, default_branch, is_private, language, github_id,
      node_id, notes, sync_state, created_at, updated_at, version, terms
    )
    select
      line.id, line.user_id, line.product_id, line.name, line.full_name, line.description, line.url,
      line.default_branch, line.is_private, line.language, line.github_id, line.node_id, line.notes,
      case when line.github_id is not null then 'active' end, line.created_at, line.updated_at, line.version,
      null
    from jsonb_populate_record(null::public.repositories, whole) as line;
  elsif entity = 'work_items' then
    insert into public.work_items (
      id, user_id, product_id, repository_id, title, description, type, status, priority, external_id, created_at,
      updated_at, version, terms
    )
    select
      line.id, line.user_id, line.product_id, line.repository_id, line.title, line.description, line.type,
      line.status, line.priority, line.external_id, line.created_at, line.updated_at, line.version, null
    from jsonb_populate_record(null::public.work_items, whole) as line;
  elsif entity = 'documents' then
    insert into public.documents (
      id, user_id, product_id, repository_id, title, content, type, is_pinned, external_id, created_at, updated_at,
      version, terms, search
    )
    select
      line.id, line.user_id, line.product_id, line.repository_id, line.title, line.content, line.type,
      line.is_pinned, line.external_id, line.created_at, line.updated_at, line.version, null, null
    from jsonb_populate_record(null::public.documents, whole) as line;
  else
    insert into public.app_info (
      id, user_id, product_id, key, value, category, is_secret, description, expires_at, rotate_every, created_at,
      updated_at, version, terms
    )
    select
      line.id, line.user_id, line.product_id, line.key, line.value, line.category, line.is_secret, line.description,
      line.expires_at, line.rotate_every, line.created_at, line.updated_at, line.version, null
    from jsonb_populate_record(null::public.app_info, whole) as line;
    perform private.write_plain_environments(whole);
  end if;
  insert into public.activity (user_id, actor, actor_id, action, entity, entity_id, product_id, changes)
  select
    (whole ->> 'user_id')::uuid,
    private.actor_kind(),
    private.actor_id(),
    'created',
    insert_imported_row.entity,
    (whole ->> 'id')::uuid,
    case when entity = 'products' then (whole ->> 'id')::uuid else (whole ->> 'product_id')::uuid end,
    jsonb_build_object(
      private.name_field(whole), jsonb_build_object('old', null, 'new', whole -> private.name_field(whole))
    );
end;
$$;

revoke all on function private.insert_imported_row(text, jsonb) from public, anon, authenticated, service_role;
comment on function private.insert_imported_row(text, jsonb) is
  'Inserts a row of an import with its id, times and version, and says so in the history.';

create function private.update_imported_row(entity text, whole jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  row_id constant uuid := whole ->> 'id';
  owner_id constant uuid := whole ->> 'user_id';
begin
  if entity = 'products' then
    update public.products as present
    set name = line.name, description = line.description, icon = line.icon, color = line.color,
      next_note = line.next_note, commitment = line.commitment, adds_renewal_work = line.adds_renewal_work
    from jsonb_populate_record(null::public.products, whole) as line
    where present.id = row_id and present.user_id = owner_id;
  elsif entity = 'repositories' and whole -> 'github_id' <> 'null' then
    update public.repositories as present
    set notes = line.notes, product_id = line.product_id
    from jsonb_populate_record(null::public.repositories, whole) as line
    where present.id = row_id and present.user_id = owner_id;
  elsif entity = 'repositories' then
    update public.repositories as present
    set product_id = line.product_id, name = line.name, full_name = line.full_name, description = line.description,
      url = line.url, default_branch = line.default_branch, is_private = line.is_private, language = line.language,
      notes = line.notes
    from jsonb_populate_record(null::public.repositories, whole) as line
    where present.id = row_id and present.user_id = owner_id;
  elsif entity = 'work_items' then
    -- There is no way between these two but over a third.
    update public.work_items as present
    set status = case when present.status = 'todo' then 'in_progress' else 'todo' end
    where present.id = row_id and present.user_id = owner_id
      and (present.status, whole ->> 'status') in (('todo', 'done'), ('done', 'in_progress'));
    update public.work_items as present
    set product_id = line.product_id, repository_id = line.repository_id, title = line.title,
      description = line.description, type = line.type, status = line.status, priority = line.priority,
      external_id = line.external_id
    from jsonb_populate_record(null::public.work_items, whole) as line
    where present.id = row_id and present.user_id = owner_id;
  elsif entity = 'documents' then
    update public.documents as present
    set product_id = line.product_id, repository_id = line.repository_id, title = line.title,
      content = line.content, type = line.type, is_pinned = line.is_pinned, external_id = line.external_id
    from jsonb_populate_record(null::public.documents, whole) as line
    where present.id = row_id and present.user_id = owner_id;
  else
    update public.app_info as present
    set product_id = line.product_id, key = line.key, value = line.value, category = line.category,
      description = line.description, expires_at = line.expires_at, rotate_every = line.rotate_every
    from jsonb_populate_record(null::public.app_info, whole) as line
    where present.id = row_id and present.user_id = owner_id;
    perform private.write_plain_environments(whole);
  end if;
end;
$$;

revoke all on function private.update_imported_row(text, jsonb) from public, anon, authenticated, service_role;
comment on function private.update_imported_row(text, jsonb) is
  'Changes a row to what an import says of it. The triggers keep its times, its version and its history.';

-- A line of an import. What its own data make impossible is said of it; what is not its fault goes on up.
create function private.import_line(owner_id uuid, line jsonb, is_preview boolean, on_conflict text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  entity constant text := line ->> 'type';
  content constant jsonb := line -> 'row';
  row_id uuid;
  wanted jsonb;
  answer jsonb;
  met text;
  first_time constant timestamptz := '1970-01-01';
begin
  row_id := private.resolve_imported_id(owner_id, entity, (content ->> 'id')::uuid);
  if row_id is null or private.usual_row(entity) is null then
    return '{"outcome": "invalid", "reason": "no_row"}';
  end if;
  wanted := private.row_to_import(owner_id, entity, content);
  answer := private.compare_imported_row(owner_id, entity, row_id, wanted, on_conflict)
    || jsonb_build_object('id', row_id);
  if is_preview or answer ->> 'outcome' not in ('created', 'updated') then
    return answer;
  end if;
  wanted := wanted || jsonb_build_object('id', row_id, 'user_id', owner_id);
  if answer ->> 'outcome' = 'updated' then
    perform private.update_imported_row(entity, wanted);
    return answer;
  end if;
  perform private.insert_imported_row(entity, wanted || jsonb_build_object(
    'version', 2,
    -- Stops times that no client reads, such as infinity and those before Christ, and rows of tomorrow.
    'created_at', greatest(least(coalesce((content ->> 'created_at')::timestamptz, now()), now()), first_time),
    'updated_at', greatest(least(coalesce((content ->> 'updated_at')::timestamptz, now()), now()), first_time)
  ));
  return answer;
exception
  when foreign_key_violation then
    return jsonb_build_object('outcome', 'invalid', 'reason', 'parent');
  when unique_violation then
    return jsonb_build_object('outcome', 'conflict', 'reason', 'taken');
  when integrity_constraint_violation then
    get stacked diagnostics met = constraint_name;
    return jsonb_build_object('outcome', 'invalid', 'reason', coalesce(nullif(met, ''), 'missing'));
  when data_exception then
    return jsonb_build_object('outcome', 'invalid', 'reason', 'type');
end;
$$;

revoke all on function private.import_line(uuid, jsonb, boolean, text) from public, anon, authenticated, service_role;
comment on function private.import_line(uuid, jsonb, boolean, text) is
  'Brings one row of an export into an account, or says what would become of it, or what is wrong with it.';

-- Definer: clients have no right to ids, times and versions. It takes the user from the session.
create function private.import_page(lines jsonb, mode text, on_conflict text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
set timezone = 'UTC'
as $$
declare
  caller_id constant uuid := private.caller_id();
  answers jsonb[] := '{}';
  answer jsonb;
  line jsonb;
  wrong jsonb;
begin
  if mode is null or mode not in ('preview', 'apply')
    or on_conflict is null or on_conflict not in ('skip', 'update', 'fail')
    or jsonb_typeof(lines) is distinct from 'array' or jsonb_array_length(lines) > 500 then
    raise sqlstate 'PT422' using
      message = 'an import is at most 500 lines, a mode and what to do about conflicts',
      hint = 'import_page';
  end if;
  for line in select each.value from jsonb_array_elements(lines) with ordinality as each (value, number) order by number
  loop
    answer := private.import_line(caller_id, line, mode = 'preview', on_conflict);
    answers := answers || answer;
    -- All of a page or nothing of it.
    if mode = 'apply' and answer ->> 'outcome' in ('invalid', 'conflict') then
      wrong := answer || jsonb_build_object('index', cardinality(answers) - 1);
      if answer ->> 'outcome' = 'conflict' then
        raise sqlstate 'PT409' using message = 'a line is in conflict', detail = wrong::text, hint = 'import_conflict';
      end if;
      raise sqlstate 'PT422' using message = 'a line is no row', detail = wrong::text, hint = 'import_line';
    end if;
  end loop;
  return to_jsonb(answers);
end;
$$;

revoke all on function private.import_page(jsonb, text, text) from public, anon, authenticated, service_role;
grant execute on function private.import_page(jsonb, text, text) to authenticated;
comment on function private.import_page(jsonb, text, text) is 'The body of public.import_page.';

create function public.import_page(lines jsonb, mode text, on_conflict text)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.import_page(import_page.lines, import_page.mode, import_page.on_conflict);
$$;

revoke all on function public.import_page(jsonb, text, text) from public, anon, authenticated, service_role;
grant execute on function public.import_page(jsonb, text, text) to authenticated;
comment on function public.import_page(jsonb, text, text) is
  'Brings at most 500 rows of an export into the caller''s account, all or none, and says what became of each. For sessions.';
