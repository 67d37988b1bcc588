"""Holes in what holds of access tokens, planted one at a time as in `mutants`."""

from typing import LiteralString

from tests.database import token_checks as checks
from tests.database.mutants import Mutant, edited
from tests.database.token_definer_checks import (
    definers_ask_for_the_grant,
    definers_hold_tokens_to_their_product,
)

FIND: LiteralString = "private.find_access_token(text)"
SIGN_IN: LiteralString = "private.sign_in_by_token(text)"
CREATE: LiteralString = "private.create_access_token(text,uuid,text[],integer,text,text)"
REVOKE: LiteralString = "private.revoke_access_token(uuid)"

# A definer's question for a grant, each in turn left out.
QUESTIONS: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("private.reveal_app_info(uuid,integer,text,text)", "perform private.require_token_scope('reveal')"),
    ("private.restore_app_info(uuid,integer,integer[])", "perform private.require_token_scope('keys')"),
    ("private.compare_app_info(uuid,text[],text)", "perform private.require_token_scope('keys')"),
    ("private.read_app_info_places(uuid[],boolean,text)", "perform private.require_token_scope('keys')"),
    (
        "private.record_app_info_export(uuid,jsonb,text,text,text)",
        "perform private.require_token_scope('reveal')",
    ),
    ("private.write_app_info(jsonb,text)", "perform private.require_token_scope('keys')"),
    (
        "private.read_app_info_export(uuid,text[],boolean,text,text)",
        "perform private.require_token_scope(case when include_secrets then 'reveal' else 'read' end)",
    ),
)

# Where a definer, or what it calls, keeps a token to its product.
SCOPES: tuple[tuple[LiteralString, LiteralString, LiteralString], ...] = (
    ("private.lock_own_app_info(uuid,uuid)", "private.is_in_token_scope(known.product_id)", "true"),
    ("private.check_own_product(uuid,uuid)", "private.is_in_token_scope(known.id)", "true"),
    (
        "private.read_app_info_places(uuid[],boolean,text)",
        "private.is_in_token_scope(entry.product_id)\n  );",
        "true);",
    ),
    ("private.list_app_info_versions(uuid)", "private.is_in_token_scope(entry.product_id)", "true"),
    ("private.find_work_items(tsquery,tsquery,uuid,integer)", "private.is_in_token_scope(scope)", "true"),
    ("private.find_documents(tsquery,tsquery,uuid,integer)", "private.is_in_token_scope(scope)", "true"),
    ("private.write_app_info(jsonb,text)", "private.is_in_token_scope(known.product_id)", "true"),
)

TOKEN_MUTANTS = (
    Mutant(
        "role that is not switched",
        edited(SIGN_IN, "perform set_config('role', 'forum_agent', true)", "perform 1"),
        checks.requests_with_a_token_are_the_tokens,
    ),
    Mutant(
        "claims without the token",
        edited(SIGN_IN, "'token_id', found_token.id,", ""),
        checks.requests_with_a_token_are_the_tokens,
    ),
    Mutant(
        "time-outs of nobody",
        edited(SIGN_IN, "perform set_config('lock_timeout', '1s', true)", "perform 1"),
        checks.requests_with_a_token_are_the_tokens,
    ),
    Mutant(
        "use that is not noted",
        edited(SIGN_IN, "perform private.note_access_token_use()", "perform 1"),
        checks.requests_with_a_token_are_the_tokens,
    ),
    Mutant(
        "use that raises the version",
        """drop trigger touch on public.access_tokens;
        create trigger touch before update on public.access_tokens
        for each row execute function private.touch()""",
        checks.requests_with_a_token_are_the_tokens,
    ),
    Mutant(
        "history of the person",
        edited(
            "private.actor_kind()", "when private.token_id() is not null then 'token'", "when false then ''"
        ),
        checks.requests_with_a_token_are_the_tokens,
    ),
    Mutant(
        "token in the moment of its end",
        edited(FIND, "known.expires_at > now()", "known.expires_at >= now()"),
        checks.tokens_are_good_while_their_owner_says_so,
    ),
    Mutant(
        "token that was revoked",
        edited(FIND, "known.revoked_at is null", "true"),
        checks.tokens_are_good_while_their_owner_says_so,
    ),
    Mutant(
        "hash compared by its beginning",
        edited(
            FIND,
            "hash.sha256 = sha256(convert_to(token, 'UTF8'))",
            "substr(hash.sha256, 1, 16) = substr(sha256(convert_to(token, 'UTF8')), 1, 16)",
        ),
        checks.tokens_are_good_while_their_owner_says_so,
    ),
    Mutant(
        "hash compared by its end",
        edited(
            FIND,
            "hash.sha256 = sha256(convert_to(token, 'UTF8'))",
            "substr(hash.sha256, 17) = substr(sha256(convert_to(token, 'UTF8')), 17)",
        ),
        checks.tokens_are_good_while_their_owner_says_so,
    ),
    Mutant(
        "token of who is banned",
        edited(FIND, "account.banned_until <= now()", "true"),
        checks.tokens_are_good_while_their_owner_says_so,
    ),
    Mutant(
        "token of who is deleted",
        edited(FIND, "account.deleted_at is null", "true"),
        checks.tokens_are_good_while_their_owner_says_so,
    ),
    Mutant(
        "hash that outlives its token",
        edited(
            REVOKE,
            "where known.user_id = caller_id and known.id = revoke_access_token.token_id;",
            "where false;",
        ),
        checks.tokens_are_revoked_for_good,
    ),
    Mutant(
        "revoked by anybody",
        edited(REVOKE, "known.user_id = caller_id and", ""),
        checks.tokens_are_revoked_for_good,
    ),
    Mutant(
        "token beside a session",
        edited(SIGN_IN, "current_user <> 'anon'", "false"),
        checks.tokens_come_alone,
    ),
    Mutant(
        "role for the asking",
        edited("private.check_request()", "current_user = 'forum_agent'", "false"),
        checks.tokens_come_alone,
    ),
    *(
        Mutant(
            f"policy without {what}",
            'alter policy "' + policy + '" on public.work_items ' + becomes,
            checks.tokens_do_what_they_are_granted,
        )
        for what, policy, becomes in (
            (
                "the product",
                "Tokens can read work items in their scope",
                "using (user_id = (select private.caller_id()))",
            ),
            (
                "the product of a new row",
                "Tokens with work can create work items in their scope",
                "with check (user_id = (select private.caller_id()) and (select private.token_may('work')))",
            ),
            (
                "the product of a row that is deleted",
                "Tokens with delete can delete work items in their scope",
                "using (user_id = (select private.caller_id()) and (select private.token_may('delete')))",
            ),
            (
                "the owner",
                "Tokens can read work items in their scope",
                (
                    "using ((select private.token_product_id()) is null"
                    " or product_id = (select private.token_product_id()))"
                ),
            ),
        )
    ),
    Mutant(
        "policy and trigger without the grant",
        """drop trigger check_token_scope on public.documents;
        alter policy "Tokens with docs can create documents in their scope" on public.documents with check (
        user_id = (select private.caller_id()) and ((select private.token_product_id()) is null
        or product_id = (select private.token_product_id())))""",
        checks.tokens_do_what_they_are_granted,
    ),
    Mutant(
        "grant to delete by default",
        edited(
            CREATE,
            "unnest(create_access_token.grants)",
            "unnest(create_access_token.grants || 'delete'::text)",
        ),
        checks.tokens_are_made_as_asked,
    ),
    Mutant(
        "grants of one another",
        edited(
            "private.token_may(text)",
            "claims::jsonb -> 'grants' ? needed",
            "claims::jsonb -> 'grants' <> '[]'",
        ),
        checks.tokens_do_what_they_are_granted,
    ),
    Mutant(
        "products for tokens to make",
        # As in mutants.py, the policy first.
        """create policy "x" on public.products for insert to forum_agent
        with check (user_id = (select private.caller_id()));
        grant insert (name, description, icon, color) on public.products to forum_agent""",
        checks.tokens_do_what_they_are_granted,
    ),
    Mutant(
        "tokens for tokens to see",
        """create policy "x" on public.access_tokens for select to forum_agent
        using (user_id = (select private.caller_id()));
        grant select on public.access_tokens to forum_agent""",
        checks.tokens_do_what_they_are_granted,
    ),
    Mutant(
        "table that nobody knows of",
        "create table public.plans (id uuid primary key)",
        checks.tokens_do_what_they_are_granted,
    ),
    Mutant(
        "move out of the scope",
        """alter policy "Tokens with work can change work items in their scope" on public.work_items
        with check (user_id = (select private.caller_id()) and (select private.token_may('work')))""",
        checks.tokens_move_nothing_out_of_their_scope,
    ),
    Mutant(
        "move out of the scope, sealed",
        edited("private.require_token_product(uuid)", "not private.is_in_token_scope(product_id)", "false"),
        checks.tokens_move_nothing_out_of_their_scope,
    ),
    Mutant(
        "answers to keys of others",
        edited(
            "private.get_idempotent_answer(text)",
            "claim.token_id is not distinct from (select private.token_id())",
            "true",
        ),
        checks.keys_are_their_tokens,
    ),
    Mutant(
        "keys without a token",
        edited("private.claim_idempotency_key()", "uuid := private.token_id()", "uuid"),
        checks.keys_are_their_tokens,
    ),
    Mutant(
        "keys that tokens do not claim",
        """drop trigger claim_idempotency_key on public.work_items;
        create trigger claim_idempotency_key before insert on public.work_items for each statement
        when (
          current_user = 'authenticated'
          and current_setting('request.headers', true) like '%"idempotency-key"%'
        )
        execute function private.claim_idempotency_key()""",
        checks.keys_are_their_tokens,
    ),
    Mutant(
        "made by who has signed out",
        edited(
            CREATE, "private.check_session(shows_secrets => coalesce('reveal' = any (grants), false))", "1"
        ),
        checks.tokens_are_made_by_living_sessions,
    ),
    Mutant(
        "second factor passed by",
        edited(CREATE, "coalesce('reveal' = any (grants), false)", "false"),
        checks.tokens_are_made_by_living_sessions,
    ),
    Mutant(
        "one token too many",
        edited(CREATE, ">= 50", "> 50"),
        checks.tokens_are_made_as_asked,
    ),
    Mutant(
        "token for ever",
        "alter table public.access_tokens drop constraint access_tokens_expires_at_range",
        checks.tokens_are_made_as_asked,
    ),
    Mutant(
        "token of a product that has gone",
        """alter table public.access_tokens drop constraint access_tokens_product_fkey,
        add constraint access_tokens_product_fkey foreign key (user_id, product_id)
        references public.products (user_id, id) on delete set null (product_id)""",
        checks.tokens_go_with_their_product_and_their_owner,
    ),
    *(
        Mutant(
            f"no question for the grant in {function}",
            edited(function, question, "perform 1"),
            definers_ask_for_the_grant,
        )
        for function, question in QUESTIONS
    ),
    *(
        Mutant(
            f"no scope in {function}",
            edited(function, scope, becomes),
            definers_hold_tokens_to_their_product,
        )
        for function, scope, becomes in SCOPES
    ),
)
