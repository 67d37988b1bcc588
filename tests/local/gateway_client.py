"""A gateway in a thread of this process, as a browser or a client meets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn

from local.gateway.app import create_app
from local.gateway.github_client import GithubApp
from local.ports import LOOPBACK, answers, free_port
from local.supabase import SITE_URL, Supabase
from local.waiting import wait_for
from tests.patience import PATIENCE_SECONDS


@contextmanager
def run_gateway(supabase: Supabase, github: GithubApp | None = None) -> Iterator[httpx.Client]:
    """A client that follows no redirect and shows the publishable key."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    app = create_app(
        url=url,
        site_url=SITE_URL,
        postgrest_url=f"http://{LOOPBACK}:{free_port()}",
        database_url=supabase.postgres.url_of("supabase_auth_admin"),
        keys=supabase.keys,
        github=github,
    )
    # Logs as pytest has set them up: tests read the mails there.
    server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_config=None, access_log=False))
    thread = Thread(target=server.run, name="gateway", daemon=True)
    thread.start()
    try:
        assert wait_for(lambda: answers(port), PATIENCE_SECONDS)
        with httpx.Client(base_url=url, headers={"apikey": supabase.anon_key}) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)


def query_of(answer: httpx.Response) -> dict[str, str]:
    """The parameters of the address that a browser is sent to."""
    return _first_values(urlsplit(answer.headers["location"]).query)


def fragment_of(answer: httpx.Response) -> dict[str, str]:
    """What stands behind the # of that address."""
    return _first_values(urlsplit(answer.headers["location"]).fragment)


def _first_values(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
