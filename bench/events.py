"""API Gateway's events (payload format 2.0), as far as Forum reads them."""

import json
from typing import Any

from local.supabase import User


def make_event(method: str, url: str, user: User, body: Any = None, **headers: str) -> dict[str, Any]:
    """The event of one request. `url` is a path with its query."""
    path, _, query = url.partition("?")
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "authorization": f"Bearer {user.access_token}",
            "content-type": "application/json",
            "host": "api.example.com",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
            "requestId": "bench",
            "stage": "$default",
        },
        "isBase64Encoded": False,
        **({} if body is None else {"body": json.dumps(body)}),
    }
