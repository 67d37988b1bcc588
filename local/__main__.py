"""`python -m local dev | token | agent-token | sync | logs | reset | migration`, for the Makefile."""

import argparse
import shutil
import signal
import sys
from pathlib import Path

import httpx
import psycopg

from local.agent_token import make_agent_token
from local.dev import dev
from local.environment import read_environment
from local.keys import load_keys
from local.lock import hold_lock
from local.logs import show_logs
from local.migrations import MigrationError
from local.new_migration import write_migration
from local.part import PartError
from local.postgres import ROOT, stop_remaining_server
from local.schemas import SchemaError
from local.sync import sync_due, sync_user
from local.token import token_for

NOT_RUNNING = "The local stack does not run: start it with `make dev`."


def main() -> None:
    """Runs one command; what goes wrong is said in a sentence on standard error."""
    arguments = parse_arguments()
    # A shell starts a background job with SIGINT ignored, and Python and every part would leave it so.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run(arguments)
    except (PartError, MigrationError, SchemaError) as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        # `make sync` was looked at for long enough; what it looked at goes on.
        sys.exit(130)
    except PermissionError as error:
        sys.exit(f"\n{error}. Has another user, such as root, run the local stack here before?")


def run(arguments: argparse.Namespace) -> None:
    """Does what was asked for."""
    match arguments.command:
        case "dev":
            dev(arguments.directory)
        case "token":
            print(token(arguments.directory, arguments.email))
        case "agent-token":
            print(agent_token(arguments.directory, arguments.email, arguments.product, arguments.grants))
        case "sync":
            sync(arguments.directory, arguments.email)
        case "logs":
            show_logs(arguments.directory, arguments.part, follow=arguments.follow)
        case "reset":
            reset(arguments.directory)
        case "migration":
            supabase: Path = arguments.supabase
            print(write_migration(arguments.name, supabase / "schemas", supabase / "migrations"))


def parse_arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m local")
    parser.add_argument("--directory", type=Path, default=ROOT / ".local", help="where the data are kept")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("dev", help="run the whole backend until Ctrl-C")
    commands.add_parser("token", help="print a token for a local user").add_argument("email")
    agent = commands.add_parser("agent-token", help="print an access token of a local user")
    agent.add_argument("email")
    agent.add_argument("--product", help="the only product that it is for, by its id or name; all without")
    agent.add_argument("--grants", default="", help="what it may do beside reading, with commas between")
    asked = commands.add_parser("sync", help="re-sync with GitHub what is due, or one user's repositories")
    asked.add_argument("--email", help="the user")
    logs = commands.add_parser("logs", help="show what all parts log, until Ctrl-C")
    logs.add_argument("--part", help="only this one, such as api or postgres")
    logs.add_argument("--no-follow", dest="follow", action="store_false", help="show the past and end")
    commands.add_parser("reset", help="throw the local data away")
    migration = commands.add_parser(
        "migration", help="write the next migration from what the schemas have changed"
    )
    migration.add_argument("name", help="its subject, as it stands in the file's name")
    migration.add_argument(
        "--supabase", type=Path, default=ROOT / "supabase", help="where the schemas and migrations are"
    )
    arguments = parser.parse_args()
    arguments.directory = arguments.directory.absolute()
    return arguments


def token(directory: Path, email: str) -> str:
    """A token at the stack that runs over this directory."""
    values = read_environment(directory)
    try:
        return token_for(
            email,
            database_url=values["DATABASE_URL"],
            keys=load_keys(directory / "keys"),
            supabase_url=values["SUPABASE_URL"],
        )
    except psycopg.OperationalError as error:
        raise PartError(NOT_RUNNING) from error


def agent_token(directory: Path, email: str, product: str | None, grants: str) -> str:
    """An access token of a user of the stack that runs over this directory."""
    session = token(directory, email)
    chosen = [grant.strip() for grant in grants.split(",") if grant.strip()]
    try:
        return make_agent_token(read_environment(directory)["API_URL"], session, product, chosen)
    except httpx.TransportError as error:
        raise PartError(NOT_RUNNING) from error


def sync(directory: Path, email: str | None) -> None:
    """A re-sync at the stack that runs over this directory."""
    values = read_environment(directory)
    try:
        if email is None:
            sync_due(values)
        else:
            sync_user(values, email, token(directory, email))
    except (psycopg.OperationalError, httpx.TransportError) as error:
        raise PartError(NOT_RUNNING) from error


def reset(directory: Path) -> None:
    """Leaves nothing, the keys included."""
    with hold_lock(directory):
        stop_remaining_server(directory / "postgres" / "data")
        shutil.rmtree(directory)
    print(f"Removed {directory}.")


if __name__ == "__main__":
    main()
