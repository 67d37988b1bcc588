"""A warm `handler(event)` for a list of 50, against the same PostgREST request by a bare httpx client."""

import httpx

from bench.calls import Calls, invoke
from bench.events import make_event
from bench.line import Line
from bench.timing import compare
from functions.products.handler import handler
from local.supabase import Supabase, User

ROWS = 60
TIMES = 400
BOUND = 1.4


def measure_warm_list(supabase: Supabase, user: User) -> Line:
    """Reads the same 50 rows both ways."""
    headers = {"apikey": supabase.anon_key, "Authorization": f"Bearer {user.access_token}"}
    with httpx.Client() as bare:
        rows = [{"name": f"Product {number}", "description": "As many do"} for number in range(ROWS)]
        bare.post(f"{supabase.url}/rest/v1/products", json=rows, headers=headers).raise_for_status()
        event = make_event("GET", "/api/products?limit=50", user)
        with Calls(supabase.url) as calls:
            invoke(handler, event)
        (request,) = calls.requests

        def read() -> None:
            bare.get(request.url, headers=headers).raise_for_status().json()

        compared = compare(lambda: invoke(handler, event), read, TIMES)
    return Line(
        "warm list of 50, verification included",
        "the same PostgREST request by bare httpx",
        str(compared),
        f"{BOUND}",
        compared.ratio <= BOUND,
    )
