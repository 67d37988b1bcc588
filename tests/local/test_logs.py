"""`make logs`: one stream of what all parts write."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.lock import hold_lock
from local.log_lines import read_line
from local.logs import LAST_LINES, READ_BYTES, LogFile
from local.postgres import ROOT
from local.waiting import wait_for
from tests.local.dev_process import run_local
from tests.patience import PATIENCE_SECONDS

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
REQUEST = (
    '{"level":"ERROR","message":"request","timestamp":"2026-11-23T02:30:19.334+01:00","service":"forum",'
    '"function":"products","lambda_request_id":"l","cold_start":true,"correlation_id":"c","request_id":"r",'
    '"method":"GET","route":"/api/products/{product_id}","status":503,"duration_ms":12.1,"problem":"unavailable"}'
)
SHOWN_REQUEST = (
    "01:30:19.334  api        products: GET /api/products/{product_id} 503 in 12.1 ms "
    "correlation_id=c problem=unavailable"
)
EVENT = (
    '{"level":"INFO","message":"sync_finished","timestamp":"2026-11-23T01:30:19.334+00:00","service":"forum",'
    '"function":"sync_worker","counts":{"changed":1}}'
)


def write_logs(directory: Path, **texts: str) -> None:
    (directory / "logs").mkdir(parents=True)
    for part, text in texts.items():
        (directory / "logs" / f"{part}.log").write_text(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            REQUEST,
            SHOWN_REQUEST,
        ),
        (EVENT, '01:30:19.334  api        sync_worker: sync_finished counts={"changed":1}'),
        ("2026-11-23 01:30:19.746 UTC [12] LOG:  ready", "01:30:19.746  api        [12] LOG:  ready"),
        ("23/Nov/2026:02:30:16 +0100: Config reloaded", "01:30:16.000  api        Config reloaded"),
        ("no time", "01:30:00.000  api        no time"),
        ('{"torn', '01:30:00.000  api        {"torn'),
        ('{"message": "m", "timestamp": "never"}', "01:30:00.000  api        None: m"),
        ("\x1b[31m\x1b[1mred\x1b[0m\x1b]0;title\x07", "01:30:00.000  api        red?]0;title?"),
        ("x" * 5000, "01:30:00.000  api        " + "x" * 1000 + "…"),
    ],
)
def test_line_of_any_part_is_told_on_one(text: str, shown: str) -> None:
    assert str(read_line("api", text, NOW)) == shown


def test_time_of_moto_is_that_of_the_machine() -> None:
    line = read_line("aws", '127.0.0.1 - - [23/Nov/2026 01:30:17] "POST / HTTP/1.1" 200 -', None)
    assert line is not None
    assert line.time == datetime(2026, 11, 23, 1, 30, 17).astimezone(UTC)
    assert line.text == '"POST / HTTP/1.1" 200 -'


@pytest.mark.parametrize(
    "text", ["", "  ", "GET /api/products?q=x (λ: products)", "(λ: products) RequestId: 1  Duration: 2 ms"]
)
def test_line_that_says_nothing_is_left_out(text: str) -> None:
    assert read_line("api", text, NOW) is None


@pytest.mark.parametrize(
    ("text", "level"),
    [
        (REQUEST, "ERROR"),
        (EVENT, "INFO"),
        ("2026-11-23 01:30:19.746 UTC [12] FATAL:  x", "ERROR"),
        ("WARNING: x", "WARNING"),
        ("no ERROR", "INFO"),
    ],
)
def test_level_is_read(text: str, level: str) -> None:
    line = read_line("api", text, NOW)
    assert line is not None
    assert line.level == level


def test_file_is_read_by_whole_lines_and_anew_after_a_new_start(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    file = LogFile("api", path)
    assert file.read() == []
    path.write_text("one\ntw")
    assert file.read() == ["one"]
    with path.open("a") as log:
        log.write("o\n")
    assert file.read() == ["two"]
    path.write_text("new\n")
    assert file.read() == ["new"]


def test_line_without_an_end_is_shown_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "api.log"
    path.write_bytes(b"x" * (READ_BYTES * 2 + 10))
    file = LogFile("api", path)
    read = [line for _ in range(3) for line in file.read()]
    assert sum(map(len, read)) + len(file.rest) == READ_BYTES * 2 + 10
    assert len(file.rest) <= READ_BYTES


def test_past_is_merged_by_time_without_colours(tmp_path: Path) -> None:
    write_logs(
        tmp_path,
        api=EVENT + "\nafterwards\n",
        postgres="2026-11-23 01:30:19.000 UTC [1] LOG:  before\n"
        "2026-11-23 01:30:20.000 UTC [1] ERROR:  after\n",
    )
    finished = run_local(tmp_path, "logs", "--no-follow")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert [line[14:].strip() for line in finished.stdout.splitlines()] == [
        "postgres   [1] LOG:  before",
        'api        sync_worker: sync_finished counts={"changed":1}',
        "api        afterwards",
        "postgres   [1] ERROR:  after",
    ]
    assert "\x1b" not in finished.stdout


def test_past_is_bounded_and_of_one_part_where_one_is_named(tmp_path: Path) -> None:
    write_logs(tmp_path, api="line\n" * (LAST_LINES + 50), aws="other\n")
    finished = run_local(tmp_path, "logs", "--no-follow", "--part", "api")
    assert finished.stdout.splitlines() == ["--:--:--.---  api        line"] * LAST_LINES


def test_part_that_there_is_not_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    write_logs(tmp_path, api="", aws="")
    finished = run_local(tmp_path, "logs", "--part", "apy")
    assert finished.returncode == 1
    assert "There is no part 'apy'. There are: api, aws." in finished.stderr


def test_nothing_to_show_and_nobody_to_follow_are_said(tmp_path: Path) -> None:
    never = run_local(tmp_path / "never", "logs")
    assert never.returncode == 1
    assert "has not run yet. Start it with `make dev`." in never.stderr
    write_logs(tmp_path, api="line\n")
    stopped = run_local(tmp_path, "logs")
    assert stopped.returncode == 1
    assert stopped.stdout.endswith("api        line\n")
    assert "does not run: start it with `make dev`." in stopped.stderr


# As a shell without job control starts what ends with `&`.
IN_BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")


def follow(directory: Path, output: Path) -> "subprocess.Popen[str]":
    with output.open("w") as written:
        return subprocess.Popen(  # noqa: S603 - our own program
            [*IN_BACKGROUND, sys.executable, "-m", "local", "--directory", directory, "logs"],
            cwd=ROOT,
            stdout=written,
            stderr=subprocess.STDOUT,
            text=True,
        )


def test_what_comes_is_shown_until_ctrl_c(tmp_path: Path) -> None:
    directory, output = tmp_path / "data", tmp_path / "output"
    write_logs(directory, api="past\n")
    with hold_lock(directory):
        process = follow(directory, output)
        assert wait_for(lambda: "past" in output.read_text(), PATIENCE_SECONDS)
        with (directory / "logs" / "api.log").open("a") as log:
            log.write(f"{EVENT}\n")
        assert wait_for(lambda: "sync_finished" in output.read_text(), PATIENCE_SECONDS)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert len(output.read_text().splitlines()) == 2


def test_end_of_the_stack_ends_the_stream(tmp_path: Path) -> None:
    directory, output = tmp_path / "data", tmp_path / "output"
    write_logs(directory, api="past\n")
    with hold_lock(directory):
        process = follow(directory, output)
        assert wait_for(lambda: "past" in output.read_text(), PATIENCE_SECONDS)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert output.read_text().splitlines()[-1] == "The local stack has stopped."


def test_reader_that_has_seen_enough_hears_no_complaint(tmp_path: Path) -> None:
    write_logs(tmp_path, api="line\n" * 150 + "x" * 900 + "\n")
    finished = subprocess.run(  # noqa: S602 - a pipe of a shell is what it is about
        f"{sys.executable} -m local --directory {tmp_path} logs --no-follow | head -1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (finished.stdout.count("\n"), finished.stderr) == (1, "")
