"""Holes that only checks made from the catalogue find, planted one at a time as in `mutants`."""

from typing import LiteralString

from tests.database.constraint_checks import checks_refuse_what_is_just_outside
from tests.database.definer_checks import (
    definers_refuse_what_is_anothers,
    definers_take_no_caller_from_a_token_that_is_no_persons,
)
from tests.database.forgery_checks import what_clients_send_decides_nothing
from tests.database.mutants import Mutant, edited
from tests.database.option_checks import functions_run_as_listed, lists_have_their_index, tables_are_plain

# A function, the owner's check in it, and what is left without it.
OWNERS_CHECKS: tuple[tuple[LiteralString, LiteralString, LiteralString], ...] = (
    ("private.get_idempotent_answer(text)", "claim.user_id = (select private.caller_id())", "true"),
    ("private.list_app_info_versions(uuid)", "entry.user_id = (select private.caller_id())", "true"),
    ("private.check_own_product(uuid,uuid)", "known.user_id = caller_id", "true"),
    ("private.lock_own_app_info(uuid,uuid)", "known.user_id = caller_id", "true"),
    (
        "private.write_app_info(jsonb,text)",
        "known.user_id = caller_id and known.id = (item",
        "known.id = (item",
    ),
    ("private.import_repositories(uuid,jsonb,text)", "target.user_id = caller_id", "true"),
    ("private.request_github_import(uuid,bigint[])", "target.user_id = caller_id", "true"),
    ("private.record_github_import(text,jsonb)", "target.user_id = caller_id", "true"),
    ("private.get_sealed_github_token(text)", "known.user_id = (select private.caller_id())", "true"),
    ("private.claim_own_token_refresh(uuid,text)", "known.user_id = (select private.caller_id())", "true"),
    ("private.report_github_refusal(uuid,text)", "known.user_id = (select private.caller_id())", "true"),
    (
        "private.report_github_limit(bigint,timestamp with time zone,text)",
        "known.user_id = (select private.caller_id())",
        "true",
    ),
    ("private.delete_github_connection()", "known.user_id = caller_id", "true"),
    # Of the newest rows, which is all that these have.
    *(
        (function, "known.user_id = owner_id and (scope", "(scope")
        for function in (
            "private.find_work_items(tsquery,tsquery,uuid,integer)",
            "private.find_documents(tsquery,tsquery,uuid,integer)",
        )
    ),
    ("private.lock_github_run(uuid,uuid,uuid)", "and known.connection_id = asked_connection_id", ""),
    (
        "private.lock_github_run(uuid,uuid,uuid)",
        "and known.user_id = owner_id\n    and known.connection_id",
        "and known.connection_id",
    ),
)

# A function, where it takes who somebody is from, and a forged source.
IDENTITIES: tuple[tuple[LiteralString, LiteralString, LiteralString], ...] = (
    ("private.ensure_user()", "account.email,", "auth.jwt() ->> 'email',"),
    (
        "private.follow_account()",
        "    new.email,",
        "    coalesce(new.raw_user_meta_data ->> 'email', new.email),",
    ),
    (
        "private.actor_id()",
        "auth.uid()",
        "coalesce((auth.jwt() -> 'user_metadata' ->> 'sub')::uuid, auth.uid())",
    ),
    (
        "private.actor_id()",
        "auth.uid()",
        """coalesce(
        (nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-user-id')::uuid, auth.uid()
        )""",
    ),
)

# Of each way to take the caller, a function that would take the token's subject whoever it was made for.
CALLERS: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("private.caller_id()", "private.is_session()"),
    ("private.get_idempotent_answer(text)", "private.caller_id()"),
    ("private.get_github_connection()", "private.caller_id()"),
    ("private.delete_github_connection()", "private.caller_id()"),
    ("private.request_github_sync()", "private.caller_id()"),
    ("private.restore_app_info(uuid,integer,integer[])", "private.caller_id()"),
)

# A table, a CHECK of it, and a form that is weaker in one case.
WEAKER_CHECKS: tuple[tuple[LiteralString, LiteralString, LiteralString], ...] = (
    ("public.work_items", "work_items_priority_values", "priority between -1 and 4"),
    ("public.products", "products_color_format", "color ~ '^#[0-9A-Fa-f]{6}'"),
    ("public.repositories", "repositories_url_format", "url ~* 'https?://[^[:space:][:cntrl:]]+$'"),
    (
        "public.activity",
        "activity_actor_person",
        "(actor in ('person', 'token')) = (actor_id is not null) or actor = 'sync'",
    ),
    (
        "public.github_runs",
        "github_runs_ended_at_state",
        "(ended_at is null) = (state in ('queued', 'running')) or state = 'failed'",
    ),
    ("private.app_info_values", "app_info_values_plain_or_sealed", "num_nonnulls(value, sealed) <= 1"),
    (
        "private.github_connections",
        "github_connections_lease_whole",
        "num_nulls(lease_until, lease_run_id, lease_length) in (0, 1, 3)",
    ),
)

GENERATED_MUTANTS = (
    *(
        Mutant(
            f"no owner in {function}, {number}", edited(function, old, new), definers_refuse_what_is_anothers
        )
        for number, (function, old, new) in enumerate(OWNERS_CHECKS)
    ),
    *(
        Mutant(
            f"forged identity in {function}, {number}",
            edited(function, old, new),
            what_clients_send_decides_nothing,
        )
        for number, (function, old, new) in enumerate(IDENTITIES)
    ),
    *(
        Mutant(
            f"caller of any token in {function}",
            edited(function, source, "true" if "is_session" in source else "auth.uid()"),
            definers_take_no_caller_from_a_token_that_is_no_persons,
        )
        for function, source in CALLERS
    ),
    *(
        Mutant(
            f"weaker {name}",
            "alter table "
            + table
            + " drop constraint "
            + name
            + ", add constraint "
            + name
            + " check ("
            + weaker
            + ")",
            checks_refuse_what_is_just_outside,
        )
        for table, name, weaker in WEAKER_CHECKS
    ),
    Mutant(
        "check that is not validated",
        "alter table public.products add constraint new check (name <> 'x') not valid",
        checks_refuse_what_is_just_outside,
    ),
    Mutant(
        "definer without a proof",
        """create function private.count_products(person uuid) returns bigint language sql stable
        security definer set search_path = ''
        as 'select count(*) from public.products where user_id = person';
        grant execute on function private.count_products(uuid) to authenticated""",
        definers_refuse_what_is_anothers,
    ),
    Mutant("index of a list dropped", "drop index public.documents_user_title_idx", lists_have_their_index),
    Mutant(
        "index in another order",
        """drop index public.activity_entity_newest_idx;
        create index activity_entity_newest_idx on public.activity
        (user_id, entity_id, created_at, id desc)""",
        lists_have_their_index,
    ),
    Mutant(
        "index without a column",
        """drop index public.work_items_user_status_idx;
        create index work_items_user_status_idx on public.work_items (user_id, created_at desc, id desc)""",
        lists_have_their_index,
    ),
    Mutant(
        "old rows in the replication stream",
        "alter table public.app_info replica identity full",
        tables_are_plain,
    ),
    Mutant("table outside the log", "alter table private.import_keys set unlogged", tables_are_plain),
    Mutant(
        "history in the zone of the session",
        "alter function private.record_activity() reset timezone",
        functions_run_as_listed,
    ),
    Mutant(
        "reveal by GET",
        "alter function public.reveal_app_info(uuid, integer, text, text) stable",
        functions_run_as_listed,
    ),
    Mutant(
        "time-out of one's own",
        "alter function public.read_app_info_export(uuid, text[], boolean, text, text)"
        " set statement_timeout = 0",
        functions_run_as_listed,
    ),
)
