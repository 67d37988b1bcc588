"""What `make dev` prints and leaves for clients, taken at its word."""

import json
import stat
import subprocess
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from local.dev import DEMO_EMAIL
from local.waiting import wait_for
from tests.local.dev_process import Dev, run_local, start_dev
from tests.patience import PATIENCE_SECONDS


def curl_lines(dev: Dev) -> list[str]:
    return [line for line in dev.printed.splitlines() if line.startswith("curl ")]


def paste(line: str) -> Any:
    """Runs a line as a shell in another directory does."""
    finished = subprocess.run(  # noqa: S602 - a shell is what the line is printed for
        line, shell=True, cwd="/", capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True
    )
    return json.loads(finished.stdout)


def test_sync_by_hand_says_that_nobody_has_stored_a_token(dev: Dev) -> None:
    finished = run_local(dev.directory, "sync")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("Nobody has stored a GitHub token.")


def test_the_printed_curl_lines_work(dev: Dev) -> None:
    products, work_item, repositories, connection = (paste(line) for line in curl_lines(dev))
    assert [product["name"] for product in products["items"]] == ["Havørn"]
    assert work_item["status"] == "todo"
    assert work_item["product_id"] == products["items"][0]["id"]
    assert len(repositories["items"]) > 0
    assert connection["state"] == "active"
    synced = run_local(dev.directory, "sync")
    assert synced.stdout.splitlines()[-1].startswith(f"{DEMO_EMAIL}: succeeded")


def test_the_demo_user_has_sample_data(dev: Dev) -> None:
    [token] = [line for line in dev.printed.splitlines() if line.startswith("ey")]
    rest = httpx.Client(
        base_url=f"{dev.environment['SUPABASE_URL']}/rest/v1/",
        headers={"apikey": dev.environment["SUPABASE_ANON_KEY"], "authorization": f"Bearer {token}"},
    )
    with rest:
        titles = {row["title"] for row in rest.get("work_items").raise_for_status().json()}
        assert titles >= {"Show the forecast offline", "Map tiles load twice after a rotation"}
        assert len(rest.get("documents").raise_for_status().json()) == 1
        assert [row["key"] for row in rest.get("app_info").raise_for_status().json()] == ["FORECAST_URL"]


def test_the_environment_file_has_what_clients_need(dev: Dev) -> None:
    assert set(dev.environment) == {"SUPABASE_URL", "SUPABASE_ANON_KEY", "API_URL", "DATABASE_URL"}
    assert httpx.get(f"{dev.environment['API_URL']}/health", timeout=PATIENCE_SECONDS).status_code == 200
    with psycopg.connect(dev.environment["DATABASE_URL"]) as connection:
        assert connection.execute("select current_user").fetchone() == ("postgres",)


def test_the_keys_are_readable_by_their_owner_only(dev: Dev) -> None:
    assert stat.S_IMODE((dev.directory / "keys" / "keys.json").stat().st_mode) == 0o600


def test_the_request_id_of_a_problem_is_in_the_log(dev: Dev, api_url: str) -> None:
    problem = httpx.get(f"{api_url}/api/products", timeout=PATIENCE_SECONDS).json()
    assert problem["status"] == 401
    log = dev.directory / "logs" / "api.log"
    # The answer is out before the line is.
    assert wait_for(lambda: f"RequestId: {problem['request_id']}" in log.read_text(), PATIENCE_SECONDS)


@pytest.mark.parametrize("email", ["new-here@example.com", DEMO_EMAIL])
def test_token_prints_a_token_of_the_user_and_nothing_else(dev: Dev, api_url: str, email: str) -> None:
    finished = run_local(dev.directory, "token", email)
    assert (finished.returncode, finished.stderr) == (0, "")
    token = finished.stdout.removesuffix("\n")
    assert jwt.decode(token, options={"verify_signature": False})["email"] == email
    answer = httpx.get(
        f"{api_url}/api/products", headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS
    )
    assert answer.status_code == 200


def test_token_works_for_a_user_with_a_password_of_their_own(dev: Dev) -> None:
    user = dev.users.create()
    with psycopg.connect(dev.environment["DATABASE_URL"]) as connection:
        connection.execute("update auth.users set encrypted_password = 'x' where id = %s", (user.id,))
    finished = run_local(dev.directory, "token", user.email.upper())
    token = finished.stdout.strip()
    assert jwt.decode(token, options={"verify_signature": False})["sub"] == str(user.id)


def test_agent_token_prints_a_token_that_does_what_it_was_made_for(dev: Dev, api_url: str) -> None:
    asked = ("agent-token", DEMO_EMAIL, "--product", "Havørn", "--grants", "work, docs")
    finished = run_local(dev.directory, *asked)
    assert (finished.returncode, finished.stderr) == (0, "")
    headers = {"authorization": f"Bearer {finished.stdout.strip()}"}
    with httpx.Client(base_url=api_url, headers=headers, timeout=PATIENCE_SECONDS) as api:
        token = api.get("/api/tokens/current").raise_for_status().json()
        (product,) = api.get("/api/products").raise_for_status().json()["items"]
        assert (token["grants"], token["product_id"]) == (["docs", "work"], product["id"])
        assert api.delete(f"/api/products/{product['id']}").status_code == 403
    by_id = run_local(dev.directory, "agent-token", DEMO_EMAIL, "--product", product["id"])
    assert by_id.stdout.startswith("fmt_")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (("--product", "Nothing"), "0 products of this user are called Nothing"),
        (("--grants", "admin"), "Input should be 'work'"),
    ],
)
def test_agent_token_that_cannot_be_made_says_why(dev: Dev, asked: tuple[str, ...], reason: str) -> None:
    finished = run_local(dev.directory, "agent-token", DEMO_EMAIL, *asked)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert reason in finished.stderr


def test_a_second_dev_over_the_same_data_says_that_one_is_running(dev: Dev) -> None:
    second = start_dev(dev.directory, dev.ports)
    assert second.ended() == 1
    assert f"already running in {dev.directory} (process {dev.process.pid})" in second.printed


def test_reset_refuses_while_dev_runs(dev: Dev) -> None:
    finished = run_local(dev.directory, "reset")
    assert finished.returncode == 1
    assert "already running" in finished.stderr
    assert (dev.directory / "postgres").exists()
