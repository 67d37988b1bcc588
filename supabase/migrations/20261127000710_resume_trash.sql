-- Purpose: the digest names what is about to go from the trash for good.
-- Tables: public.trash is read by the function.
-- Notes:
--   * A function in place of one, so that no lock is taken.

set local lock_timeout = '4s';
set local statement_timeout = '5s';

-- functions ---------------------------------------------------------------------------------------------------------

-- Definer: clients have no right to connections. It takes the user from the token, and tells an access token nothing:
-- what is wrong with the account is its owner's to know.
create or replace function private.resume_account()
returns jsonb
language sql
stable
security definer
set search_path = ''
set timezone = 'UTC'
as $$
  select jsonb_build_object(
    'connection',
    (
      select jsonb_build_object(
        'github_login', known.github_login,
        'state', known.state,
        'last_success_at', known.last_success_at,
        'last_error', known.last_error,
        'paused_until', case when known.paused_until > now() then known.paused_until end,
        'token_expires_at', known.token_expires_at
      )
      from private.github_connections as known
      where known.user_id = caller.id
    ),
    -- Of the re-sync that ended last.
    'failed_run',
    (
      select jsonb_build_object('id', run.id, 'error', run.error, 'ended_at', run.ended_at)
      from (
        select ended.id, ended.state, ended.error, ended.ended_at
        from public.github_runs as ended
        where ended.user_id = caller.id and ended.trigger <> 'import' and ended.ended_at is not null
        order by ended.created_at desc, ended.id desc
        limit 1
      ) as run
      where run.state = 'failed'
    ),
    'expiring_tokens',
    (
      select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', token.id, 'name', token.name, 'product_id', token.product_id, 'expires_at', token.expires_at
          )
          order by token.expires_at, token.id
        ),
        '[]'
      )
      from public.access_tokens as token
      where token.user_id = caller.id
        and token.revoked_at is null
        and token.expires_at > now()
        and token.expires_at <= now() + interval '336 hours'
    ),
    'ending_trash',
    (
      select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', deleted.id,
            'entity', deleted.entity,
            'title', left(deleted.title, 120),
            'expires_at', deleted.expires_at
          )
          order by deleted.expires_at, deleted.id
        ),
        '[]'
      )
      from (
        select kept.id, kept.entity, kept.title, kept.expires_at
        from public.trash as kept
        where kept.user_id = caller.id
          and kept.expires_at > now()
          and kept.expires_at <= now() + interval '72 hours'
        order by kept.expires_at, kept.id
        limit 5
      ) as deleted
    )
  )
  from (select private.caller_id() as id) as caller
  where caller.id is not null and private.token_id() is null;
$$;

comment on function private.resume_account() is
  'What a person should know of their account: the connection to GitHub, a re-sync that failed, tokens that end, what goes from the trash. Null for an access token.';
