"""What the migrations mean to allow. Whatever else the catalog grants is a fault; see catalog_checks.

Whoever grants something, or adds a trigger or a definer function, extends these lists in the same commit:
here a reviewer sees at a glance who may do what. The comments name files of supabase/schemas.
"""

PRIVATE_USERS = {"anon", "authenticated", "service_role", "forum_agent"}
"""Roles that may look into the schema private, to reach the functions there that are granted to them."""

_CLIENT_COLUMNS = {
    "products": ("name", "description", "icon", "color", "next_note", "commitment", "adds_renewal_work"),
    "repositories": (
        *("product_id", "name", "full_name", "description", "url", "default_branch"),
        *("is_private", "language", "notes"),
    ),
    "work_items": ("product_id", "repository_id", "title", "description", "type", "status", "priority"),
    "documents": ("product_id", "repository_id", "title", "content", "type", "is_pinned"),
    "app_info": ("product_id", "key", "value", "category", "description", "expires_at", "rotate_every"),
}
# What is said when a row is created, and never again.
_COLUMNS_OF_NEW = {"work_items": ("external_id",), "documents": ("external_id",)}

# A thin invoker in public over a definer in private, each.
_GITHUB_OF_PEOPLE = (
    # 525_github_connection_calls
    *("save_github_connection(jsonb,text)", "get_github_connection_id()", "get_github_connection()"),
    # 530_github_runs and 525_github_connection_calls
    *("record_github_import(text,jsonb)", "delete_github_connection()"),
    # 540_github_leases
    *("request_github_sync()", "release_github_sync(uuid)"),
    # 525_github_connection_calls
    "get_sealed_github_token(text)",
    # 580_github_imports
    "request_github_import(uuid,bigint[])",
    # 590_github_token_renewal
    *("claim_own_token_refresh(uuid,text)", "save_own_refreshed_token(jsonb,text)"),
    # 525_github_connection_calls
    "report_github_refusal(uuid,text)",
    "report_github_limit(bigint,timestamp with time zone,text)",
    # 600_missing_repositories
    "decide_missing_repositories(text,bigint[])",
)
# 400_write_app_info, 410_reveal_app_info and 420_env_files
_SECRETS_OF_PEOPLE = (
    *("write_app_info(jsonb,text)", "reveal_app_info(uuid,integer,text,text)"),
    "compare_app_info(uuid,text[],text)",
    *("list_app_info_versions(uuid)", "restore_app_info(uuid,integer,integer[])"),
    "read_app_info_places(uuid[],boolean,text)",
    # 420_env_files
    "import_app_info(uuid,jsonb,text[],text)",
    "read_app_info_export(uuid,text[],boolean,text,text)",
    "record_app_info_export(uuid,jsonb,text,text,text)",
)
# These take a user from a message and believe it once the run in the same message says the same: see
# private.lock_github_run. test_github_messages tries every mixture.
_GITHUB_OF_THE_SERVICE = (
    # 540_github_leases
    *("claim_due_github_connections(integer,integer)", "release_github_connections(uuid[])"),
    # 550_github_sync_begin
    *("begin_github_sync(uuid,uuid,uuid,integer)", "next_github_sync_chunk(uuid,uuid,uuid,integer)"),
    # 560_github_sync_chunks
    "apply_github_sync_chunk(uuid,uuid,uuid,jsonb,jsonb)",
    # 570_github_sync_end
    "finish_github_sync(uuid,uuid,uuid,jsonb)",
    # 590_github_token_renewal
    *("claim_github_token_refresh(uuid,uuid,uuid,uuid)", "read_github_sync_token(uuid,uuid,uuid)"),
    "save_refreshed_github_token(uuid,uuid,uuid,jsonb)",
    # 580_github_imports
    "apply_github_import_chunk(uuid,uuid,uuid,jsonb,integer,jsonb)",
    "pause_github_import(uuid,uuid,uuid,timestamp with time zone)",
    "finish_github_import(uuid,uuid,uuid,text,text)",
)

# 620_maintenance: these take no user, and are about whatever has had its time.
_MAINTENANCE = ("list_maintenance_steps()", "run_maintenance(text)")

# 630_limits and 640_account_deletion
_ACCOUNT_OF_PEOPLE = ("get_account()", "delete_account(text)")

# 275_trash_restore
_TRASH_OF_PEOPLE = ("get_trash(uuid)", "restore_trash(uuid,text)")

# 660_account_import
_IMPORT_OF_PEOPLE = ("import_page(jsonb,text,text)",)

# 645_resume
_SEEN_BY_PEOPLE = ("mark_seen(uuid,timestamp with time zone)",)

# The grant of a token by which it changes the rows of a table.
TOKEN_GRANTS = {"work_items": "work", "documents": "docs", "app_info": "keys"}
# What is a part of a row, with the grant for each change of it: to take it away is to change the row.
TOKEN_PARTS = {"app_info_overrides": "keys"}
# What a token changes of a row that is otherwise a person's, and the grant for it.
TOKEN_CHANGES = {"products.next_note": "work"}
_READ_BY_TOKENS = (
    *("products", "repositories", "work_items", "documents", "document_revisions", "app_info"),
    *("github_runs", "visits"),
)
# What a token reads of the history: not from where its owner was shown a secret.
_TOKEN_ACTIVITY = (
    *("id", "user_id", "actor", "actor_id", "action", "entity", "entity_id", "product_id", "changes"),
    *("created_at", "updated_at", "version"),
)
# 260_access_tokens
_TOKENS_OF_PEOPLE = (
    "create_access_token(text,uuid,text[],integer,text,text)",
    "revoke_access_token(uuid)",
)
# 260_access_tokens
_TOKENS_OF_TOKENS = ("note_access_token_use()", "get_current_access_token()")

GRANTS: set[tuple[str, str, str]] = {
    ("public.users", "authenticated", "SELECT"),
    ("public.users.github_username", "authenticated", "UPDATE"),
    ("public.users.avatar_url", "authenticated", "UPDATE"),
    ("public.activity", "authenticated", "SELECT"),
    # 650_activity_lines
    *(("public.activity_lines", role, "SELECT") for role in ("authenticated", "forum_agent")),
    # 235_document_revisions
    ("public.document_revisions", "authenticated", "SELECT"),
    # 243_app_info_overrides
    *(
        (f"public.app_info_overrides{column}", role, privilege)
        for role in ("authenticated", "forum_agent")
        for column, privileges in {
            "": ("SELECT", "DELETE"),
            **dict.fromkeys((".app_info_id", ".environment", ".value"), ("INSERT", "UPDATE")),
        }.items()
        for privilege in privileges
    ),
    # 270_trash
    *(("public.trash", "authenticated", privilege) for privilege in ("SELECT", "DELETE")),
    # 530_github_runs
    ("public.github_runs", "authenticated", "SELECT"),
    # 645_resume
    ("public.visits", "authenticated", "SELECT"),
    # 260_access_tokens
    ("public.access_tokens", "authenticated", "SELECT"),
    ("public.access_tokens.name", "authenticated", "UPDATE"),
    # What a token is granted, beside each table.
    *((f"public.activity.{column}", "forum_agent", "SELECT") for column in _TOKEN_ACTIVITY),
    *((f"public.{table}", "forum_agent", "SELECT") for table in _READ_BY_TOKENS),
    *((f"public.{column}", "forum_agent", "UPDATE") for column in TOKEN_CHANGES),
    *((f"public.{table}", "forum_agent", "DELETE") for table in TOKEN_GRANTS),
    *(
        (f"public.{table}.{column}", "forum_agent", privilege)
        for table in TOKEN_GRANTS
        for column in _CLIENT_COLUMNS[table]
        for privilege in ("INSERT", "UPDATE")
    ),
    *(
        (f"public.{table}.{column}", role, "INSERT")
        for table, columns in _COLUMNS_OF_NEW.items()
        for column in columns
        for role in ("authenticated", "forum_agent")
    ),
    *(
        (f"public.{table}", "authenticated", privilege)
        for table in _CLIENT_COLUMNS
        for privilege in ("SELECT", "DELETE")
    ),
    *(
        (f"public.{table}.{column}", "authenticated", privilege)
        for table, columns in _CLIENT_COLUMNS.items()
        for column in columns
        for privilege in ("INSERT", "UPDATE")
    ),
}
"""Relation, or relation and column, with a role and a privilege."""

# What policies, checks, casts and triggers of tables call, and bulk functions, which run as their caller.
_CALLED_BY_TABLES = (
    # 230_documents and 040_texts
    *("private.document_search(text,text)", "private.make_parsable(text)", "private.is_visible_line(text)"),
    *("private.trim_blanks(text)", "private.is_variable_name(text)"),
    # 045_search_terms: what keep_terms makes words with, and a search looks for
    *(
        "private.compose(text)",
        "private.fold(text)",
        "private.lower_words(text)",
        "private.split_words(text)",
    ),
    *("private.split_compounds(text)", "private.paired_letters()", "private.separate_runs(text)"),
    *("private.pair_letters(text)", "private.list_search_words(text)"),
    "private.make_terms(text,text,text[])",
    *("private.owner_mark(uuid)", "private.own_terms(uuid,tsvector)"),
    # 340_search
    *("private.require_pairs(text,text)", "private.list_spellings(text,text,text)"),
    *("private.make_search_query(text,text)", "private.take_passage(text,text)"),
    "private.find_work_items(tsquery,tsquery,uuid,integer)",
    "private.find_documents(tsquery,tsquery,uuid,integer)",
    *("private.search(text,text[],uuid,integer)", "public.search(text,text[],uuid,integer)"),
    # 040_texts: the cast that lists cut long texts with
    "private.take_excerpt(text)",
    # 030_requests
    "private.plans_for_execution()",
    # 310_bulk_create and 320_bulk_update
    *("private.check_bulk_items(jsonb,jsonb)", "private.check_bulk_item(jsonb,jsonb)"),
    *("private.raise_bulk_fault(private.bulk_fault,jsonb)", "private.ids_of_bulk_items(jsonb)"),
    "private.raise_missed_bulk_item(jsonb)",
    # 300_counts
    *("public.repositories_count(public.products)", "public.work_items_count(public.products)"),
    *("public.documents_count(public.products)", "public.app_info_count(public.products)"),
    *("public.work_items_count(public.repositories)", "public.documents_count(public.repositories)"),
    # 243_app_info_overrides: invokers
    *("public.environments_now(public.app_info)", "private.list_environments(public.app_info)"),
    "public.delete_app_info_override(uuid,text,integer[])",
    # 235_document_revisions: invokers
    "public.revisions(public.documents)",
    "public.restore_document_revision(uuid,integer,integer[])",
    # 237_document_edits: invokers
    *("public.edit_document(uuid,text,text,text,integer[])", "private.find_passage(text,text)"),
    # 238_document_exports: invoker
    "public.export_documents(uuid)",
    # 350_agent_tools: invokers
    *("public.find_product(text)", "private.find_repository(uuid,text)"),
    *("public.add_work_item(jsonb)", "public.add_document(jsonb)"),
    "public.change_work_item(uuid,integer,jsonb)",
    # 650_activity_lines: invokers
    *("public.title(public.activity_lines)", "public.summary(public.activity_lines)"),
    "private.quote_title(text)",
    # 645_resume: invokers, and a definer that tells a token nothing
    *("public.resume(uuid,integer)", "public.counts(public.products)", "private.resume_account()"),
    # 120_idempotency
    *("public.get_idempotent_answer(text)", "private.get_idempotent_answer(text)"),
)

# 655_account_export: invokers, for sessions only
_EXPORT_OF_PEOPLE = (
    "private.export_rows(text,timestamp with time zone,uuid,integer,timestamp with time zone,integer)",
    "public.export_page(integer,timestamp with time zone,uuid,integer,timestamp with time zone,integer)",
    "public.start_export()",
)

EXECUTE: set[tuple[str, str]] = {
    *((function, "authenticated") for function in _EXPORT_OF_PEOPLE),
    *((function, role) for function in _CALLED_BY_TABLES for role in ("authenticated", "forum_agent")),
    ("public.ping()", "anon"),
    ("public.ping()", "authenticated"),
    ("public.import_repositories(uuid,jsonb,text)", "authenticated"),
    ("private.import_repositories(uuid,jsonb,text)", "authenticated"),
    # 430_env_drift
    ("public.env_drift(uuid)", "authenticated"),
    ("public.save_env_examples(jsonb,text)", "authenticated"),
    ("private.save_env_examples(jsonb,text)", "authenticated"),
    # 510_import_repositories: an invoker that only reads
    ("public.compare_repositories(uuid,jsonb)", "authenticated"),
    ("private.read_github_facts(jsonb,private.github_facts)", "authenticated"),
    ("private.github_facts_of(public.repositories,text)", "authenticated"),
    # 030_requests
    *(("private.check_request()", role) for role in PRIVATE_USERS),
    # 635_writes: check_request asks it of whoever may write
    *(("private.check_writer()", role) for role in ("authenticated", "forum_agent")),
    # 020_sessions
    *(("private.is_session()", role) for role in PRIVATE_USERS),
    *(("private.is_oauth_client(jsonb)", role) for role in PRIVATE_USERS),
    # 025_token_scope: what policies, triggers and functions ask of a token
    *(("private.caller_id()", role) for role in ("authenticated", "forum_agent")),
    *((f"private.{name}()", "forum_agent") for name in ("token_id", "token_product_id")),
    *((f"private.{name}(text)", "forum_agent") for name in ("token_may", "require_token_scope")),
    # 260_access_tokens: check_request is not a token's yet when it calls these
    *(("private.sign_in_by_token(text)", role) for role in PRIVATE_USERS),
    *(("private.find_access_token(text)", "anon"), ("private.note_access_token_use()", "anon")),
    # 260_access_tokens
    ("public.last_activity(public.access_tokens)", "authenticated"),
    # 310_bulk_create, 320_bulk_update and 325_bulk_delete: invokers
    *(
        (f"public.{verb}_{table}(jsonb)", role)
        for tables, role in ((_CLIENT_COLUMNS, "authenticated"), (TOKEN_GRANTS, "forum_agent"))
        for table in tables
        for verb in ("create", "update", "delete")
    ),
    # 340_search: invokers
    *((f"public.find_{table}(text)", "authenticated") for table in _CLIENT_COLUMNS),
    *((f"public.find_{table}(text)", "forum_agent") for table in ("products", "repositories", *TOKEN_GRANTS)),
    # 650_activity_lines: from where a secret was shown is no token's business
    *(
        (f"public.{name}(public.activity_lines)", "authenticated")
        for name in ("session_id", "source_address")
    ),
    *(
        (f"{schema}.{function}", role)
        for functions, role in (
            (_GITHUB_OF_PEOPLE, "authenticated"),
            (_SECRETS_OF_PEOPLE, "authenticated"),
            (_SECRETS_OF_PEOPLE, "forum_agent"),
            (_TOKENS_OF_PEOPLE, "authenticated"),
            (_TOKENS_OF_TOKENS, "forum_agent"),
            (_GITHUB_OF_THE_SERVICE, "service_role"),
            (_MAINTENANCE, "service_role"),
            (_ACCOUNT_OF_PEOPLE, "authenticated"),
            (_TRASH_OF_PEOPLE, "authenticated"),
            (_IMPORT_OF_PEOPLE, "authenticated"),
            (_SEEN_BY_PEOPLE, "authenticated"),
        )
        for function in functions
        for schema in ("public", "private")
    ),
}
"""Function and role."""

RESTRICTIONS = {
    # 030_requests
    "private.plans_for_execution()",
    # 020_sessions
    "( SELECT private.is_session() AS is_session)",
}
"""What has to be true of every request, beside whose a row is: a restrictive policy each, on every table."""

CHANGED_SETTINGS = {
    # 030_requests: it makes the time-out of the request's statement shorter.
    "private.check_request()": ["statement_timeout"],
    # 235_document_revisions: it has the update keep a revision, whoever has edited last, and takes that back.
    "public.restore_document_revision(uuid,integer,integer[])": [
        *("forum.starts_revision", "forum.starts_revision"),
    ],
    # 656_live_changes: it remembers for a transaction how much has been said of it.
    "private.send_changes()": ["forum.changes_told"],
    # 625_key_renewals: it has the history say who has made the work, and takes that back.
    "private.add_renewal_work(integer)": [*("request.jwt.claims", "request.jwt.claims")],
    # 260_access_tokens: it makes the request its token's.
    "private.sign_in_by_token(text)": [
        *("request.jwt.claim.sub", "request.jwt.claims", "statement_timeout", "lock_timeout", "role"),
    ],
}
"""The settings that a function changes for the rest of a request."""

KEPT_STATISTICS = {
    # The database makes them and nobody writes them. From how often they occur the planner reads how many
    # rows an owner, a product and a repository have, and chooses the indexes of the lists by it.
    *("id", "user_id", "product_id", "repository_id"),
    # One of three words. Without them the planner takes each for rare, and a list of what is done reads
    # 75,048 rows of an owner of 100,000 to find 51 (measured).
    "status",
}
"""The columns of which the planner may keep statistics: they hold values of everybody's rows."""

DEFINERS = {
    "private.ensure_user()",
    "private.follow_account()",
    "private.import_repositories(uuid,jsonb,text)",
    "private.save_env_examples(jsonb,text)",
    "private.record_activity()",
    # 120_idempotency
    "private.claim_idempotency_key()",
    "private.record_idempotent_row()",
    "private.forget_plain_copies()",
    "private.get_idempotent_answer(text)",
    # 235_document_revisions
    "private.keep_revision()",
    # 243_app_info_overrides
    "private.record_override()",
    # 270_trash
    *("private.keep_deleted()", "private.keep_deleted_values()", "private.keep_repository_links()"),
    "private.delete_children_first()",
    # 630_limits
    *("private.check_limits()", "private.check_longer_content()", "private.count_usage_again()"),
    # 635_writes
    "private.check_writer()",
    # 340_search
    "private.find_work_items(tsquery,tsquery,uuid,integer)",
    "private.find_documents(tsquery,tsquery,uuid,integer)",
    # 240_app_info
    "private.keep_former_value()",
    "private.guard_sealed_values()",
    # 020_sessions
    "private.is_session()",
    # 260_access_tokens
    "private.find_access_token(text)",
    # 645_resume
    "private.resume_account()",
    *(
        f"private.{function}"
        for functions in (
            *(_GITHUB_OF_PEOPLE, _GITHUB_OF_THE_SERVICE, _SECRETS_OF_PEOPLE),
            *(_TOKENS_OF_PEOPLE, _TOKENS_OF_TOKENS, _MAINTENANCE),
            *(_ACCOUNT_OF_PEOPLE, _TRASH_OF_PEOPLE, _IMPORT_OF_PEOPLE, _SEEN_BY_PEOPLE),
        )
        for function in functions
    ),
}
"""Functions that run with their owner's rights. None that people call takes a user from an argument."""

TRIGGERS = {
    "auth.users.forum_account_created",
    "auth.users.forum_account_changed",
    "public.products.ensure_user",
    "public.repositories.guard_github_columns",
    "public.work_items.check_status_on_insert",
    "public.work_items.check_status_on_update",
    "public.work_items.keep_urgency",
    *(f"public.{table}.record_activity" for table in _CLIENT_COLUMNS),
    # 120_idempotency
    *(f"public.{table}.claim_idempotency_key" for table in _CLIENT_COLUMNS),
    *(f"public.{table}.record_idempotent_row" for table in _CLIENT_COLUMNS),
    # 270_trash
    *(f"public.{table}.keep_deleted" for table in _CLIENT_COLUMNS),
    *("public.products.delete_children_first", "public.repositories.keep_repository_links"),
    *("private.app_info_values.keep_deleted_values", "public.app_info_overrides.keep_deleted_values"),
    # 243_app_info_overrides
    *(f"public.app_info_overrides.{name}" for name in ("place_override", "set_state", "record_override")),
    *(f"public.app_info_overrides.{name}" for name in ("check_limits", "check_token_scope")),
    # 045_search_terms
    *(f"public.{table}.keep_terms" for table in _CLIENT_COLUMNS),
    # 630_limits
    *(f"public.{table}.check_limits" for table in _CLIENT_COLUMNS),
    *("public.documents.check_longer_content", "public.trash.count_usage_again"),
    # 240_app_info
    *("public.app_info.forget_plain_copies", "public.app_info.forget_plain_copies_of_new"),
    *("public.documents.keep_search", "public.documents.keep_revision"),
    *("public.app_info.keep_value_state", "public.app_info.keep_former_value"),
    "public.app_info.guard_sealed_values",
    *("public.app_info.keep_position", "public.app_info.record_activity_of_update"),
    "public.repositories.keep_github_history",
    # 520_github_connections, 530_github_runs and 535_github_import_lists
    *("public.github_runs.complete_github_run", "private.github_imports.count_github_import"),
    "private.github_connections.ensure_user",
    "private.github_connections.end_run_of_connection",
    *("private.github_connections.keep_github_state", "public.github_runs.prune_runs"),
    # 260_access_tokens
    "public.access_tokens.ensure_user",
    # What a token is granted, beside each table.
    *(f"public.{table}.check_token_scope" for table in (*TOKEN_GRANTS, "products")),
}
"""What keeps the rules that no constraint or policy can. Of all tables: align_times, touch, keep_owner."""

UNIQUE_TO_ALL = {
    # 260_access_tokens: whoever meets the hash of a token has known the token.
    "private.access_token_hashes_sha256_unique",
}
"""Keys that are unique across users, and tell nobody what another has."""

OWN_TO_A_TOKEN = {
    "private.is_session()",
    # Of the account that the token belongs to, whatever it may do.
    "private.check_writer()",
    "private.find_access_token(text)",
    "private.note_access_token_use()",
    "private.get_current_access_token()",
    # Of the requests that the token itself has sent.
    "private.get_idempotent_answer(text)",
    # It answers a token with null.
    "private.resume_account()",
}
"""Definers that a token may call and that are about the token alone: none of its grants is asked for."""
