"""Serves the page: `python -m local.page_server <port> <folder> <config>`, started by local/page.py."""

import json
import sys
from pathlib import Path

import uvicorn

from local.page_server.app import create_app
from local.ports import LOOPBACK

if __name__ == "__main__":
    port, folder, config = sys.argv[1:]
    app = create_app(Path(folder), json.loads(config))
    uvicorn.run(app, host=LOOPBACK, port=int(port), access_log=False)
