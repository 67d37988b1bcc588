"""The connections to Supabase and GitHub: whom they trust, and what they keep."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.auth.signing_keys import SigningKeys, SigningKeysUnavailable
from shared.http_client import get_http_client, get_tls_context

RunServer = Callable[[Path | None], AbstractContextManager[str]]


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    """Clients of a process that has asked for nothing yet."""
    forget_clients()
    yield
    forget_clients()


def forget_clients() -> None:
    """Close the connections there are, and make new ones from now on."""
    get_http_client().close()
    get_http_client.cache_clear()
    get_tls_context.cache_clear()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate and its key, signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


@contextmanager
def run_server(certificate: Path | None) -> Iterator[str]:
    """A server that sets a cookie, and answers with those that it got."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.headers.get("cookie", "").encode()
            self.send_response(200)
            self.send_header("Set-Cookie", "of=somebody; Path=/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # Not on accept, which would wait for a client that refuses.
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_request_without_tls_reads_no_list_of_authorities() -> None:
    with run_server(None) as url:
        assert get_http_client().get(url).status_code == 200
    assert get_tls_context.cache_info().currsize == 0


def test_server_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with run_server(certificate) as url, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get_http_client().get(url)


def test_keys_of_a_server_that_nobody_vouches_for_are_refused(certificate: Path) -> None:
    with run_server(certificate) as url, pytest.raises(SigningKeysUnavailable):
        SigningKeys(url).get_signing_key("any")


def test_keys_and_requests_read_one_list_of_authorities(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with run_server(certificate) as url:
        assert [get_http_client().get(url).status_code for _ in range(2)] == [200, 200]
        assert SigningKeys(url).ssl_context is get_tls_context()
    assert get_tls_context.cache_info().misses == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cookie_of_an_answer_goes_along_with_no_other_request(
    scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with run_server(certificate if scheme == "https" else None) as url:
        first, second = get_http_client().get(url), get_http_client().get(url)
    assert first.headers["set-cookie"].startswith("of=somebody")
    assert second.text == ""


def test_no_cookie_can_be_given_to_the_client() -> None:
    with pytest.raises(AttributeError):
        get_http_client().cookies = httpx.Cookies({"of": "somebody"})
