"""Where a browser comes back to after a sign-in: a port of this machine, for a few minutes."""

import queue
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from forum_cli.failures import NotSignedIn

WAIT_SECONDS = 300
PAGE = b"""<!doctype html><meta charset="utf-8"><title>Forum</title>
<p style="font: 1.2rem system-ui; margin: 4rem auto; max-width: 30rem">\
Go back to the terminal: <code>forum</code> goes on there. You can close this page.
"""


class Landing(ThreadingHTTPServer):
    """Takes what the sign-in sends along. Threads, as browsers open connections and say nothing on them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.came: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        self.address = f"http://127.0.0.1:{self.server_port}/"

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def wait_for_code(self) -> str:
        """The code of the sign-in."""
        try:
            came = self.came.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise NotSignedIn(
                "No browser has come back. By a code in a mail it goes without: forum login --email you@…\n"
                f"If the browser did sign in: {self.address} has to be among the project's redirect URLs."
            ) from None
        if "code" not in came:
            raise NotSignedIn(f"The sign-in has ended without one: {came.get('error_description', '')}")
        return came["code"]


class Handler(BaseHTTPRequestHandler):
    """One request of the browser, which may also ask for an icon."""

    server: Landing

    def do_GET(self) -> None:
        """Take the code, and tell the person where to look now."""
        parts = urlsplit(self.path)
        came = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/" or not {"code", "error"} & came.keys():
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(PAGE)))
        self.send_header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("referrer-policy", "no-referrer")
        self.send_header("cache-control", "no-store")
        self.end_headers()
        self.wfile.write(PAGE)
        self.server.came.put(came)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the code is in the address."""
