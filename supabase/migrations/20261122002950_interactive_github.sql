-- Purpose: what an interactive call to GitHub needs of the database: the stored token, and a look at what an import would do.
-- Tables: read by the functions: private.github_connections, public.repositories.
-- Notes:
--   * The sealed token goes to its owner's call only, and only through Forum's function, which proves itself by the import
--     key. What leaves is still sealed for this user and this row: it opens in the function, never in a browser.
--   * Comparing writes nothing and needs no right beyond the caller's own, so that it is an invoker without a key. It
--     compares what private.import_repositories compares.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to the table. It takes the user from the token, never from an argument.
create function private.get_sealed_github_token(import_key text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
set timezone = 'UTC'
as $$
begin
  -- First of all, so that nothing else can be learned here without the key.
  if not exists (
    select from private.import_keys as known
    where known.key_sha256 = sha256(convert_to(import_key, 'UTF8'))
  ) then
    raise sqlstate 'PT403' using
      message = 'the sealed token is read by the import function only',
      hint = 'import_key';
  end if;
  return (
    select jsonb_build_object(
      'id', known.id,
      'sealed_token', known.sealed_token,
      'token_expires_at', known.token_expires_at,
      'state', known.state
    )
    from private.github_connections as known
    where known.user_id = auth.uid()
  );
end;
$$;

revoke all on function private.get_sealed_github_token(text) from public, anon, authenticated, service_role;
grant execute on function private.get_sealed_github_token(text) to authenticated;

comment on function private.get_sealed_github_token(text) is 'The body of public.get_sealed_github_token.';

create function public.get_sealed_github_token(import_key text)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_sealed_github_token(import_key);
$$;

revoke all on function public.get_sealed_github_token(text) from public, anon, authenticated, service_role;
grant execute on function public.get_sealed_github_token(text) to authenticated;

comment on function public.get_sealed_github_token(text) is
  'The caller''s GitHub token, sealed, or null. For the import function, which knows the key.';

create function public.compare_repositories(target_product_id uuid, items jsonb)
returns table (github_id bigint, id uuid, outcome text)
language sql
stable
security invoker
set search_path = ''
as $$
  select
    given.github_id,
    known.id,
    case
      when known.id is null then 'imported'
      when (
        known.node_id, known.name, known.full_name, known.description, known.url, known.default_branch,
        known.is_private, known.language, known.stars_count, known.forks_count, known.is_archived, known.pushed_at,
        known.sync_state
      ) is distinct from (
        given.node_id, given.name, given.full_name, left(given.description, 10000), given.url,
        coalesce(given.default_branch, known.default_branch), given.is_private, left(given.language, 100),
        given.stars_count, given.forks_count, given.is_archived, given.pushed_at,
        case when given.is_archived then 'archived' else 'active' end
      ) then 'updated'
      else 'unchanged'
    end
  from jsonb_to_recordset(items) as given (
    github_id bigint, node_id text, name text, full_name text, description text, url text, default_branch text,
    is_private boolean, language text, stars_count integer, forks_count integer, is_archived boolean,
    pushed_at timestamptz
  )
  left join public.repositories as known
    on known.user_id = auth.uid()
    and known.product_id = target_product_id
    and known.github_id = given.github_id;
$$;

revoke all on function public.compare_repositories(uuid, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.compare_repositories(uuid, jsonb) to authenticated;

comment on function public.compare_repositories(uuid, jsonb) is
  'What an import of these repositories into one of the caller''s products would do to each of them. Writes nothing.';
