"""`python -m local dev | token EMAIL | reset`, behind the Makefile's targets of the same names."""

import argparse
import shutil
import sys
from pathlib import Path

import psycopg
from dotenv import dotenv_values

from local.dev import dev
from local.keys import load_keys
from local.lock import hold_lock
from local.migrations import MigrationError
from local.part import PartError
from local.postgres import ROOT, stop_remaining_server
from local.token import token_for


def main() -> None:
    """Runs one command; what goes wrong is said in a sentence on standard error."""
    arguments = parse_arguments()
    try:
        match arguments.command:
            case "dev":
                dev(arguments.directory)
            case "token":
                print(token(arguments.directory, arguments.email))
            case "reset":
                reset(arguments.directory)
    except (PartError, MigrationError) as error:
        sys.exit(f"\n{error}")
    except PermissionError as error:
        sys.exit(f"\n{error}. Has another user, such as root, run the local stack here before?")


def parse_arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m local")
    parser.add_argument("--directory", type=Path, default=ROOT / ".local", help="where the data are kept")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("dev", help="run the whole backend until Ctrl-C")
    commands.add_parser("token", help="print a token for a local user").add_argument("email")
    commands.add_parser("reset", help="throw the local data away")
    arguments = parser.parse_args()
    arguments.directory = arguments.directory.absolute()
    return arguments


def token(directory: Path, email: str) -> str:
    """A token at the stack that runs over this directory."""
    values = dotenv_values(directory / "env")
    database_url, supabase_url = values.get("DATABASE_URL"), values.get("SUPABASE_URL")
    if database_url is None or supabase_url is None:
        raise PartError("The local stack has not run yet: start it with `make dev`.")
    try:
        keys = load_keys(directory / "keys")
        return token_for(email, database_url=database_url, keys=keys, supabase_url=supabase_url)
    except psycopg.OperationalError as error:
        raise PartError("The local stack does not run: start it with `make dev`.") from error


def reset(directory: Path) -> None:
    """Leaves nothing, the keys included."""
    with hold_lock(directory):
        stop_remaining_server(directory / "postgres" / "data")
        shutil.rmtree(directory)
    print(f"Removed {directory}.")


if __name__ == "__main__":
    main()
