"""`make dev` from start to stop: what it refuses, what it keeps, and that nothing of it stays behind."""

import errno
import os
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from local.dev import check_ports
from local.migrations import apply_migrations
from local.part import PartError
from local.ports import LOOPBACK, find_hindrance, free_port, is_taken
from local.postgres import run_postgres
from local.stack import Ports
from local.waiting import wait_for
from tests.local.dev_process import Dev, descendants, free_ports, run_local, start_dev, still_running
from tests.patience import PATIENCE_SECONDS

# moto, Postgres, the fake GitHub, PostgREST, the gateway, the functions, the API, the queue poller
PARTS = 8
# Of six functions, each once.
LISTS = ("products", "repositories", "work", "docs", "app-info", "github/runs")


def products_of(dev: Dev, email: str) -> list[str]:
    token = run_local(dev.directory, "token", email).stdout.strip()
    answer = httpx.get(
        f"{dev.environment['API_URL']}/api/products",
        headers={"authorization": f"Bearer {token}"},
        timeout=PATIENCE_SECONDS,
    )
    return [product["name"] for product in answer.raise_for_status().json()["items"]]


def test_a_burst_right_after_the_start_is_answered(tmp_path: Path) -> None:
    dev = start_dev(tmp_path / "data", free_ports()).running()
    try:
        token = run_local(dev.directory, "token", "first@example.com").stdout.strip()

        def ask(path: str) -> tuple[int, object]:
            answer = httpx.get(
                f"{dev.environment['API_URL']}/api/{path}",
                headers={"authorization": f"Bearer {token}"},
                timeout=PATIENCE_SECONDS,
            )
            return answer.status_code, answer.json().get("items")

        with ThreadPoolExecutor(12) as clients:
            assert list(clients.map(ask, LISTS * 2)) == [(200, [])] * 12
    finally:
        assert dev.stop(signal.SIGTERM) == 0


def test_taken_ports_are_all_named_before_anything_starts(tmp_path: Path) -> None:
    ports = free_ports()
    with (
        socket.create_server((LOOPBACK, ports.postgrest_port)),
        socket.create_server((LOOPBACK, ports.aws_port)),
    ):
        dev = start_dev(tmp_path / "data", ports)
        assert dev.ended() == 1
    assert f"Port {ports.postgrest_port} (POSTGREST_PORT) is taken by another program." in dev.printed
    assert f"Port {ports.aws_port} (AWS_PORT) is taken by another program." in dev.printed
    assert f"POSTGREST_PORT={ports.postgrest_port + 100} make dev" in dev.printed
    assert not (tmp_path / "data" / "postgres").exists()


def test_the_offset_moves_every_port_that_has_no_variable_of_its_own() -> None:
    moved = Ports.read({"PORT_OFFSET": "100", "API_PORT": "8080"})
    assert moved.by_variable() == {
        **{variable: port + 100 for variable, port in Ports().by_variable().items()},
        "API_PORT": 8080,
    }


@pytest.mark.parametrize("offset", ["ten", "-1", "10001", "1.5"])
def test_what_is_not_an_offset_is_refused(offset: str) -> None:
    with pytest.raises(PartError, match=f"PORT_OFFSET={offset} is not a number from 0 to 10000"):
        Ports.read({"PORT_OFFSET": offset})


def test_the_offset_that_a_refusal_names_leads_to_free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the ports by default only these two are none that the system gives to connections, which come and go
    # while other tests run.
    moving = {"API_PORT", "LAMBDA_PORT"}
    for variable, port in free_ports().by_variable().items():
        if variable in moving:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, str(port))
    ports = Ports.read(os.environ).by_variable()
    with ExitStack() as others:
        for variable in moving:
            if find_hindrance(ports[variable]) is None:
                others.enter_context(socket.create_server((LOOPBACK, ports[variable])))
        with pytest.raises(PartError, match="make dev") as refused:
            check_ports(Ports.read(os.environ))
    said = str(refused.value)
    assert all(f"Port {ports[name]} ({name}) is taken by another program." in said for name in moving)
    (offset,) = re.findall(r"PORT_OFFSET=(\d+) make dev", said)
    moved = Ports.read({**os.environ, "PORT_OFFSET": offset}).by_variable()
    assert {name for name, port in moved.items() if port != ports[name]} == moving
    assert [find_hindrance(moved[name]) for name in moving] == [None, None]


def test_a_port_that_may_not_be_used_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever runs this may be root, whom no port refuses.
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, f"Permission denied: {address}")

    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(PartError, match=r"Port 80 \(API_PORT\) is one that you may not use\.") as refused:
        check_ports(Ports(api_port=80))
    assert "taken" not in str(refused.value)
    assert not is_taken(80)


def test_one_port_for_two_parts_is_refused(tmp_path: Path) -> None:
    ports = free_ports()
    dev = start_dev(tmp_path / "data", ports, GITHUB_PORT=str(ports.api_port))
    assert dev.ended() == 1
    assert f"API_PORT and GITHUB_PORT are both {ports.api_port}" in dev.printed


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "³"])
def test_what_is_not_a_port_number_is_refused(tmp_path: Path, port: str) -> None:
    dev = start_dev(tmp_path / "data", free_ports(), SUPABASE_PORT=port)
    assert dev.ended() == 1
    assert f"SUPABASE_PORT={port} is not a port number" in dev.printed


def test_data_of_an_older_history_of_migrations_are_left_alone_and_named(tmp_path: Path) -> None:
    directory, older = tmp_path / "local", tmp_path / "older"
    older.mkdir()
    (older / "20261122000200_users.sql").write_text("create table public.users (id uuid primary key);")
    with run_postgres(directory / "postgres", free_port()) as server:
        apply_migrations(server.url, older)
    dev = start_dev(directory, free_ports())
    assert dev.ended() == 1
    assert (
        f"The data in {directory} are of another history of migrations, which has 20261122000200_users:"
        " run `make reset`" in dev.printed
    )
    with (
        run_postgres(directory / "postgres", free_port()) as server,
        psycopg.connect(server.url) as connection,
    ):
        columns = "select column_name from information_schema.columns where table_schema = 'public'"
        assert connection.execute(columns.encode()).fetchall() == [("id",)]


def test_a_stop_leaves_nothing_running_and_a_new_start_keeps_the_data(tmp_path: Path) -> None:
    ports = free_ports()
    first = start_dev(tmp_path / "data", ports).running()
    started = descendants(first.process.pid)
    environment = first.environment
    token = run_local(first.directory, "token", "kept@example.com").stdout.strip()
    httpx.post(
        f"{environment['API_URL']}/api/products",
        json={"name": "Kept"},
        headers={"authorization": f"Bearer {token}"},
        timeout=PATIENCE_SECONDS,
    ).raise_for_status()
    assert len(started) > PARTS
    assert first.stop(signal.SIGTERM) == 0
    sync = run_local(first.directory, "sync")
    assert sync.returncode == 1
    assert "The local stack does not run" in sync.stderr
    assert still_running(started) == []
    assert not any(is_taken(port) for port in ports.by_variable().values())

    second = start_dev(tmp_path / "data", ports).running()
    try:
        assert second.environment == environment
        assert products_of(second, "kept@example.com") == ["Kept"]
        assert len(products_of(second, "demo@example.com")) == 4, "the sample data come once"
    finally:
        started = descendants(second.process.pid)
        assert second.stop(signal.SIGHUP) == 0
    assert still_running(started) == []

    reset = run_local(tmp_path / "data", "reset")
    assert reset.returncode == 0
    assert not (tmp_path / "data").exists()
    token_after = run_local(tmp_path / "data", "token", "kept@example.com")
    assert token_after.returncode == 1
    assert "make dev" in token_after.stderr


def test_a_stop_while_starting_leaves_nothing_running(tmp_path: Path) -> None:
    dev = start_dev(tmp_path / "data", free_ports())
    gateway_log = tmp_path / "data" / "logs" / "gateway.log"
    assert wait_for(gateway_log.exists, PATIENCE_SECONDS), dev.printed
    started = descendants(dev.process.pid)
    assert started
    assert dev.stop(signal.SIGINT) == 0
    assert still_running(started) == []


def test_a_start_after_a_kill_works_and_a_dying_part_stops_all(tmp_path: Path) -> None:
    ports = free_ports()
    killed = start_dev(tmp_path / "data", ports).running()
    killed.stop(signal.SIGKILL)

    dev = start_dev(tmp_path / "data", ports).running()
    started = descendants(dev.process.pid)
    [gateway] = [process for process in started if "local.gateway" in "".join(still_running({process}))]
    os.kill(gateway, signal.SIGKILL)
    assert dev.ended() == 1
    assert "The Supabase gateway was stopped by SIGKILL." in dev.printed
    assert "gateway.log" in dev.printed
    assert still_running(started) == []
