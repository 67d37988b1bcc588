"""For every CHECK the last values that it takes and the first that it refuses, one for each of its cases.

A row names the columns that matter and leaves the others empty. `test_constraints` asks the database about
each, and whether a CHECK that is weaker in one piece would still answer all of them alike.
"""

import json
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

# Four bytes each in UTF-8.
WIDE = "\U0001f30a"
SEALED = {"v": 1, "key_id": "k", "wrapped_key": "w", "nonce": "n", "ciphertext": "c"}
# What the ciphertext may take of the 96 KiB: psycopg writes JSON with the same blanks as Postgres.
SEALED_ROOM = 98_304 - len(json.dumps(SEALED | {"ciphertext": ""}))
TIME = "2026-11-22T00:00:00Z"
UUID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Cases:
    """Rows that a CHECK takes, and rows that it refuses."""

    within: list[Row]
    outside: list[Row]


def values(column: str, *taken: str, refused: str) -> Cases:
    """A closed set of words."""
    return Cases([{column: word} for word in taken], [{column: refused}, {column: ""}])


def characters(column: str, most: int, least: int = 0) -> Cases:
    """A text of so many characters, whatever their bytes."""
    short = [{column: "x" * (least - 1)}] if least else []
    return Cases([{column: "x" * least}, {column: WIDE * most}], [{column: "x" * (most + 1)}, *short])


def visible(column: str) -> Cases:
    """A line with something to see in it. test_names tries every character."""
    return Cases(
        [{column: line} for line in ("a", " a", "\u2764\ufe0f")],
        [{column: line} for line in ("", " ", "\u200b", "\u3164\ufe0f", "a\nb", "a\u2028b")],
    )


def octets(column: str, most: int) -> Cases:
    """A text of so many bytes, however few its characters."""
    return Cases([{column: WIDE * (most // 4)}], [{column: WIDE * (most // 4) + "x"}])


def unless_of_github(cases: Cases) -> Cases:
    """The same of rows that are not GitHub's; of those that are, anything."""
    return Cases([*cases.within, *({**row, "github_id": 1} for row in cases.outside)], cases.outside)


def at_least(column: str, least: int) -> Cases:
    """A number that does not go below this one."""
    return Cases([{column: least}], [{column: least - 1}])


def url(column: str) -> Cases:
    """An address that a browser opens and that runs nothing."""
    return Cases(
        [{column: "https://a"}, {column: "HTTP://example.com/x?y#z"}],
        [
            {column: value}
            for value in (
                *("javascript:alert(1)", "data:text/html,x", "ftp://a", "https://", "xhttps://a"),
                *("javascript:'https://a'", "https://a b", "https://a\n", "https://a\u0085b", "https:/a"),
            )
        ],
    )


def json_object(column: str) -> Cases:
    """JSON in braces."""
    return Cases([{column: {}}], [{column: []}, {column: "{}"}, {column: 1}, {column: True}])


def sealed(column: str, most: int) -> Cases:
    """A JSON object of at most so many bytes as Postgres writes it."""
    room = most - len('{"v": ""}')
    fitting = {"v": "x" * room}
    return Cases(
        [{column: {}}, {column: fitting}],
        [{column: {"v": fitting["v"] + "x"}}, *json_object(column).outside],
    )


SHA256 = Cases([{"key_sha256": "\\x" + "00" * 32}], [{"key_sha256": "\\x" + "00" * n} for n in (0, 31, 33)])
TABLES = ("products", "repositories", "work_items", "documents", "app_info")

NAMED_ACTORS = Cases(
    [
        *({"actor": actor, "actor_id": UUID} for actor in ("person", "token")),
        *({"actor": actor} for actor in ("sync", "system")),
    ],
    [
        *({"actor": actor} for actor in ("person", "token")),
        *({"actor": actor, "actor_id": UUID} for actor in ("sync", "system")),
    ],
)
"""A person and a token have an id, a machine has none."""

CASES: dict[str, Cases] = {
    "users_avatar_url_format": url("avatar_url"),
    "users_avatar_url_length": characters("avatar_url", 2000),
    "users_github_username_format": Cases(
        [{"github_username": name} for name in ("a", "A_-9", "o" * 39)],
        [{"github_username": name} for name in ("", "o" * 40, "a b", "a\n", " a", "é", "a/b")],
    ),
    "products_color_format": Cases(
        [{"color": "#0aFf9C"}],
        [
            {"color": color}
            for color in ("#00000", "#0000000", "x#000000", "#000000;", "#00000g", "000000", "#000000\n")
        ],
    ),
    "products_commitment_values": values("commitment", "must", "support", "want", "parked", refused="maybe"),
    "products_next_note_length": characters("next_note", 2_000),
    "products_description_length": characters("description", 10_000),
    "products_icon_length": characters("icon", 200),
    "products_name_length": characters("name", 200, least=1),
    "products_name_visible": visible("name"),
    "repositories_default_branch_length": characters("default_branch", 255),
    "repositories_description_length": characters("description", 10_000),
    "repositories_forks_count_positive": at_least("forks_count", 0),
    "repositories_full_name_length": characters("full_name", 300),
    "repositories_github_id_positive": at_least("github_id", 1),
    "repositories_language_length": characters("language", 100),
    "repositories_missing_count_since": Cases(
        [{"missing_count": 0}, *({"missing_count": n, "first_missing_at": TIME} for n in (1, 2))],
        [
            {"missing_count": 0, "first_missing_at": TIME},
            {"missing_count": 1},
            {"missing_count": -1, "first_missing_at": TIME},
        ],
    ),
    "repositories_name_length": characters("name", 200, least=1),
    "repositories_name_visible": unless_of_github(visible("name")),
    "repositories_full_name_visible": unless_of_github(visible("full_name")),
    "repositories_node_id_length": characters("node_id", 255),
    "repositories_notes_length": characters("notes", 100_000),
    "repositories_env_example_keys_length": Cases(
        [{"env_example_keys": []}, {"env_example_keys": ["A"] * 2_000}], [{"env_example_keys": ["A"] * 2_001}]
    ),
    "repositories_env_example_oid_format": Cases(
        [{"env_example_oid": "0" * 40}, {"env_example_oid": "f" * 64}],
        [
            {"env_example_oid": oid}
            for oid in ("", "0" * 39, "0" * 65, "F" * 40, "g" * 40, "0" * 40 + "\n", " " + "0" * 40)
        ],
    ),
    "repositories_env_example_whole": Cases(
        [{}, {"env_example_keys": [], "env_example_oid": "0" * 40}],
        [{"env_example_keys": []}, {"env_example_oid": "0" * 40}],
    ),
    "repositories_previous_full_names_length": Cases(
        [{"previous_full_names": ["o/r"] * 20}], [{"previous_full_names": ["o/r"] * 21}]
    ),
    "repositories_stars_count_positive": at_least("stars_count", 0),
    "repositories_sync_state_github": Cases(
        [{}, {"github_id": 1, "sync_state": "active"}], [{"github_id": 1}, {"sync_state": "active"}]
    ),
    "repositories_sync_state_values": values(
        "sync_state",
        *("active", "archived", "moved", "inaccessible", "sso_required", "blocked", "forbidden", "gone"),
        refused="lost",
    ),
    "repositories_sync_reason_length": characters("sync_reason", 200),
    "repositories_missing_decision_values": Cases(
        [
            {},
            {"sync_state": "gone"},
            {"missing_decision": "gone", "sync_state": "gone"},
            {"missing_decision": "keep", "sync_state": "inaccessible"},
        ],
        [
            {"missing_decision": "gone"},
            {"missing_decision": "keep"},
            {"missing_decision": "gone", "sync_state": "inaccessible"},
            {"missing_decision": "keep", "sync_state": "gone"},
            {"missing_decision": "lost", "sync_state": "gone"},
            {"missing_decision": "lost", "sync_state": "inaccessible"},
        ],
    ),
    "repositories_sync_url_format": url("sync_url"),
    "repositories_sync_url_length": characters("sync_url", 2000),
    "repositories_url_format": url("url"),
    "repositories_url_length": characters("url", 2000),
    "work_items_external_id_length": characters("external_id", 255, least=1),
    "work_items_external_id_visible": visible("external_id"),
    "work_items_description_length": characters("description", 100_000),
    "work_items_priority_values": Cases(
        [{"priority": n} for n in (0, 4)], [{"priority": n} for n in (-1, 5)]
    ),
    "work_items_status_values": values("status", "todo", "in_progress", "done", refused="Todo"),
    "work_items_title_length": characters("title", 500, least=1),
    "work_items_title_visible": visible("title"),
    "work_items_type_values": values("type", "feature", "fix", "refactor", "investigation", refused="bug"),
    "documents_external_id_length": characters("external_id", 255, least=1),
    "documents_external_id_visible": visible("external_id"),
    "documents_content_length": octets("content", 1_048_576),
    "documents_title_length": characters("title", 500, least=1),
    "documents_title_visible": visible("title"),
    "documents_type_values": values("type", "blueprint", "architecture", "note", "plan", refused="readme"),
    "app_info_category_values": values(
        "category", "env_var", "url", "credential", "note", "other", refused="secret"
    ),
    "app_info_description_length": characters("description", 10_000),
    "app_info_expires_at_range": Cases(
        [{"expires_at": time} for time in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z")],
        [
            {"expires_at": time}
            for time in ("infinity", "-infinity", "0001-12-31T23:59:59Z BC", "10000-01-01T00:00:00Z")
        ],
    ),
    "app_info_key_length": characters("key", 255, least=1),
    "app_info_key_trimmed": Cases(
        [{"key": key} for key in ("a", "a b", "\u2764\ufe0f")],
        [{"key": key} for key in ("a ", " a", "a\n", "\u200ba")],
    ),
    "app_info_key_variable": Cases(
        [{"category": "env_var", "key": "_A1"}, {"category": "note", "key": "a b"}],
        [{"category": "env_var", "key": key} for key in ("1A", "a-b", "a b", "UID", "BASH_ENV", "__proto__")],
    ),
    "app_info_key_visible": visible("key"),
    "app_info_rotate_every_days": Cases(
        [{"rotate_every": days} for days in ("1 day", "P90D", "730 days")],
        [
            {"rotate_every": days}
            for days in (
                *("0 days", "-1 day", "731 days", "24 hours", "1 mon", "1 year"),
                # These are as long as their days, and not whole days all the same.
                *("1 mon 5 days -720 hours", "1 year 5 days -8766 hours", "1 day 1 second"),
            )
        ],
    ),
    "app_info_secret_number_secret": Cases(
        [{"is_secret": True, "secret_number": 1}, {"is_secret": True}, {"is_secret": False}],
        [{"is_secret": False, "secret_number": 1}],
    ),
    "app_info_value_length": octets("value", 65_536),
    "app_info_value_secret": Cases(
        [{"is_secret": True}, {"is_secret": False, "value": "x"}, {"is_secret": False}],
        [{"is_secret": True, "value": "x"}, {"is_secret": True, "value": ""}],
    ),
    "app_info_overrides_environment_values": values(
        "environment", "development", "preview", "production", refused="staging"
    ),
    "app_info_overrides_secret_number_secret": Cases(
        [{"is_secret": True, "secret_number": 1}, {"is_secret": True}, {"is_secret": False}],
        [{"is_secret": False, "secret_number": 1}],
    ),
    "app_info_overrides_value_length": octets("value", 65_536),
    "app_info_overrides_value_secret": Cases(
        [{"is_secret": True}, {"is_secret": False, "value": "x"}, {"is_secret": False}],
        [{"is_secret": True, "value": "x"}, {"is_secret": True, "value": ""}],
    ),
    "activity_action_values": values(
        *("action", "created", "updated", "deleted", "restored", "revealed", "export_refused"), refused="read"
    ),
    "activity_actor_person": NAMED_ACTORS,
    "activity_actor_values": values("actor", "person", "token", "sync", "system", refused="anon"),
    "document_revisions_actor_person": NAMED_ACTORS,
    "document_revisions_actor_values": values("actor", "person", "token", "sync", "system", refused="anon"),
    "activity_changes_object": json_object("changes"),
    "activity_entity_values": values("entity", *TABLES, refused="users"),
    "access_tokens_expires_at_range": Cases(
        [
            {"created_at": TIME, "expires_at": "2026-11-22T00:00:00.000001Z"},
            # A leap day in it or not: 366 days.
            {"created_at": TIME, "expires_at": "2027-11-23T00:00:00Z"},
        ],
        [
            {"created_at": TIME, "expires_at": TIME},
            {"created_at": TIME, "expires_at": "2026-11-21T00:00:00Z"},
            {"created_at": TIME, "expires_at": "2027-11-23T00:00:00.000001Z"},
        ],
    ),
    "access_tokens_grants_values": Cases(
        [{"grants": []}, {"grants": ["work", "docs", "keys", "reveal", "delete"]}],
        [
            *({"grants": [grant]} for grant in ("", "read", "Work", "admin", None)),
            *({"grants": grants} for grants in (["work", "other"], ["work"] * 6)),
        ],
    ),
    "access_tokens_hint_format": Cases(
        [{"hint": hint} for hint in ("0000", "aZ9b")],
        [{"hint": hint} for hint in ("", "abc", "abcde", "ab_d", "abc\n", "abcé")],
    ),
    "access_tokens_name_length": characters("name", 100, least=1),
    "access_tokens_name_visible": visible("name"),
    "access_token_hashes_sha256_length": Cases(
        [{"sha256": "\\x" + "00" * 32}], [{"sha256": "\\x" + "00" * n} for n in (0, 31, 33)]
    ),
    "import_keys_key_length": SHA256,
    "idempotency_keys_entity_values": values("entity", *TABLES, refused="users"),
    "idempotency_keys_fingerprint_format": Cases(
        [{"fingerprint": "0a" * 32}],
        [
            {"fingerprint": value}
            for value in ("0" * 63, "0" * 65, "0" * 64 + "\n", "x" + "0" * 64, "A" * 64, "g" * 64)
        ],
    ),
    "idempotency_keys_key_format": Cases(
        [{"key": " "}, {"key": "~" * 255}, {"key": "x"}],
        [{"key": value} for value in ("", "x" * 256, "x\n", "\nx", "é", "\x7f")],
    ),
    "idempotency_rows_content_object": json_object("content"),
    "github_connections_github_login_length": characters("github_login", 100, least=1),
    "github_connections_github_user_id_positive": at_least("github_user_id", 1),
    "github_connections_last_error_length": characters("last_error", 100),
    "github_connections_lease_whole": Cases(
        [{}, {"lease_until": TIME, "lease_run_id": UUID, "lease_length": "00:05:00"}],
        [
            {"lease_until": TIME},
            {"lease_run_id": UUID},
            {"lease_length": "00:05:00"},
            {"lease_until": TIME, "lease_run_id": UUID},
            {"lease_run_id": UUID, "lease_length": "00:05:00"},
            {"lease_until": TIME, "lease_length": "00:05:00"},
        ],
    ),
    "github_connections_scopes_length": Cases([{"scopes": ["repo"] * 100}], [{"scopes": ["repo"] * 101}]),
    "github_connections_sealed_refresh_token_shape": sealed("sealed_refresh_token", 16_384),
    "github_connections_sealed_token_shape": sealed("sealed_token", 16_384),
    "github_connections_state_values": values("state", "active", "needs_reauth", refused="revoked"),
    "github_connections_token_kind_values": values(
        "token_kind", "oauth", "app_user", "classic_pat", "fine_grained_pat", "other", refused="bearer"
    ),
    "github_runs_connection_trigger": Cases(
        [
            {"trigger": "import"},
            {"trigger": "import", "connection_id": UUID},
            {"trigger": "schedule", "connection_id": UUID},
        ],
        [{"trigger": "schedule"}, {"trigger": "manual"}],
    ),
    "github_runs_counts_object": json_object("counts"),
    "github_runs_ended_at_state": Cases(
        [
            *({"state": state} for state in ("queued", "running")),
            *({"state": state, "ended_at": TIME} for state in ("succeeded", "partial", "failed")),
        ],
        [
            *({"state": state, "ended_at": TIME} for state in ("queued", "running")),
            *({"state": state} for state in ("succeeded", "partial", "failed")),
        ],
    ),
    "github_runs_error_length": characters("error", 100),
    "github_runs_flags_values": Cases(
        [{"flags": []}, *({"flags": [flag]} for flag in ("mass_disappearance", "sso_partial", "truncated"))],
        [{"flags": ["truncated", "other"]}, {"flags": [""]}, {"flags": [None]}],
    ),
    "github_runs_points_positive": at_least("points", 0),
    "github_runs_requests_positive": at_least("requests", 0),
    "github_runs_total_positive": at_least("total", 0),
    "github_runs_done_bounds": Cases(
        [{"done": 0}, {"done": 3}, {"done": 0, "total": 3}, {"done": 3, "total": 3}],
        [{"done": -1}, {"done": -1, "total": 3}, {"done": 4, "total": 3}],
    ),
    "github_runs_results_array": Cases([{"results": []}], [{"results": {}}, {"results": "[]"}]),
    "github_runs_state_values": values(
        "state", "queued", "running", "succeeded", "partial", "failed", refused="done"
    ),
    "github_runs_trigger_values": values("trigger", "import", "schedule", "manual", refused="webhook"),
    "trash_actor_person": NAMED_ACTORS,
    "trash_actor_values": values("actor", "person", "token", "sync", "system", refused="anon"),
    "trash_counts_object": json_object("counts"),
    "trash_entity_values": values("entity", *TABLES, refused="users"),
    "trash_rows_entity_values": values(
        "entity", *TABLES, "app_info_overrides", "app_info_values", "repository_links", refused="users"
    ),
    "github_imports_github_ids_length": Cases(
        [{"github_ids": [1]}, {"github_ids": [1] * 10_000}],
        [{"github_ids": []}, {"github_ids": [1] * 10_001}],
    ),
    "github_imports_next_page_positive": at_least("next_page", 1),
    "app_info_values_environment_values": values(
        "environment", "development", "preview", "production", refused="staging"
    ),
    "app_info_values_plain_or_sealed": Cases(
        [{"value": "x"}, {"sealed": SEALED}], [{}, {"value": "x", "sealed": SEALED}]
    ),
    "app_info_values_sealed_shape": Cases(
        [{"sealed": SEALED}, {"sealed": SEALED | {"ciphertext": "c" * SEALED_ROOM}}],
        [
            *({"sealed": {k: v for k, v in SEALED.items() if k != left_out}} for left_out in SEALED),
            {"sealed": list(SEALED)},
            {"sealed": {}},
            {"sealed": "v"},
            {"sealed": SEALED | {"ciphertext": "c" * (SEALED_ROOM + 1)}},
        ],
    ),
    "app_info_keys_key_length": SHA256,
    "limits_most_range": at_least("most", 0),
    "limits_writes_per_minute_range": Cases(
        [{"name": "writes_per_minute", "most": most} for most in (1, None)] + [{"name": "other", "most": 0}],
        [{"name": "writes_per_minute", "most": 0}],
    ),
    "maintenance_steps_batch_size_range": Cases(
        [{"batch_size": number} for number in (1, 10_000)], [{"batch_size": number} for number in (0, 10_001)]
    ),
    "settings_activity_retention_days_range": Cases(
        [{"activity_retention_days": days} for days in (0, 36_500)],
        [{"activity_retention_days": days} for days in (-1, 36_501)],
    ),
    "settings_second_factor_values": values(
        "second_factor", "never", "enrolled", "always", refused="sometimes"
    ),
    "settings_sign_in_minutes_range": Cases(
        [{"sign_in_minutes": 1}, {"sign_in_minutes": 525_600}],
        [{"sign_in_minutes": 0}, {"sign_in_minutes": 525_601}],
    ),
    "settings_single_true": Cases([{"single": True}], [{"single": False}]),
}
