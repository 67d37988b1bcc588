"""Serves the gateway: `python -m local.gateway <settings as JSON>`, started by local/supabase.py."""

import json
import sys
from pathlib import Path

import uvicorn

from local.gateway.app import create_app
from local.keys import load_keys
from local.ports import LOOPBACK

if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    uvicorn.run(
        create_app(
            url=settings["url"],
            postgrest_url=settings["postgrest_url"],
            database_url=settings["database_url"],
            keys=load_keys(Path(settings["keys"])),
        ),
        host=LOOPBACK,
        port=settings["port"],
        access_log=False,
    )
