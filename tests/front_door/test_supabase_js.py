"""A frontend's view: the real supabase-js against the local Supabase, and its token at the HTTP API."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.dev_process import Dev
from tests.patience import PATIENCE_SECONDS

Visit = dict[str, Any]


@pytest.fixture(scope="module")
def visit(dev: Dev) -> Visit:
    """What supabase_js.mjs saw."""
    node = shutil.which("node")
    assert node is not None
    finished = subprocess.run(  # noqa: S603 - our own script
        [node, Path(__file__).with_name("supabase_js.mjs")],
        env={"PATH": os.environ["PATH"], **dev.environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    seen: Visit = json.loads(finished.stdout)
    return seen


def test_supabase_js_signs_up_and_keeps_the_data_of_the_sign_up(visit: Visit) -> None:
    assert visit["signUp"]["error"] is None
    assert visit["signUp"]["user"]["user_metadata"]["name"] == "Ada"
    assert visit["signUp"]["session"]["token_type"] == "bearer"


def test_supabase_js_understands_the_refusals(visit: Visit) -> None:
    assert visit["signUpAgain"]["code"] == "user_already_exists"
    assert visit["weakPassword"]["name"] == "AuthWeakPasswordError"
    assert visit["wrongPassword"]["code"] == "invalid_credentials"


def test_supabase_js_verifies_the_token_with_the_public_keys(visit: Visit) -> None:
    assert visit["claims"]["email"] == visit["email"]
    assert visit["claims"]["role"] == "authenticated"


def test_supabase_js_reads_and_changes_the_user(visit: Visit) -> None:
    assert visit["user"] == visit["email"]
    assert visit["updated"]["city"] == "London"
    assert visit["updated"]["name"] == "Ada"


def test_supabase_js_writes_and_reads_through_postgrest(visit: Visit) -> None:
    assert visit["inserted"]["error"] is None
    assert visit["inserted"]["product"]["version"] == 1
    assert [product["icon"] for product in visit["changed"]] == ["gear"]
    assert visit["listed"] == 1
    assert visit["badColor"]["code"] == "23514"


def test_supabase_js_sees_that_there_is_a_secret_and_nothing_of_it(visit: Visit) -> None:
    assert visit["secret"]["status"] == 201
    row = visit["secret"]["row"]
    assert (row["is_secret"], row["has_value"], row["value"]) == (True, True, None)
    assert visit["secretRevealed"]["code"] == "PT403"
    assert visit["secretOverwritten"]["code"] == "23514"
    assert visit["secretUnmarked"]["code"] == "42501"


def test_supabase_js_refreshes_and_goes_on(visit: Visit) -> None:
    assert visit["refreshed"]["error"] is None
    assert visit["refreshed"]["session"]["refresh_token"] != visit["signUp"]["session"]["refresh_token"]
    assert visit["listedAfterRefresh"] == [{"name": "Engine"}]


def test_supabase_js_shows_a_stranger_nothing(visit: Visit) -> None:
    assert visit["strangerSees"] == []
    assert visit["strangerChanges"] == []
    assert visit["anonymousSees"] == "42501"


def test_supabase_js_signs_in_and_out(visit: Visit) -> None:
    assert visit["signIn"] == {"error": None, "user": visit["email"]}
    assert visit["signOut"] is None
    assert visit["refreshAfterSignOut"] is not None


def test_the_api_takes_the_token_of_supabase_js(visit: Visit, api_url: str) -> None:
    token = visit["refreshed"]["session"]["access_token"]
    answer = httpx.get(
        f"{api_url}/api/products", headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS
    )
    assert [product["name"] for product in answer.raise_for_status().json()["items"]] == ["Engine"]


def test_supabase_js_signs_in_with_github_and_imports_with_its_token(visit: Visit) -> None:
    assert visit["landed"] == "http://localhost:5173/"
    assert visit["github"]["error"] is None
    session = visit["github"]["session"]
    assert session["user"]["app_metadata"]["provider"] == "github"
    assert session["provider_token"].startswith("ghu_")
    connected, imported = visit["connected"], visit["imported"]
    login = session["user"]["user_metadata"]["user_name"]
    assert (connected["status"], connected["body"]["github_login"]) == (200, login)
    assert imported["status"] == 200
    assert [result["outcome"] for result in imported["body"]["results"]] == ["imported", "imported"]


def test_supabase_js_asks_for_mails_and_understands_a_wrong_code(visit: Visit) -> None:
    assert visit["recovery"] is None
    assert visit["code"] is None
    assert visit["wrongCode"]["code"] == "otp_expired"
