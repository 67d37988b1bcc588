"""Which list or look-up each index is for, as the API or a function asks it, but for those of constraints."""

from typing import LiteralString, NamedTuple


class Asked(NamedTuple):
    """A query's table, its conditions and its order."""

    table: LiteralString
    where: LiteralString
    order: LiteralString = ""


NEWEST: LiteralString = "created_at desc, id desc"
USER: LiteralString = "user_id = '00000000-0000-4000-8000-000000000001'"
OWN_WORD: LiteralString = "private.own_terms(user_id, terms) @@ $$'AAAAword'$$"
PRODUCT: LiteralString = USER + " and product_id = '00000000-0000-4000-8000-000000000002'"
REPOSITORY: LiteralString = USER + " and repository_id = '00000000-0000-4000-8000-000000000003'"

LISTS: dict[str, Asked] = {
    "public.products_user_newest_idx": Asked("public.products", USER, NEWEST),
    "public.products_user_name_idx": Asked("public.products", USER, "name, id"),
    # Asked by the maintenance, of all accounts.
    "public.products_renewal_idx": Asked("public.products", "adds_renewal_work"),
    "public.repositories_product_newest_idx": Asked("public.repositories", PRODUCT, NEWEST),
    "public.repositories_user_newest_idx": Asked("public.repositories", USER, NEWEST),
    "public.repositories_user_name_idx": Asked("public.repositories", USER, "name, id"),
    "public.repositories_user_github_idx": Asked("public.repositories", USER + " and github_id = 7"),
    "public.work_items_product_newest_idx": Asked("public.work_items", PRODUCT, NEWEST),
    "public.work_items_user_newest_idx": Asked("public.work_items", USER, NEWEST),
    "public.work_items_user_status_idx": Asked("public.work_items", USER + " and status = 'todo'", NEWEST),
    "public.work_items_user_title_idx": Asked("public.work_items", USER, "title, id"),
    # Asked with the owner before each word, as private.own_words writes it.
    "public.work_items_user_terms_idx": Asked("public.work_items", USER + " and " + OWN_WORD),
    # Asked for what is next.
    "public.work_items_open_idx": Asked(
        "public.work_items", PRODUCT + " and status = 'todo'", "urgency, created_at, id"
    ),
    # Asked by the foreign key when a repository is deleted.
    "public.work_items_repository_idx": Asked(
        "public.work_items", REPOSITORY + " and product_id = '00000000-0000-4000-8000-000000000002'"
    ),
    "public.work_items_repository_newest_idx": Asked("public.work_items", REPOSITORY, NEWEST),
    # Asked when one is created, and for a repeat of that.
    "public.work_items_external_id_unique": Asked("public.work_items", PRODUCT + " and external_id = 'x'"),
    "public.documents_external_id_unique": Asked("public.documents", PRODUCT + " and external_id = 'x'"),
    "public.documents_product_newest_idx": Asked("public.documents", PRODUCT, NEWEST),
    "public.documents_user_newest_idx": Asked("public.documents", USER, NEWEST),
    # Asked for a product's pinned ones.
    "public.documents_pinned_idx": Asked(
        "public.documents", PRODUCT + " and is_pinned", "updated_at desc, id desc"
    ),
    "public.documents_user_title_idx": Asked("public.documents", USER, "title, id"),
    "public.documents_user_terms_idx": Asked("public.documents", USER + " and " + OWN_WORD),
    # As for work items.
    "public.documents_repository_idx": Asked(
        "public.documents", REPOSITORY + " and product_id = '00000000-0000-4000-8000-000000000002'"
    ),
    "public.documents_repository_newest_idx": Asked("public.documents", REPOSITORY, NEWEST),
    "public.app_info_product_newest_idx": Asked("public.app_info", PRODUCT, NEWEST),
    "public.app_info_user_newest_idx": Asked("public.app_info", USER, NEWEST),
    "public.app_info_user_key_idx": Asked("public.app_info", USER, "key, id"),
    "public.app_info_product_position_idx": Asked("public.app_info", PRODUCT, "position, id"),
    "public.app_info_user_due_idx": Asked("public.app_info", USER, "due_at, id"),
    "public.app_info_product_due_idx": Asked("public.app_info", PRODUCT, "due_at, id"),
    # What the secret values' foreign key points at.
    "public.app_info_owner_unique": Asked(
        "public.app_info", USER + " and id = '00000000-0000-4000-8000-000000000004'"
    ),
    # What the overrides' foreign key points at, and the key's own side.
    "public.app_info_secrecy_unique": Asked(
        "public.app_info",
        USER
        + " and id = '00000000-0000-4000-8000-000000000004'"
        + " and product_id = '00000000-0000-4000-8000-000000000002' and is_secret = false",
    ),
    "public.app_info_overrides_entry_idx": Asked(
        "public.app_info_overrides",
        USER
        + " and app_info_id = '00000000-0000-4000-8000-000000000004'"
        + " and product_id = '00000000-0000-4000-8000-000000000002' and is_secret = false",
    ),
    "public.activity_user_newest_idx": Asked("public.activity", USER, NEWEST),
    "public.activity_product_newest_idx": Asked("public.activity", PRODUCT, NEWEST),
    "public.activity_entity_newest_idx": Asked(
        "public.activity", USER + " and entity_id = '00000000-0000-4000-8000-000000000005'", NEWEST
    ),
    # What a token last did.
    "public.activity_token_newest_idx": Asked(
        "public.activity",
        USER + " and actor = 'token' and actor_id = '00000000-0000-4000-8000-000000000007'",
        NEWEST,
    ),
    "public.access_tokens_user_newest_idx": Asked("public.access_tokens", USER, NEWEST),
    "public.access_tokens_product_newest_idx": Asked("public.access_tokens", PRODUCT, NEWEST),
    # Asked when an entry becomes a secret: which entries have had its key.
    "public.activity_app_info_key_idx": Asked(
        "public.activity",
        USER
        + " and entity = 'app_info' and changes ? 'key'"
        + " and coalesce(changes #>> '{key,new}', changes #>> '{key,old}') = 'K'",
    ),
    # Asked then, too: what is kept of an entry for replays.
    "private.idempotency_rows_app_info_idx": Asked(
        "private.idempotency_rows", USER + " and content ? 'key' and content ->> 'id' = 'x'"
    ),
    # Asked before a secret is shown: how many were within an hour.
    "public.activity_revealed_idx": Asked(
        "public.activity", USER + " and action = 'revealed'", "created_at desc"
    ),
    # What has expired, whoever made it.
    "private.idempotency_keys_oldest_idx": Asked(
        "private.idempotency_keys", "created_at < '2026-11-01'", "created_at"
    ),
    # What the dispatcher claims.
    "private.github_connections_due_idx": Asked(
        "private.github_connections", "next_sync_at <= '2026-11-01'", "next_sync_at, id"
    ),
    # Asked before each request that writes: how many were within a minute.
    "private.writes_user_newest_idx": Asked(
        "private.writes", USER + " and created_at > '2026-11-01'", "created_at desc"
    ),
    # What counts no more, whoever made it.
    "private.writes_oldest_idx": Asked("private.writes", "created_at < '2026-11-01'", "created_at"),
    "public.trash_user_newest_idx": Asked("public.trash", USER, NEWEST),
    # What has had its time.
    "public.trash_expired_idx": Asked("public.trash", "expires_at <= '2026-11-01'"),
    # The rows of a set; asked by the foreign key, too, when it goes.
    "private.trash_rows_set_idx": Asked(
        "private.trash_rows",
        USER + " and set_id = '00000000-0000-4000-8000-000000000008' and entity = 'app_info'",
    ),
    # Which set holds a row.
    "private.trash_rows_entity_idx": Asked(
        "private.trash_rows", USER + " and entity_id = '00000000-0000-4000-8000-000000000005'"
    ),
    # Asked when a secret is created, of the plain entries that had its key.
    "private.trash_rows_key_idx": Asked(
        "private.trash_rows", USER + " and entity = 'app_info' and name = 'x'"
    ),
    "public.github_runs_user_newest_idx": Asked("public.github_runs", USER, NEWEST),
    # Asked by the foreign key when a product is deleted.
    "public.github_runs_product_idx": Asked("public.github_runs", PRODUCT),
    # One open run a connection.
    "public.github_runs_open_unique": Asked(
        "public.github_runs", USER + " and connection_id is not null and state in ('queued', 'running')"
    ),
    # What a background import's foreign key points at.
    "public.github_runs_owner_unique": Asked(
        "public.github_runs", USER + " and id = '00000000-0000-4000-8000-000000000006'"
    ),
    # Asked by the foreign key when a run is pruned.
    "private.github_imports_run_idx": Asked(
        "private.github_imports", USER + " and id = '00000000-0000-4000-8000-000000000006'"
    ),
}
"""Index, and what it answers: each condition in the index, each order without a sort of the whole."""
