"""What a function has done by the time Lambda takes a snapshot of it, which many processes begin with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.project.test_serverless import EVERY_FUNCTION

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "SUPABASE_URL": "https://project.supabase.co",
    "SUPABASE_ANON_KEY": "sb_publishable_x",
    "SUPABASE_JWKS_URL": "https://project.supabase.co/auth/v1/.well-known/jwks.json",
    "SUPABASE_SECRET_KEY": "ssm:/forum/production/SUPABASE_SECRET_KEY",
    "APP_INFO_KEY": "ssm:/forum/production/APP_INFO_KEY",
    "GITHUB_IMPORT_KEY": "ssm:/forum/production/GITHUB_IMPORT_KEY",
    "KMS_KEY_ID": "arn:aws:kms:eu-central-1:123456789012:key/6c5b9d0e-0000-4000-8000-0123456789ab",
    "SYNC_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/queue",
}
LOAD = """
import sys
from importlib import import_module

WAYS_OUT = {"socket.connect", "socket.getaddrinfo", "socket.sendto"}
told = []
sys.addaudithook(lambda event, _: told.append(event) if event in WAYS_OUT else None)
import_module(sys.argv[1])
vaults = sys.modules.get("shared.encryption.vaults")
told += ["a vault"] * (vaults.get_vault.cache_info().currsize if vaults else 0)
print("\\n".join(told))
"""


@pytest.mark.parametrize("function", EVERY_FUNCTION)
def test_loading_opens_no_connection_and_makes_no_key_that_processes_would_share(function: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    loaded = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", LOAD, f"functions.{function}.handler"],
        cwd=ROOT,
        env={**environment, **SETTINGS, "AWS_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert loaded.stdout.split() == []
