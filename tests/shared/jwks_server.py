"""A loopback server for a JWKS whose keys, delays and failures a test decides."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.patience import PATIENCE_SECONDS


class JwksServer:
    """Serves the public halves of its keys."""

    def __init__(self) -> None:
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.fetches = 0
        self.body: bytes | None = None
        self.status = 200
        self.url = ""

    def add_key(self, key_id: str) -> None:
        """A new ES256 key, published at once."""
        self.keys[key_id] = ec.generate_private_key(ec.SECP256R1())

    def sign(self, claims: dict[str, Any], key_id: str) -> str:
        """A token signed with one of the keys."""
        return jwt.encode(claims, self.keys[key_id], algorithm="ES256", headers={"kid": key_id})

    def render(self) -> bytes:
        """The JWKS, or the body that the test has set instead."""
        self.fetches += 1
        if self.body is not None:
            return self.body
        keys = [
            {
                **ECAlgorithm.to_jwk(key.public_key(), as_dict=True),
                "kid": key_id,
                "use": "sig",
                "alg": "ES256",
            }
            for key_id, key in self.keys.items()
        ]
        return json.dumps({"keys": keys}).encode()


@contextmanager
def run_jwks_server() -> Iterator[JwksServer]:
    """A running server, on a free port."""
    jwks = JwksServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = jwks.render()
            self.send_response(jwks.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        jwks.url = f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield jwks
        server.shutdown()
        thread.join(timeout=PATIENCE_SECONDS)
