"""A whole local Supabase over a database: PostgREST and the gateway, and what its users do first."""

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg

from local.keys import Keys, load_keys
from local.part import Part, PartError, run_part
from local.ports import LOOPBACK, answers
from local.postgres import ROOT, Postgres
from local.postgrest import run_postgrest
from operations.database_settings import LIMITS, find_wrong_database_settings, store_database_settings

SITE_URL = f"http://{LOOPBACK}:3000"
# Whom `make dev` makes, with a world worth looking at.
DEMO_EMAIL = "demo@example.com"
PASSWORD = "forum-local-password"  # noqa: S105 - of users that live on this machine only


@dataclass(frozen=True)
class User:
    """A signed-in user."""

    id: UUID
    email: str
    access_token: str


@dataclass(frozen=True)
class Users:
    """The users of a Supabase, as its sign-up makes them."""

    url: str
    anon_key: str

    def create(self, email: str | None = None, **user_metadata: object) -> User:
        """A new user."""
        address = email or f"{secrets.token_hex(6)}@example.com"
        answer = httpx.post(
            f"{self.url}/auth/v1/signup",
            json={"email": address, "password": PASSWORD, "data": user_metadata},
            headers={"apikey": self.anon_key},
            timeout=60,
        )
        body = answer.raise_for_status().json()
        return User(UUID(body["user"]["id"]), body["user"]["email"], body["access_token"])


@dataclass(frozen=True)
class Supabase:
    """A running local Supabase."""

    url: str
    postgres: Postgres
    keys: Keys
    parts: tuple[Part, ...]

    @property
    def database_url(self) -> str:
        """The database as the role postgres."""
        return self.postgres.url

    @property
    def anon_key(self) -> str:
        """The publishable key, in the new format."""
        return self.keys.anon_key

    @property
    def jwt_secret(self) -> str:
        """The legacy HS256 secret."""
        return self.keys.jwt_secret

    @property
    def issuer(self) -> str:
        """What the tokens carry as `iss`."""
        return f"{self.url}/auth/v1"

    @property
    def jwks_url(self) -> str:
        """Where the public keys are."""
        return f"{self.issuer}/.well-known/jwks.json"

    @property
    def import_key(self) -> str:
        """What the import function shows to the database."""
        return self.keys.import_key

    @property
    def app_info_key(self) -> str:
        """What the app info function shows to the database."""
        return self.keys.app_info_key

    def sign(self, claims: dict[str, Any]) -> str:
        """A token under the project's ES256 key, whatever it claims."""
        return self.keys.sign(claims)

    def sign_hs256(self, claims: dict[str, Any]) -> str:
        """A token under the legacy secret, whatever it claims."""
        return self.keys.sign_hs256(claims)

    def create_user(self, email: str | None = None, **user_metadata: object) -> User:
        """A new user, through sign-up."""
        return Users(self.url, self.anon_key).create(email, **user_metadata)


@contextmanager
def run_supabase(  # noqa: PLR0913 - what the stack and the tests vary
    postgres: Postgres,
    *,
    port: int,
    postgrest_ports: tuple[int, int],
    keys: Path,
    logs: Path,
    site_url: str = SITE_URL,
    github: Mapping[str, str] | None = None,
) -> Iterator[Supabase]:
    """Runs everything of Supabase that is not the database itself.

    `site_url` is where a sign-in ends that names no page; `github` holds the functions' settings, whose App
    is the one to sign in with.
    """
    url = f"http://{LOOPBACK}:{port}"
    loaded = load_keys(keys)
    rest_port, admin_port = postgrest_ports
    settings = {
        "url": url,
        "site_url": site_url,
        "port": port,
        "postgrest_url": f"http://{LOOPBACK}:{rest_port}",
        "database_url": postgres.url_of("supabase_auth_admin"),
        "keys": str(keys),
    }
    with (
        run_postgrest(
            postgres, loaded, port=rest_port, admin_port=admin_port, log=logs / "postgrest.log"
        ) as postgrest,
        run_part(
            "The Supabase gateway",
            [sys.executable, "-m", "local.gateway", json.dumps(settings)],
            logs / "gateway.log",
            environment={**os.environ, **(github or {})},
            directory=ROOT,
        ) as gateway,
    ):
        gateway.wait_until(lambda: answers(port))
        set_keys(postgres, loaded)
        set_settings(postgres)
        yield Supabase(url, postgres, loaded, (postgrest, gateway))


def set_settings(postgres: Postgres) -> None:
    """Tells the database the settings by which it refuses: those that the functions have, too."""
    # How often somebody writes to a machine of their own is their affair.
    settings = {LIMITS: json.dumps({"writes_per_minute": None})}
    settings |= {name: value for name, value in os.environ.items() if value}
    wrong = list(find_wrong_database_settings(settings))
    if wrong:
        raise PartError("\n".join(wrong))
    with psycopg.connect(postgres.url) as connection:
        store_database_settings(connection, settings)


def set_keys(postgres: Postgres, keys: Keys) -> None:
    """Tells the database the keys by which it knows Forum's functions."""
    with psycopg.connect(postgres.url) as connection:
        connection.execute("select private.set_import_key(%s)", (keys.import_key,))
        connection.execute("select private.set_app_info_key(%s)", (keys.app_info_key,))
