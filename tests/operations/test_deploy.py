"""What a stage's settings have to be before anything is deployed."""

import hashlib
from pathlib import Path

import psycopg
import pytest
from dotenv import dotenv_values

from local.migrations import apply_migrations, list_migrations
from local.ports import free_port
from local.postgres import run_postgres
from local.supabase import Supabase
from operations import deploy as deploying
from operations.database_settings import DEFAULT_LIMITS
from operations.deploy import (
    URLS,
    find_wrong,
    let_tokens_in,
    migrate,
    read_stage,
    set_keys,
    set_pre_request,
    set_settings,
)
from operations.tools import DeployError, tool_environment
from tests.conftest import WITHOUT_DURABILITY
from tests.database.realtime import STAND_IN

SETTINGS = {
    "SUPABASE_URL": "https://project.supabase.co",
    "SUPABASE_ANON_KEY": "sb_publishable_x",
    "SUPABASE_SECRET_KEY": "sb_secret_x",
    "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
    "DATABASE_URL": "postgresql://postgres:password@db.project.supabase.co:5432/postgres",
    "GITHUB_IMPORT_KEY": "k" * 48,
    "APP_INFO_KEY": "a" * 48,
    "ALLOWED_ORIGINS": "https://forum.example",
}


def test_complete_settings_have_nothing_wrong() -> None:
    assert find_wrong(SETTINGS) == []


@pytest.mark.parametrize("name", sorted(set(SETTINGS)))
def test_each_missing_setting_is_named(name: str) -> None:
    (wrong,) = find_wrong({other: value for other, value in SETTINGS.items() if other != name})
    assert name in wrong


PLACEHOLDERS = {
    name: value
    for name, value in dotenv_values(Path(__file__).parents[2] / ".env.example").items()
    if name in SETTINGS and value and name != "ALLOWED_ORIGINS"  # a frontend under development may be let in
} | {"DATABASE_URL": "postgresql://postgres:[YOUR-PASSWORD]@db.project.supabase.co:5432/postgres"}


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_placeholder_is_refused_by_the_name_of_its_setting(name: str) -> None:
    (wrong,) = find_wrong({**SETTINGS, name: PLACEHOLDERS[name] or ""})
    assert wrong == f"{name} still has the placeholder of .env.example: put in your own"


def test_line_of_a_file_is_a_value_and_never_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "STAGES", tmp_path)
    ran = tmp_path / "ran"
    lines = {
        **SETTINGS,
        "GITHUB_APP_CLIENT_ID": "x",
        "GITHUB_APP_CLIENT_SECRET": f"$(touch {ran})`touch {ran}`",
    }
    (tmp_path / ".env.production").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    assert read_stage("production") == lines
    assert not ran.exists()


def test_line_of_a_file_is_a_value_and_no_variable_is_put_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "STAGES", tmp_path)
    monkeypatch.setenv("HOME", "expanded")
    password = "postgresql://postgres:a${HOME}b$HOME@db.project.supabase.co:5432/postgres"
    lines = {**SETTINGS, "DATABASE_URL": password, "APP_INFO_KEY": "${HOME}${env:HOME}" * 3}
    (tmp_path / ".env.production").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    assert read_stage("production") == lines


@pytest.mark.parametrize("name", ["SUPABASE_ANON_KEY", "ALARM_TOPIC_ARN"])
def test_value_that_osls_would_expand_is_refused_by_name_and_not_shown(name: str) -> None:
    (wrong,) = find_wrong({**SETTINGS, name: "s3cr3t${env:HOME}"})
    assert wrong.startswith(f"{name} has a ${{ in it")
    assert "s3cr3t" not in wrong


@pytest.mark.parametrize("name", ["ENCRYPTION_KEY", "ENCRYPTION_KEY_PREVIOUS"])
def test_local_keys_are_refused_by_name_and_not_shown(name: str) -> None:
    (wrong,) = find_wrong({**SETTINGS, name: "not-to-be-shown"})
    assert wrong == f"{name} is only for the local stack"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SUPABASE_SECRET_KEY": "s3cr3t" * 700}, "SUPABASE_SECRET_KEY is longer than the 4096 bytes"),
        ({"GITHUB_IMPORT_KEY": "ssm:s3cr3t"}, "GITHUB_IMPORT_KEY has to be the secret itself"),
        ({"GITHUB_APP_CLIENT_ID": "Iv1.s3cr3t"}, "GITHUB_APP_CLIENT_SECRET is missing"),
        ({"TRACING": "s3cr3t"}, "TRACING has to be true or false"),
        ({"SNAP_START": "s3cr3t"}, "SNAP_START has to be true or false"),
        ({"ALLOW_ANONYMOUS_SIGN_INS": "s3cr3t"}, "ALLOW_ANONYMOUS_SIGN_INS has to be true or false"),
        (
            {"SECRETS_SECOND_FACTOR": "s3cr3t"},
            "SECRETS_SECOND_FACTOR has to be one of never, enrolled, always",
        ),
        ({"SECRETS_SIGN_IN_MINUTES": "s3cr3t"}, "SECRETS_SIGN_IN_MINUTES has to be a number of minutes"),
        ({"SECRETS_SIGN_IN_MINUTES": "525601"}, "SECRETS_SIGN_IN_MINUTES has to be a number of minutes"),
        (
            {"ACTIVITY_RETENTION_DAYS": "s3cr3t"},
            "ACTIVITY_RETENTION_DAYS has to be a number of days, 36500 at most, or 0 for all",
        ),
        ({"ACCOUNT_LIMITS": "s3cr3t"}, "ACCOUNT_LIMITS has to be JSON such as"),
        ({"ACCOUNT_LIMITS": '["s3cr3t"]'}, "ACCOUNT_LIMITS has to be JSON such as"),
        ({"ACCOUNT_LIMITS": '{"s3cr3t": 1}'}, "ACCOUNT_LIMITS has to be JSON such as"),
        ({"ACCOUNT_LIMITS": '{"products": "s3cr3t"}'}, "ACCOUNT_LIMITS has to be JSON such as"),
        ({"ACCOUNT_LIMITS": '{"products": -1}'}, "ACCOUNT_LIMITS has to be JSON such as"),
        ({"ACCOUNT_LIMITS": '{"products": true}'}, "ACCOUNT_LIMITS has to be JSON such as"),
        ({"ACCOUNT_LIMITS": '{"writes_per_minute": 0}'}, "ACCOUNT_LIMITS has to be JSON such as"),
        ({"ACTIVITY_RETENTION_DAYS": "36501"}, "ACTIVITY_RETENTION_DAYS has to be a number of days"),
        ({"ACTIVITY_RETENTION_DAYS": "-1"}, "ACTIVITY_RETENTION_DAYS has to be a number of days"),
        ({"SECRETS_SIGN_IN_MINUTES": "0"}, "SECRETS_SIGN_IN_MINUTES has to be a number of minutes"),
        (
            {"SUPABASE_JWKS_URL": "", "SUPABASE_JWT_SECRET": "s3cr3t"},
            "SUPABASE_JWT_SECRET is shorter than the 32 bytes",
        ),
    ],
)
def test_setting_that_cannot_work_is_named_and_not_shown(changes: dict[str, str], said: str) -> None:
    settings = {name: value for name, value in {**SETTINGS, **changes}.items() if value}
    (wrong,) = find_wrong(settings)
    assert said in wrong
    assert "s3cr3t" not in wrong


@pytest.mark.parametrize(
    "origins",
    [
        "https://forum.example",
        "https://forum.example:8443, https://www.forum.example",
        "https://forum.example,http://localhost:5173",
        "https://xn--brse-5qa.example",
    ],
)
def test_origins_of_frontends_are_taken(origins: str) -> None:
    assert find_wrong({**SETTINGS, "ALLOWED_ORIGINS": origins}) == []


@pytest.mark.parametrize(
    "origins",
    [
        "*",
        "https://*",
        "https://*.forum.example",
        "https://forum.example,*",
        "null",
        " ",
        ",",
        "forum.example",
        "http://forum.example",
        "https://forum.example/",
        "https://forum.example/app",
        "https://forum.example https://www.forum.example",
        "https://Forum.example",
        "https://user@forum.example",
    ],
)
def test_origins_of_everybody_or_of_nobody_are_refused(origins: str) -> None:
    (wrong,) = find_wrong({**SETTINGS, "ALLOWED_ORIGINS": origins})
    assert wrong.startswith("ALLOWED_ORIGINS has to be origins such as https://forum.example")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ALLOWED_HEADERS": "*"}, "ALLOWED_HEADERS has to be names of headers"),
        ({"ALLOWED_HEADERS": "X-Trace: 1"}, "ALLOWED_HEADERS has to be names of headers"),
        ({"API_BASE_PATH": "backend"}, "API_BASE_PATH has to be a path such as /backend"),
        ({"API_BASE_PATH": "/backend/"}, "API_BASE_PATH has to be a path such as /backend"),
        ({"API_BASE_PATH": "/api"}, "API_BASE_PATH has to be a path such as /backend"),
        ({"API_BASE_PATH": "/api/v1"}, "API_BASE_PATH has to be a path such as /backend"),
        (
            {"API_BASE_PATH": "/backend", "API_URL": "https://api.forum.example"},
            "API_URL has to end with API_BASE_PATH",
        ),
    ],
)
def test_setting_for_browsers_that_cannot_work_is_named(changes: dict[str, str], said: str) -> None:
    (wrong,) = find_wrong({**SETTINGS, **changes})
    assert wrong.startswith(said)


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize("url", ["http://forum.example", "forum.example", "http://127.0.0.1.forum.example"])
def test_url_that_tokens_would_go_to_in_the_clear_is_named(name: str, url: str) -> None:
    (wrong,) = find_wrong({**SETTINGS, name: url})
    assert wrong.startswith(f"{name} has to begin with https://")


def test_settings_for_browsers_that_work_are_taken() -> None:
    url = {"API_BASE_PATH": "/backend/v1", "API_URL": "https://forum.example/backend/v1"}
    assert find_wrong({**SETTINGS, **url, "ALLOWED_HEADERS": "X-Trace, x_other"}) == []


@pytest.mark.parametrize("stage", ["", "../x", "Production", "a b", "-x"])
def test_name_that_is_no_stage_is_refused(stage: str) -> None:
    with pytest.raises(DeployError, match="is not a valid name of a stage"):
        read_stage(stage)


def test_stage_without_a_file_is_told_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploying, "STAGES", tmp_path)
    with pytest.raises(DeployError, match=r"\.env\.production is missing: copy \.env\.example"):
        read_stage("production")


def test_file_of_a_stage_is_read_and_empty_settings_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "STAGES", tmp_path)
    file = tmp_path / ".env.production"
    file.write_text("".join(f"{name}={value}\n" for name, value in SETTINGS.items()))
    assert read_stage("production") == SETTINGS
    file.write_text(file.read_text() + "SUPABASE_SECRET_KEY=\nALLOWED_ORIGINS=\n")
    with pytest.raises(DeployError) as refused:
        read_stage("production")
    assert [line.split(" is ")[0] for line in str(refused.value).splitlines()] == [
        ".env.production: SUPABASE_SECRET_KEY",
        ".env.production: ALLOWED_ORIGINS",
    ]


def test_neither_secrets_nor_the_password_of_the_database_reach_what_reads_serverless_yml(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of another stage, or left over in the shell.
    monkeypatch.setenv("GITHUB_APP_CLIENT_SECRET", "of-the-shell")
    monkeypatch.setenv("SUPABASE_SECRET_KEY", "of-the-shell")
    passed_on = tool_environment("production", SETTINGS)
    secrets = {SETTINGS[name] for name in ("DATABASE_URL", "SUPABASE_SECRET_KEY", "GITHUB_IMPORT_KEY")}
    assert not {*secrets, "of-the-shell"} & set(passed_on.values())
    assert passed_on["SUPABASE_SECRET_KEY"] == "ssm:/forum/production/SUPABASE_SECRET_KEY"
    assert passed_on["GITHUB_IMPORT_KEY"] == "ssm:/forum/production/GITHUB_IMPORT_KEY"
    assert "GITHUB_APP_CLIENT_SECRET" not in passed_on
    assert passed_on["SUPABASE_ANON_KEY"] == SETTINGS["SUPABASE_ANON_KEY"]


def test_database_is_not_spoken_to_in_the_clear(supabase: Supabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGSSLMODE", raising=False)
    with pytest.raises(DeployError, match="supabase db failed"):
        migrate(supabase.database_url)
    with pytest.raises(psycopg.OperationalError, match="SSL"):
        set_keys(supabase.database_url, SETTINGS)


def test_migrations_are_applied_by_the_command_line_of_supabase_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # The database of a test has no certificate.
    monkeypatch.setenv("PGSSLMODE", "disable")
    with run_postgres(tmp_path / "postgres", free_port(), settings=WITHOUT_DURABILITY) as server:
        migrate(server.url)
        with psycopg.connect(server.url) as connection:
            rows = connection.execute("select version from supabase_migrations.schema_migrations").fetchall()
        assert sorted(version for (version,) in rows) == [each.version for each in list_migrations()]
        assert apply_migrations(server.url) == []
        capfd.readouterr()
        migrate(server.url)
        assert "Applying migration" not in capfd.readouterr().out


def test_pre_request_is_set_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    with run_postgres(tmp_path / "postgres", free_port(), settings=WITHOUT_DURABILITY) as server:
        apply_migrations(server.url)
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            assert find_pre_request(connection) == "private.check_request"
            set_pre_request(server.url)
            # As on a project whose `postgres` was not allowed to set it by a migration.
            connection.execute("alter role authenticator reset pgrst.db_pre_request")
            set_pre_request(server.url)
            assert find_pre_request(connection) == "private.check_request"


def test_pre_request_of_somebody_else_is_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    with (
        run_postgres(tmp_path / "postgres", free_port(), settings=WITHOUT_DURABILITY) as server,
        psycopg.connect(server.superuser_url, autocommit=True) as connection,
    ):
        connection.execute("alter role authenticator set pgrst.db_pre_request = 'public.limit_rate'")
        apply_migrations(server.url)
        assert find_pre_request(connection) == "public.limit_rate"
        with pytest.raises(DeployError, match=r"the project's pre-request is public\.limit_rate"):
            set_pre_request(server.url)
        assert find_pre_request(connection) == "public.limit_rate"


def test_postgrest_may_act_for_access_tokens_after_a_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    is_allowed = "select pg_has_role('authenticator', 'forum_agent', 'member')"
    with run_postgres(tmp_path / "postgres", free_port(), settings=WITHOUT_DURABILITY) as server:
        apply_migrations(server.url)
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            let_tokens_in(server.url)
            assert connection.execute(is_allowed).fetchone() == (True,)
            # As on a project whose `postgres` was not allowed to grant it by a migration.
            connection.execute("revoke forum_agent from authenticator granted by postgres")
            assert connection.execute(is_allowed).fetchone() == (False,)
            let_tokens_in(server.url)
            assert connection.execute(is_allowed).fetchone() == (True,)
            # And is not allowed to now.
            connection.execute("revoke forum_agent from authenticator granted by postgres")
            connection.execute("revoke forum_agent from postgres cascade")
            with pytest.raises(DeployError, match="grant forum_agent to authenticator"):
                let_tokens_in(server.url)


def find_pre_request(connection: psycopg.Connection) -> str:
    """What a new connection of PostgREST would be told."""
    rows = connection.execute(
        "select unnest(setconfig) from pg_db_role_setting where setrole = 'authenticator'::regrole"
    ).fetchall()
    return dict(str(setting).split("=", 1) for (setting,) in rows).get("pgrst.db_pre_request", "")


def test_project_that_has_got_realtime_since_is_connected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    connected = "select count(*) from pg_trigger where tgfoid = 'private.send_changes'::regproc"
    found = []
    with run_postgres(tmp_path / "postgres", free_port(), settings=WITHOUT_DURABILITY) as server:
        apply_migrations(server.url)
        for statement in ("select", STAND_IN, "select"):
            with psycopg.connect(server.superuser_url) as connection:
                connection.execute(statement)
            set_settings(server.url, SETTINGS)
            with psycopg.connect(server.url) as connection:
                found += connection.execute(connected).fetchall()
    assert found == [(0,), (1,), (1,)]


def test_settings_reach_the_database_and_one_that_is_taken_out_has_its_default_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    chosen = {
        "ALLOW_ANONYMOUS_SIGN_INS": "true",
        "SECRETS_SECOND_FACTOR": "always",
        "SECRETS_SIGN_IN_MINUTES": "15",
        "ACTIVITY_RETENTION_DAYS": "0",
        "ACCOUNT_LIMITS": '{"products": 500, "bytes": null}',
    }
    limits = []
    with run_postgres(tmp_path / "postgres", free_port(), settings=WITHOUT_DURABILITY) as server:
        apply_migrations(server.url)
        stored = []
        for settings in (SETTINGS, {**SETTINGS, **chosen}, SETTINGS):
            set_settings(server.url, settings)
            with psycopg.connect(server.url) as connection:
                stored += connection.execute(
                    "select allow_anonymous_sign_ins, second_factor, sign_in_minutes, activity_retention_days"
                    " from private.settings"
                ).fetchall()
                limits += connection.execute(
                    "select jsonb_object_agg(name, most) from private.limits"
                ).fetchall()
    assert stored == [
        (False, "enrolled", None, 400),
        (True, "always", 15, 0),
        (False, "enrolled", None, 400),
    ]
    assert limits == [
        (DEFAULT_LIMITS,),
        ({**DEFAULT_LIMITS, "products": 500, "bytes": None},),
        (DEFAULT_LIMITS,),
    ]


def test_keys_that_are_set_are_those_the_database_takes(
    supabase: Supabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    keys = {"GITHUB_IMPORT_KEY": supabase.import_key, "APP_INFO_KEY": supabase.app_info_key}
    set_keys(supabase.database_url, {**SETTINGS, **keys})
    set_keys(supabase.database_url, {**SETTINGS, **keys})
    with psycopg.connect(supabase.database_url) as connection:
        stored = {
            "GITHUB_IMPORT_KEY": connection.execute("select key_sha256 from private.import_keys").fetchall(),
            "APP_INFO_KEY": connection.execute("select key_sha256 from private.app_info_keys").fetchall(),
        }
    for name, key in keys.items():
        assert (hashlib.sha256(key.encode()).digest(),) in stored[name]
