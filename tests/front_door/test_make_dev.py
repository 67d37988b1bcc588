"""What `make dev` prints and leaves for clients, taken at its word."""

import json
import os
import re
import stat
import subprocess
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from local.supabase import DEMO_EMAIL
from local.waiting import wait_for
from tests.local.dev_process import Dev, run_local, start_dev
from tests.patience import PATIENCE_SECONDS


def test_sync_by_hand_syncs_what_the_demo_user_has_connected(dev: Dev) -> None:
    finished = run_local(dev.directory, "sync")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.splitlines()[-1].startswith(f"{DEMO_EMAIL}: succeeded")


def test_the_printed_lines_work_when_they_are_pasted(dev: Dev) -> None:
    assign, ask = (line for line in dev.printed.splitlines() if line.startswith(("  TOKEN=", "  curl ")))
    made = re.fullmatch(r"  TOKEN=\$\(make -s token email=(\S+)\)", assign)
    assert made is not None
    token = run_local(dev.directory, "token", made[1]).stdout.strip()
    finished = subprocess.run(  # noqa: S602 - a shell is what the line is printed for
        ask,
        shell=True,
        cwd="/",
        env={**os.environ, "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert "Havørn" in {product["name"] for product in json.loads(finished.stdout)["items"]}


def test_what_is_printed_fits_into_a_terminal(dev: Dev) -> None:
    lines = dev.printed.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert len(lines) - lines.index(next(line for line in lines if "Forum runs" in line)) <= 12


def test_each_part_is_named_as_it_comes_up(dev: Dev) -> None:
    ports = dev.ports
    said = dev.printed.partition("Forum runs")[0]
    for port in (ports.postgres_port, ports.supabase_port, ports.aws_port, ports.api_port, ports.github_port):
        assert str(port) in said


def test_the_printed_password_is_the_demo_users(dev: Dev) -> None:
    signs_in = re.search(r"Sign in as +(\S+), password (\S+)", dev.printed)
    assert signs_in is not None
    answer = httpx.post(
        f"{dev.environment['SUPABASE_URL']}/auth/v1/token?grant_type=password",
        headers={"apikey": dev.environment["SUPABASE_ANON_KEY"]},
        json={"email": signs_in[1], "password": signs_in[2]},
        timeout=PATIENCE_SECONDS,
    )
    assert answer.raise_for_status().json()["user"]["email"] == DEMO_EMAIL


def test_the_demo_user_has_four_products_in_use(dev: Dev, api_url: str) -> None:
    token = run_local(dev.directory, "token", DEMO_EMAIL).stdout.strip()
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=api_url, headers=headers, timeout=PATIENCE_SECONDS) as api:

        def rows(path: str) -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = api.get(path).raise_for_status().json()["items"]
            return items

        assert {row["name"] for row in rows("/api/products")} == {"Havørn", "Lantern", "Quill", "Ember"}
        repositories = rows("/api/repositories?limit=100")
        assert len({row["product_id"] for row in repositories}) == 4
        assert {row["sync_state"] for row in repositories} == {"active"}
        work = rows("/api/work?limit=100")
        assert {row["status"] for row in work} == {"todo", "in_progress", "done"}
        assert {row["repository_id"] for row in work} - {None} <= {row["id"] for row in repositories}
        assert {row["type"] for row in rows("/api/docs")} == {"blueprint", "architecture", "note", "plan"}
        keys = rows("/api/app-info?limit=100")
        assert {row["is_secret"] for row in keys} == {True, False}
        assert {row["value"] for row in keys if row["is_secret"]} == {None}
        assert api.get("/api/github/connection").json()["state"] == "active"


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
        (("--grants", "admin"), "It has to be 'work'"),
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
