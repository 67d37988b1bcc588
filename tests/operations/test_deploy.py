"""What a stage's settings have to be before anything is deployed."""

import hashlib
from pathlib import Path

import psycopg
import pytest

from local.supabase import Supabase
from operations import deploy as deploying
from operations.deploy import DeployError, find_wrong, read_stage, set_keys, tool_environment

SETTINGS = {
    "SUPABASE_URL": "https://project.supabase.co",
    "SUPABASE_ANON_KEY": "sb_publishable_x",
    "SUPABASE_SECRET_KEY": "sb_secret_x",
    "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
    "DATABASE_URL": "postgresql://postgres:password@db.project.supabase.co:5432/postgres",
    "GITHUB_IMPORT_KEY": "k" * 48,
    "ALLOWED_ORIGINS": "https://forum.example",
}


def test_complete_settings_have_nothing_wrong() -> None:
    assert find_wrong(SETTINGS) == []


@pytest.mark.parametrize("name", sorted(set(SETTINGS)))
def test_each_missing_setting_is_named(name: str) -> None:
    (wrong,) = find_wrong({other: value for other, value in SETTINGS.items() if other != name})
    assert name in wrong


@pytest.mark.parametrize("name", ["ENCRYPTION_KEY", "ENCRYPTION_KEY_PREVIOUS"])
def test_local_keys_are_refused_by_name_and_not_shown(name: str) -> None:
    (wrong,) = find_wrong({**SETTINGS, name: "not-to-be-shown"})
    assert wrong == f"{name} is only for the local stack"


@pytest.mark.parametrize("stage", ["", "../x", "Production", "a b", "-x"])
def test_name_that_is_no_stage_is_refused(stage: str) -> None:
    with pytest.raises(DeployError, match="is no name of a stage"):
        read_stage(stage)


def test_stage_without_a_file_is_told_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploying, "ROOT", tmp_path)
    with pytest.raises(DeployError, match=r"\.env\.production is missing: copy \.env\.example"):
        read_stage("production")


def test_file_of_a_stage_is_read_and_empty_settings_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "ROOT", tmp_path)
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


def test_password_of_the_database_is_passed_to_no_tool_that_reads_serverless_yml() -> None:
    assert SETTINGS["DATABASE_URL"] not in tool_environment(SETTINGS).values()


def test_key_that_is_set_is_the_one_the_database_takes(supabase: Supabase) -> None:
    settings = {**SETTINGS, "GITHUB_IMPORT_KEY": supabase.import_key}
    set_keys(supabase.database_url, settings)
    set_keys(supabase.database_url, settings)
    with psycopg.connect(supabase.database_url) as connection:
        hashes = connection.execute("select key_sha256 from private.import_keys").fetchall()
    assert (hashlib.sha256(supabase.import_key.encode()).digest(),) in hashes
