"""A Supabase that fails as it is told, for what the real one does when something is broken."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

# The status and the body of an answer; None cuts the connection.
Answering = Callable[[str], tuple[int, Any] | None]


class BrokenSupabase(ThreadingHTTPServer):
    """Answers each request by its path."""

    daemon_threads = True
    answering: Answering

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request, whatever its method."""

    protocol_version = "HTTP/1.1"
    server: BrokenSupabase

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        found = self.server.answering(self.path)
        if found is None:
            self.close_connection = True
            return
        status, value = found
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server looks for these

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def run_broken_supabase() -> Iterator[BrokenSupabase]:
    """A broken Supabase on a free port, which cuts every connection until it is told otherwise."""
    server = BrokenSupabase(("127.0.0.1", 0), Handler)
    server.answering = lambda _: None
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def error(code: str, **more: str) -> dict[str, Any]:
    """An error as PostgREST writes it."""
    return {"code": code, "message": "refused", "details": None, "hint": None, **more}
