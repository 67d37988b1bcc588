"""What `make dev` says once everything runs."""

import shlex

from local.stack import Stack
from local.supabase import PASSWORD


def welcome(stack: Stack, email: str, seconds: float) -> str:
    """Where to look, who to be, the three ways in, and what to try: lines that fit into a terminal."""
    lines = [
        "",
        f"Forum runs, {seconds:.0f} seconds after its start. Ctrl-C stops it; the data stay.",
        "",
        f"  Open         {stack.page.url if stack.page else f'{stack.api.url}/reference'}",
        f"  API          {stack.api.url} (to read and try: /reference)",
        f"  Supabase     {stack.supabase.url} (keys: {stack.directory.name}/env)",
        f"  Sign in as   {email}, password {PASSWORD}",
        f"  Command      pipx install ./cli && forum login --api {stack.api.url}",
        f"  Agent        forum mcp install claude --api {stack.api.url}",
        "",
        f"  TOKEN=$(make -s token email={shlex.quote(email)})",
        f'  curl -sH "Authorization: Bearer $TOKEN" {stack.api.url}/api/products',
        "",
    ]
    return "\n".join(lines)
