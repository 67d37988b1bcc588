"""`make dev`: the whole backend in the foreground, until Ctrl-C."""

import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from local.environment import write_environment
from local.lock import hold_lock
from local.part import PartError, adopt_orphans
from local.ports import find_hindrance, is_taken
from local.postgres import stop_remaining_server
from local.sample_data import add_sample_data
from local.stack import LARGEST_OFFSET, OFFSET, Ports, Stack, run_stack
from local.supabase import DEMO_EMAIL
from local.token import token_for
from local.waiting import wait_for
from local.welcome import welcome

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REMAINS_SECONDS = 60
OFFSET_STEP = 100


class StopRequested(BaseException):
    """Somebody pressed Ctrl-C, or the terminal is gone. No error: nothing may catch it but `dev`."""


def dev(directory: Path) -> None:
    """Runs until it is told to stop or a part dies."""
    adopt_orphans()
    with stop_signals(), hold_lock(directory) as was_killed:
        ports = Ports.read(os.environ)
        if was_killed:
            wait_for_remains(directory, ports)
        check_ports(ports)
        print("Starting Forum…", flush=True)
        started = time.monotonic()
        try:
            with run_stack(directory, ports) as stack:
                token = token_for(
                    DEMO_EMAIL,
                    database_url=stack.supabase.database_url,
                    keys=stack.supabase.keys,
                    supabase_url=stack.supabase.url,
                )
                write_environment(directory, stack)
                add_sample_data(stack, token, directory / "sample-data-added")
                print(welcome(stack, DEMO_EMAIL, time.monotonic() - started), flush=True)
                watch(stack)
        except StopRequested:
            # After a hangup there is no terminal left to print on.
            with suppress(OSError):
                print("Forum has stopped.", flush=True)


@contextmanager
def stop_signals() -> Iterator[None]:
    """Turns the first signal to stop into an exception, and lets the stopping run undisturbed after it."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise StopRequested

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_ports(ports: Ports) -> None:
    """Refuses to start half of the stack. Names every port that is in the way, not only the first."""
    seen: dict[int, str] = {}
    hindered = []
    for variable, port in ports.in_use().items():
        if port in seen:
            raise PartError(f"{seen[port]} and {variable} are both {port}.")
        seen[port] = variable
        if hindrance := find_hindrance(port):
            hindered.append((variable, port, hindrance))
    if hindered:
        variable, port, _hindrance = hindered[0]
        lines = [f"Port {port} ({variable}) {hindrance}." for variable, port, hindrance in hindered]
        lines += ["", f"Another one: {variable}={port + OFFSET_STEP} make dev"]
        if (offset := find_offset()) is not None:
            lines.append(f"All of them moved: {OFFSET}={offset} make dev")
        raise PartError("\n".join(lines))


def find_offset() -> int | None:
    """By how much the ports have to move for every one of them to be free."""
    for offset in range(OFFSET_STEP, LARGEST_OFFSET, OFFSET_STEP):
        moved = Ports.read({**os.environ, OFFSET: str(offset)})
        if not any(find_hindrance(port) for port in moved.in_use().values()):
            return offset
    return None


def wait_for_remains(directory: Path, ports: Ports) -> None:
    """After a kill -9 the parts are still stopping, and hold their ports for a moment."""
    stop_remaining_server(directory / "postgres" / "data")
    wait_for(lambda: not any(is_taken(port) for port in ports.in_use().values()), REMAINS_SECONDS)


def watch(stack: Stack) -> NoReturn:
    """Waits for a part to end, which it should not."""
    wait_for(lambda: any(part.has_ended() for part in stack.parts), math.inf)
    raise next(part.died() for part in stack.parts if part.has_ended())
