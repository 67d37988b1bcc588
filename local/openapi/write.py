"""Writes openapi.json from the routes of all functions: `python -m local.openapi.write [--check]`."""

import argparse
import json
import sys
import tomllib

from functions.account import handler as account
from functions.account_import import handler as account_import
from functions.activity import handler as activity
from functions.app_info import handler as app_info
from functions.documents import handler as documents
from functions.export import handler as export
from functions.github_connection import handler as github_connection
from functions.github_import import handler as github_import
from functions.github_runs import handler as github_runs
from functions.github_sync import handler as github_sync
from functions.health import handler as health
from functions.products import handler as products
from functions.reference import handler as reference
from functions.repositories import handler as repositories
from functions.resume import handler as resume
from functions.search import handler as search
from functions.tokens import handler as tokens
from functions.trash import handler as trash
from functions.work_items import handler as work_items
from local.openapi import build_document
from local.postgres import ROOT

DOCUMENT = ROOT / "openapi.json"

# In the order in which a reader meets them.
FUNCTIONS = (
    products,
    repositories,
    work_items,
    documents,
    app_info,
    resume,
    activity,
    github_import,
    github_connection,
    github_runs,
    github_sync,
    search,
    tokens,
    trash,
    account,
    export,
    account_import,
    health,
    reference,
)


def write_document() -> str:
    """The document as text, the same for the same code."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    tags = [{"name": function.router.tags[0], "description": function.__doc__} for function in FUNCTIONS]
    document = build_document([function.router for function in FUNCTIONS], version=version, tags=tags)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the document, or with `--check` say whether it is what the code makes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the file is stale")
    if not parser.parse_args().check:
        DOCUMENT.write_text(write_document(), encoding="utf-8")
    elif not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != write_document():
        sys.exit("openapi.json is not what the functions' routes make: run `make openapi` and commit it.")


if __name__ == "__main__":
    main()
