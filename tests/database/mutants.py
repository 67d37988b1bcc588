"""Holes, planted one at a time, each with the check that has to find it.

The first nineteen are those on which outside checkers were measured (reference postgres-rls.md, section 2.4),
adapted to this schema; the others are what our own checks claim to find.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import LiteralString

from tests.database import behaviour_checks as behaviour
from tests.database import catalog_checks as catalog
from tests.database import document_checks as documents
from tests.database import trash_checks as trash
from tests.database.actors import Connection

Check = Callable[[Connection], Iterator[str]]


@dataclass(frozen=True)
class Mutant:
    """A hole and the check that finds it."""

    name: str
    statements: LiteralString
    found_by: Check


def edited(function: LiteralString, old: LiteralString, new: LiteralString) -> LiteralString:
    """SQL that replaces a piece of a function's body, and fails if the piece is not there."""
    return (
        "do $do$ declare was text := pg_get_functiondef('"
        + function
        + "'::regprocedure); becomes text := replace(was, $x$"
        + old
        + "$x$, $x$"
        + new
        + "$x$); begin assert was <> becomes, 'nothing to replace'; execute becomes; end $do$"
    )


MEASURED = (
    Mutant(
        "update with check true",
        'alter policy "Owners can change their work items" on public.work_items with check (true)',
        catalog.policies_are_about_own_rows,
    ),
    Mutant(
        "insert with check true",
        """alter policy "People can create products of their own" on public.products with check (true);
        grant insert (user_id) on public.products to authenticated""",
        behaviour.strangers_create_nothing,
    ),
    Mutant(
        "delete using true",
        'alter policy "Owners can delete their documents" on public.documents using (true)',
        behaviour.strangers_delete_nothing,
    ),
    Mutant(
        "select using true",
        'alter policy "Owners can read their app info" on public.app_info using (true)',
        behaviour.strangers_read_nothing,
    ),
    Mutant(
        "row level security off",
        "alter table public.repositories disable row level security",
        catalog.tables_have_row_level_security,
    ),
    Mutant(
        "policy without a role",
        'alter policy "Owners can read their products" on public.products to public',
        catalog.policies_are_about_own_rows,
    ),
    Mutant(
        "user_metadata in a policy",
        """alter policy "Owners can read their products" on public.products
        using (user_id = (select auth.uid())
        or (select auth.jwt() -> 'user_metadata' ->> 'role') = 'admin')""",
        catalog.policies_are_about_own_rows,
    ),
    Mutant(
        "nobody is everybody",
        """alter policy "Owners can read their activity" on public.activity
        using ((select auth.uid()) is null or user_id = (select auth.uid()))""",
        behaviour.strangers_read_nothing,
    ),
    Mutant(
        "definer function for clients",
        """create function public.everything() returns bigint
        language sql security definer set search_path = '' as 'select count(*) from public.products';
        grant execute on function public.everything() to authenticated""",
        catalog.functions_are_closed,
    ),
    Mutant(
        "view without security_invoker",
        "create view public.all_products as select * from public.products",
        catalog.relations_are_tables,
    ),
    Mutant(
        "materialised view",
        "create materialized view public.all_products as select * from public.products",
        catalog.relations_are_tables,
    ),
    Mutant(
        "unique key across users",
        """alter table public.app_info drop constraint app_info_product_key_unique,
        add constraint app_info_product_key_unique unique (product_id, key)""",
        catalog.unique_keys_belong_to_an_owner,
    ),
    Mutant(
        "bare auth.uid()",
        'alter policy "Owners can read their work items" on public.work_items using (user_id = auth.uid())',
        catalog.policies_are_about_own_rows,
    ),
    Mutant(
        "no index for the policy",
        """drop index public.work_items_product_newest_idx, public.work_items_user_newest_idx,
        public.work_items_user_status_idx, public.work_items_user_title_idx""",
        catalog.foreign_keys_and_owners_are_indexed,
    ),
    Mutant(
        "single-column foreign key",
        """alter table public.documents drop constraint documents_product_fkey,
        add constraint documents_product_fkey foreign key (product_id) references public.products (id)""",
        catalog.foreign_keys_carry_the_owner,
    ),
    Mutant(
        "truncate, trigger and references granted",
        "grant truncate, trigger, references on public.work_items to authenticated",
        catalog.tables_are_granted_as_listed,
    ),
    Mutant(
        "everything granted to anon",
        "grant all on public.products to anon",
        catalog.tables_are_granted_as_listed,
    ),
    Mutant(
        "keys readable",
        "grant select (key_sha256) on private.import_keys to authenticated",
        catalog.tables_are_granted_as_listed,
    ),
    Mutant(
        "status trigger dropped",
        "drop trigger check_status_on_update on public.work_items",
        behaviour.work_items_follow_their_path,
    ),
)

OUR_OWN = (
    Mutant(
        "row level security off, felt",
        "alter table public.repositories disable row level security",
        behaviour.strangers_change_nothing,
    ),
    Mutant(
        "ids for clients to choose",
        """grant insert (id) on public.products to authenticated;
        grant update (id) on public.products to authenticated""",
        behaviour.strangers_upsert_nothing,
    ),
    Mutant(
        "single-column foreign key, felt",
        """alter table public.documents drop constraint documents_product_fkey,
        add constraint documents_product_fkey foreign key (product_id) references public.products (id)""",
        behaviour.children_stay_with_their_owner,
    ),
    Mutant(
        "repository of any product",
        """alter table public.repositories add constraint loose unique (id, user_id);
        alter table public.work_items drop constraint work_items_repository_fkey,
        add constraint work_items_repository_fkey foreign key (repository_id)
        references public.repositories (id)""",
        behaviour.children_stay_with_their_owner,
    ),
    Mutant(
        "unique key across users, felt",
        """alter table public.app_info drop constraint app_info_product_key_unique,
        add constraint app_info_product_key_unique unique (product_id, key)""",
        behaviour.children_stay_with_their_owner,
    ),
    Mutant(
        "restrict",
        """alter table public.documents drop constraint documents_product_fkey,
        add constraint documents_product_fkey foreign key (user_id, product_id)
        references public.products (user_id, id) on delete restrict""",
        catalog.foreign_keys_carry_the_owner,
    ),
    Mutant(
        "owner can be changed",
        "drop trigger keep_owner on public.documents",
        behaviour.rows_keep_what_the_database_owns,
    ),
    Mutant(
        "version for clients to set",
        "grant update (version) on public.users to authenticated",
        behaviour.rows_keep_what_the_database_owns,
    ),
    Mutant(
        "no versions",
        "drop trigger touch on public.app_info",
        behaviour.versions_count_real_changes,
    ),
    Mutant(
        "words taken out behind the version",
        """drop trigger keep_search on public.documents;
        create trigger zzz_keep_search before insert or update on public.documents
        for each row execute function private.keep_search()""",
        catalog.triggers_are_all_there,
    ),
    Mutant(
        "times that are not aligned",
        "drop trigger align_times on public.activity",
        catalog.triggers_are_all_there,
    ),
    Mutant(
        "trigger switched off",
        "alter table public.products disable trigger touch",
        catalog.triggers_are_all_there,
    ),
    Mutant(
        "start anywhere",
        "drop trigger check_status_on_insert on public.work_items",
        behaviour.work_items_follow_their_path,
    ),
    Mutant(
        "GitHub's columns for clients",
        "drop trigger guard_github_columns on public.repositories",
        behaviour.github_columns_are_githubs,
    ),
    Mutant(
        "GitHub's counts for clients",
        "grant update (stars_count) on public.repositories to authenticated",
        behaviour.github_columns_are_githubs,
    ),
    Mutant(
        "no history",
        "drop trigger record_activity on public.repositories",
        behaviour.history_tells_who_and_what,
    ),
    Mutant(
        "history with secrets",
        edited("private.record_activity()", "hidden := array['value']", "hidden := array['other']"),
        behaviour.history_keeps_secrets,
    ),
    Mutant(
        "history keeps what became secret",
        edited("private.forget_plain_copies()", "array['old', 'new']", "array['other']"),
        behaviour.history_keeps_secrets,
    ),
    Mutant(
        "history with content",
        edited("private.record_activity()", "hidden := array['content']", "hidden := array['other']"),
        behaviour.history_tells_who_and_what,
    ),
    Mutant(
        "secrets in the clear",
        "alter table public.app_info drop constraint app_info_value_secret",
        behaviour.secrets_are_not_stored_plain,
    ),
    Mutant(
        "secrets for clients to mark",
        "grant update (is_secret) on public.app_info to authenticated",
        behaviour.secrets_are_not_stored_plain,
    ),
    Mutant(
        "secrets without the key",
        edited(
            "private.identify_app_info_caller(text,boolean)", "if not exists (", "if false and not exists ("
        ),
        behaviour.secret_values_are_forums_to_handle,
    ),
    Mutant(
        "changes of anybody's secrets",
        edited(
            "private.write_app_info(jsonb,text)",
            "known.user_id = caller_id and known.id = (item",
            "known.id = (item",
        ),
        behaviour.secret_values_are_forums_to_handle,
    ),
    Mutant(
        "lists of anybody's former values",
        edited(
            "private.list_app_info_versions(uuid)",
            "entry.user_id = (select private.caller_id()) and entry.id",
            "entry.id",
        ),
        behaviour.secret_values_are_forums_to_handle,
    ),
    # The others have two nets: the entry or its product is the caller's, and so is each row that is read.
    *(
        Mutant(
            f"{name} of anybody's secrets",
            edited(net, "known.user_id = caller_id and", "")
            + ";"
            + edited(function, "user_id = caller_id", "user_id is not null"),
            behaviour.secret_values_are_forums_to_handle,
        )
        for name, net, function in (
            (
                "reveals",
                "private.lock_own_app_info(uuid,uuid)",
                "private.reveal_app_info(uuid,integer,text,text)",
            ),
            (
                "restorations",
                "private.lock_own_app_info(uuid,uuid)",
                "private.restore_app_info(uuid,integer,integer[])",
            ),
            (
                "exports",
                "private.check_own_product(uuid,uuid)",
                "private.read_app_info_export(uuid,text[],boolean,text,text)",
            ),
            (
                "records of exports",
                "private.check_own_product(uuid,uuid)",
                "private.record_app_info_export(uuid,jsonb,text,text,text)",
            ),
            (
                "imports",
                "private.check_own_product(uuid,uuid)",
                "private.import_app_info(uuid,jsonb,text[],text)",
            ),
            (
                "comparisons",
                "private.check_own_product(uuid,uuid)",
                "private.compare_app_info(uuid,text[],text)",
            ),
        )
    ),
    Mutant(
        "sealed values of anybody",
        edited(
            "private.read_app_info_places(uuid[],boolean,text)",
            "where entry.user_id = caller_id and",
            "where",
        ),
        behaviour.secret_values_are_forums_to_handle,
    ),
    Mutant(
        "secrets that a rename makes unreadable",
        "drop trigger guard_sealed_values on public.app_info",
        behaviour.sealed_values_keep_their_place,
    ),
    Mutant(
        "secrets that a move makes unreadable",
        """drop trigger guard_sealed_values on public.app_info;
        create trigger guard_sealed_values before update on public.app_info for each row
        when (old.key is distinct from new.key) execute function private.guard_sealed_values()""",
        behaviour.sealed_values_keep_their_place,
    ),
    Mutant(
        "former values made current by their number",
        edited(
            "private.keep_value_state()",
            "new.secret_number < private.next_value_number(old)",
            "false",
        ),
        behaviour.sealed_values_keep_their_place,
    ),
    Mutant(
        "values stored where they do not open",
        edited(
            "private.change_app_info_entry(jsonb,public.app_info)",
            "perform private.check_sealed_place(item, place)",
            "perform 1",
        ),
        behaviour.sealed_values_keep_their_place,
    ),
    Mutant(
        "reveals off the record",
        edited(
            "private.reveal_app_info(uuid,integer,text,text)",
            "perform private.record_reveal(entry, given.number, given.environment)",
            "perform 1",
        ),
        behaviour.secrets_are_shown_on_the_record,
    ),
    Mutant(
        "exports off the record",
        edited(
            "private.record_app_info_export(uuid,jsonb,text,text,text)",
            """private.record_reveal(
    entry,
    case when override.id is null then entry.secret_number else override.secret_number end,
    override.environment
  )""",
            "1",
        ),
        behaviour.secrets_are_shown_on_the_record,
    ),
    Mutant(
        "secrets to be compared",
        edited(
            "private.compare_app_info(uuid,text[],text)",
            "'value', entry.value",
            """'value', entry.value, 'sealed', (
              select held.sealed from private.app_info_values as held
              where held.app_info_id = entry.id limit 1
            )""",
        ),
        behaviour.secrets_are_shown_on_the_record,
    ),
    Mutant(
        "exports recorded though they have changed",
        edited(
            "private.record_app_info_export(uuid,jsonb,text,text,text)",
            "shown.version = entry.version",
            "true",
        ),
        behaviour.secrets_are_shown_on_the_record,
    ),
    Mutant(
        "former values kept in the clear",
        "drop trigger keep_former_value on public.app_info",
        behaviour.secrets_leave_no_plain_copy,
    ),
    Mutant(
        "former values left in the clear",
        edited("private.keep_former_value()", "former.value is not null", "false"),
        behaviour.secrets_leave_no_plain_copy,
    ),
    Mutant(
        "secrets for who has signed out",
        edited(
            "private.identify_app_info_caller(text,boolean)",
            "perform private.check_session(shows_secrets)",
            "perform 1",
        ),
        behaviour.secrets_are_shown_to_living_sessions,
    ),
    Mutant(
        "secrets for any session of the account",
        edited("private.check_session(boolean)", "if not found or", "if"),
        behaviour.secrets_are_shown_to_living_sessions,
    ),
    Mutant(
        "secrets without the second factor",
        edited("private.check_session(boolean)", "= 'verified'", "= 'other'"),
        behaviour.secrets_are_shown_to_living_sessions,
    ),
    Mutant(
        "secrets without end",
        edited("private.identify_app_info_caller(text,boolean)", "if shows_secrets then", "if false then"),
        behaviour.secrets_are_shown_within_a_limit,
    ),
    Mutant(
        "a limit that everybody uses up",
        edited("private.check_reveals()", "line.user_id = private.caller_id()", "true"),
        behaviour.secrets_are_shown_within_a_limit,
    ),
    Mutant(
        "a limit of a lifetime",
        edited("private.check_reveals()", "now() - interval '1 hour'", "now() - interval '1 year'"),
        behaviour.secrets_are_shown_within_a_limit,
    ),
    Mutant(
        "a limit of anything that happened",
        edited("private.check_reveals()", "line.action = 'revealed'", "true"),
        behaviour.secrets_are_shown_within_a_limit,
    ),
    Mutant(
        "requests of OAuth clients",
        edited("private.is_oauth_client(jsonb)", "? 'client_id'", "? 'other'"),
        behaviour.only_people_themselves_come_in,
    ),
    Mutant(
        "requests of OAuth clients with a second factor",
        edited("private.is_oauth_client(jsonb)", "@.method", "@.other"),
        behaviour.only_people_themselves_come_in,
    ),
    Mutant(
        "requests of OAuth clients with a second factor, taken for usual ones",
        edited("private.is_session()", "%oauth_provider%", "%other%"),
        behaviour.only_people_themselves_come_in,
    ),
    Mutant(
        "secrets for the session of an OAuth client",
        edited("private.check_session(boolean)", "'oauth_client_id'", "'other'"),
        behaviour.secrets_are_shown_to_living_sessions,
    ),
    Mutant(
        "requests of anonymous users",
        edited("private.is_session()", "not in ('false', 'null')", "= '0'"),
        behaviour.only_people_themselves_come_in,
    ),
    Mutant(
        "rows for OAuth clients",
        'drop policy "Only people themselves reach documents" on public.documents',
        behaviour.only_people_themselves_come_in,
    ),
    Mutant(
        "no pre-request for anonymous users",
        edited("private.check_request()", "if not private.is_session()", "if false"),
        behaviour.only_people_themselves_come_in,
    ),
    Mutant(
        "estimates of app info",
        'drop policy "Nobody can see estimates of app info" on public.app_info',
        behaviour.estimates_are_shown_to_nobody,
    ),
    Mutant(
        "estimates for clients",
        edited("private.plans_for_execution()", "'^\\s*explain'", "'^\\s*other'"),
        behaviour.estimates_are_shown_to_nobody,
    ),
    Mutant(
        "estimates for those who write only",
        """drop policy "Nobody can see estimates of products" on public.products;
        create policy "Nobody can see estimates of products" on public.products as restrictive
        for update to authenticated using (private.plans_for_execution())""",
        catalog.policies_are_about_own_rows,
    ),
    Mutant(
        "statistics of values",
        "alter table public.app_info alter column value set statistics -1",
        catalog.no_statistics_are_kept_of_what_people_write,
    ),
    Mutant(
        "statistics of a new column",
        "alter table public.products add column motto text",
        catalog.no_statistics_are_kept_of_what_people_write,
    ),
    Mutant(
        "statistics of an expression",
        "create index on public.app_info (user_id, lower(value))",
        catalog.no_statistics_are_kept_of_what_people_write,
    ),
    Mutant(
        "statistics of several columns",
        "create statistics public.of_values on key, value from public.app_info",
        catalog.no_statistics_are_kept_of_what_people_write,
    ),
    Mutant(
        "history to be tidied",
        # The policy first: a grant locks no table, and an autovacuum between the two ends in a deadlock.
        """create policy "Owners can tidy up" on public.activity for delete to authenticated
        using (user_id = (select auth.uid()));
        grant delete on public.activity to authenticated""",
        behaviour.history_cannot_be_edited,
    ),
    Mutant(
        "history that stays",
        "alter table public.activity drop constraint activity_user_fkey",
        behaviour.accounts_go_without_a_trace,
    ),
    Mutant(
        "the service reads everything",
        "grant select on public.products to service_role",
        behaviour.strangers_read_nothing,
    ),
    Mutant(
        "internal function for clients",
        "grant execute on function private.set_import_key(text) to authenticated",
        catalog.functions_are_granted_as_listed,
    ),
    Mutant(
        "search_path of the caller",
        "alter function private.touch() reset search_path",
        catalog.functions_are_closed,
    ),
    Mutant(
        "40001",
        "create function public.again() returns void language plpgsql set search_path = ''"
        " as $$ begin raise sqlstate '40001'; end $$",
        catalog.functions_are_closed,
    ),
    Mutant(
        "no index for a foreign key",
        "drop index public.work_items_repository_idx",
        catalog.foreign_keys_and_owners_are_indexed,
    ),
    Mutant(
        "private for everybody",
        "grant usage on schema private to public",
        catalog.schema_private_is_private,
    ),
    Mutant(
        "defaults as before 2026",
        "alter default privileges in schema public grant all on tables to anon",
        catalog.schema_private_is_private,
    ),
    Mutant(
        "nothing said",
        "comment on column public.products.name is null",
        catalog.everything_is_described,
    ),
    Mutant(
        "definer open to tokens that asks for no grant",
        "grant execute on function private.get_github_connection() to forum_agent",
        catalog.tokens_are_held_to_their_scope,
    ),
    Mutant(
        "revision of what a document becomes",
        edited(
            "private.keep_revision()",
            "    old.content,\n    octet_length",
            "    new.content,\n    octet_length",
        ),
        documents.documents_lose_nothing,
    ),
    Mutant(
        "sessions of edits by time alone",
        edited(
            "private.keep_revision()",
            "newest.actor = private.actor_kind()\n"
            "    and newest.actor_id is not distinct from private.actor_id()",
            "newest.actor is not null",
        ),
        documents.documents_lose_nothing,
    ),
    Mutant(
        "revisions pruned before the newest is kept",
        edited("private.prune_document_revisions(uuid,uuid)", "counted.place > 50", "counted.place > 51"),
        documents.documents_lose_nothing,
    ),
    Mutant(
        "links of a deleted repository forgotten",
        edited(
            "private.keep_repository_links()", """links <> '{"work_items": [], "documents": []}'""", "false"
        ),
        trash.deletions_lose_nothing,
    ),
    Mutant(
        "values of a deleted secret forgotten",
        "drop trigger keep_deleted_values on private.app_info_values",
        trash.deletions_lose_nothing,
    ),
    Mutant(
        "first of several passages",
        edited("private.find_passage(text,text)", "cardinality(places) > 1", "cardinality(places) > 10"),
        documents.passages_are_replaced_where_they_are_one,
    ),
    Mutant(
        "passages that overlap",
        edited(
            "private.find_passage(text,text)",
            "place := place + step;",
            "place := place + step + char_length(passage) - 1;",
        ),
        documents.passages_are_replaced_where_they_are_one,
    ),
    Mutant(
        "published",
        "create publication supabase_realtime for table public.products",
        catalog.realtime_publishes_nothing,
    ),
)

MUTANTS = MEASURED + OUR_OWN

NEW_TABLE: LiteralString = """
create table public.plans (id uuid primary key, user_id uuid references public.users (id), product_id uuid
references public.products (id), slug text unique);
grant all on public.plans to anon
"""
"""A table as somebody in a hurry makes it."""

CHECKS_OF_A_NEW_TABLE = (
    catalog.foreign_keys_carry_the_owner,
    catalog.tables_are_granted_as_listed,
    catalog.triggers_are_all_there,
    catalog.unique_keys_belong_to_an_owner,
    catalog.tables_have_row_level_security,
    catalog.foreign_keys_and_owners_are_indexed,
    catalog.no_statistics_are_kept_of_what_people_write,
    catalog.everything_is_described,
)
