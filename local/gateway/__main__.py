"""Serves the gateway: `python -m local.gateway <settings as JSON>`, started by local/supabase.py."""

import json
import os
import sys
from pathlib import Path

import uvicorn

from local.gateway.app import create_app
from local.gateway.github_client import read_github_app
from local.keys import load_keys
from local.ports import LOOPBACK

if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    uvicorn.run(
        create_app(
            url=settings["url"],
            site_url=settings["site_url"],
            postgrest_url=settings["postgrest_url"],
            database_url=settings["database_url"],
            keys=load_keys(Path(settings["keys"])),
            # From the environment, as for the functions: a command line with the App's secret is seen by all.
            github=read_github_app(os.environ),
        ),
        host=LOOPBACK,
        port=settings["port"],
        access_log=False,
    )
