"""A way to Forum on which writes wait for each other, so that two commands meet half-way, or which breaks."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Thread
from typing import Any

import httpx

from tests.patience import PATIENCE_SECONDS

HANDED_ON = ("authorization", "content-type", "if-match", "idempotency-key")


class HoldingServer(ThreadingHTTPServer):
    """Hands requests on to Forum; one that writes only when as many as the barrier wants have come."""

    daemon_threads = True
    forum: str
    barrier: Barrier
    breaks_at: str | None = None
    """Where a request's address has this in it, the connection is cut."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request, whatever its method."""

    protocol_version = "HTTP/1.1"
    server: HoldingServer

    def hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: self.headers[name] for name in HANDED_ON if name in self.headers}
        if self.server.breaks_at is not None and self.server.breaks_at in self.path:
            self.close_connection = True
            return
        if self.command != "GET":
            self.server.barrier.wait(PATIENCE_SECONDS)
        url = f"{self.server.forum}{self.path}"
        answer = httpx.request(self.command, url, content=body, headers=headers, timeout=PATIENCE_SECONDS)
        self.send_response(answer.status_code)
        self.send_header("content-type", answer.headers.get("content-type", "text/plain"))
        self.send_header("content-length", str(len(answer.content)))
        if "link" in answer.headers:
            self.send_header("link", answer.headers["link"])
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PATCH = do_PUT = hand_on  # noqa: N815 - http.server looks for these

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hold_writes(forum: str, until: int) -> Iterator[HoldingServer]:
    """A way to a Forum on which each write waits until there are so many."""
    server = HoldingServer(("127.0.0.1", 0), Handler)
    server.forum, server.barrier = forum, Barrier(until)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.barrier.abort()
        server.shutdown()
        thread.join()
        server.server_close()
