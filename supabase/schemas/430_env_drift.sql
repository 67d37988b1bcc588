-- Purpose: what a product's keys are compared with: the example files of its repositories on GitHub.
-- Tables: written by the function: public.repositories, its env_example_keys and env_example_oid.
-- Notes:
--   * Names only: what stands behind the = of an example never gets here.
--   * What was read is kept as what GitHub says, so that a client cannot write it: the key proves that it was read there.
--   * Without a right for access tokens: GitHub is asked with its owner's token.

-- functions ---------------------------------------------------------------------------------------------------------

create function public.env_drift(target_product_id uuid)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'repositories',
    (
      select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', listed.id,
            'full_name', listed.full_name,
            'node_id', listed.node_id,
            'env_example_oid', listed.env_example_oid
          )
          order by listed.created_at, listed.id
        ),
        '[]'
      )
      from (
        select known.id, known.full_name, known.node_id, known.env_example_oid, known.created_at
        from public.repositories as known
        where known.user_id = product.user_id and known.product_id = product.id
          and known.node_id is not null
        order by known.created_at, known.id
        -- As many as one request to GitHub asks for.
        limit 100
      ) as listed
    ),
    'repositories_count',
    (
      select count(*)
      from public.repositories as known
      where known.user_id = product.user_id and known.product_id = product.id
        and known.node_id is not null
    ),
    'keys',
    (
      select coalesce(
        jsonb_agg(jsonb_build_object('key', entry.key, 'category', entry.category) order by entry.key, entry.id),
        '[]'
      )
      from public.app_info as entry
      where entry.user_id = product.user_id and entry.product_id = product.id
    )
  )
  from public.products as product
  where product.id = target_product_id;
$$;

revoke all on function public.env_drift(uuid) from public, anon, authenticated, service_role;
grant execute on function public.env_drift(uuid) to authenticated;
comment on function public.env_drift(uuid) is
  'The keys of a product, without a value, and which of its repositories to ask GitHub about. Null where there is none.';

-- Definer: clients have no right to what GitHub owns. It takes the user from the token.
create function private.save_env_examples(items jsonb, import_key text)
returns integer
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  caller_id constant uuid := private.caller_id();
  saved integer;
begin
  perform private.check_import_key(import_key);
  -- Stops one call from running into the statement time-out.
  if jsonb_typeof(items) is distinct from 'array' or jsonb_array_length(items) not between 1 and 100 then
    raise sqlstate 'PT422' using
      message = 'items must be an array of 1 to 100 objects',
      hint = 'bulk_items';
  end if;
  -- In one order, so that two of these wait for each other and do not deadlock.
  perform from public.repositories as known
  where known.user_id = caller_id
    and known.id in (select read.id from jsonb_to_recordset(items) as read (id uuid))
  order by known.id
  for no key update;
  update public.repositories as known
  set env_example_keys = read.keys, env_example_oid = read.oid
  from jsonb_to_recordset(items) as read (id uuid, oid text, keys text[])
  where known.user_id = caller_id
    and known.id = read.id
    and known.github_id is not null
    and (known.env_example_keys, known.env_example_oid) is distinct from (read.keys, read.oid);
  get diagnostics saved = row_count;
  return saved;
end;
$$;

revoke all on function private.save_env_examples(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.save_env_examples(jsonb, text) to authenticated;
comment on function private.save_env_examples(jsonb, text) is 'The body of public.save_env_examples.';

create function public.save_env_examples(items jsonb, import_key text)
returns integer
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.save_env_examples(items, import_key);
$$;

revoke all on function public.save_env_examples(jsonb, text) from public, anon, authenticated, service_role;
grant execute on function public.save_env_examples(jsonb, text) to authenticated;
comment on function public.save_env_examples(jsonb, text) is
  'Keeps which names the example files of the caller''s repositories have, as read from GitHub, and says of how many that was news.';
