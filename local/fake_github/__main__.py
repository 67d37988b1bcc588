"""`python -m local.fake_github` serves the demo account on $GITHUB_PORT."""

import os
import sys

from local.fake_github.server import serve

DEFAULT_PORT = 54340

port = int(os.environ.get("GITHUB_PORT", DEFAULT_PORT))
try:
    serve(port)
except OSError as problem:
    reason = os.strerror(problem.errno or 0)
    sys.exit(f"the fake GitHub cannot listen on port {port} ({reason}); set GITHUB_PORT to another")
