"""The fake on a loopback port: in a thread for tests, in the foreground for the local stack."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn

from local.fake_github.account import Account
from local.fake_github.app import FakeGitHub
from local.fake_github.graphql import schema

STOP_WITHIN_SECONDS = 60


def _server(fake: FakeGitHub) -> uvicorn.Server:
    # uvicorn adds no headers of its own: the fake's are GitHub's. A cut connection is no news for a log.
    return uvicorn.Server(
        uvicorn.Config(
            fake,
            lifespan="off",
            log_level="critical",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
    )


@contextmanager
def _listener(port: int) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", port)) as listener:
        # asyncio sets this only on sockets that name their protocol, which these do not: without it, answers
        # above one segment wait 40 ms for the client's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


@contextmanager
def run_fake_github(port: int = 0, account: Account | None = None) -> Iterator[FakeGitHub]:
    """A running fake with its `url` set. Port 0 is a free one; the socket listens before this yields."""
    fake = FakeGitHub(account)
    # Seconds of computing, for which the first query would wait: longer than Forum does, on a busy machine.
    schema()
    with _listener(port) as listener:
        fake.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = _server(fake)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="fake-github", daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.should_exit = True
            thread.join(STOP_WITHIN_SECONDS)


def serve(port: int) -> None:
    """Blocks until a signal. An occupied port is an OSError that names it."""
    fake = FakeGitHub()
    # As above.
    schema()
    with _listener(port) as listener:
        fake.url = f"http://127.0.0.1:{port}"
        count = len(fake.account.repositories)
        print(f"fake GitHub: {fake.url}, {count} repositories of {fake.account.user.login}", flush=True)
        _server(fake).run(sockets=[listener])
