"""API Gateway's events, as its HTTP API sends them to a function (payload format 2.0)."""

import json
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from shared.http.problems import ProblemDocument


def make_event(method: str, url: str, headers: dict[str, str], body: bytes | None) -> dict[str, Any]:
    """The event of one request. `url` is a path with its query."""
    parts = urlsplit(url)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {parts.path}",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": {
            "accept": "*/*",
            "host": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **{name.lower(): value for name, value in headers.items()},
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
            "http": {
                "method": method,
                "path": parts.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "tests",
            },
            "requestId": f"request-{uuid4()}",
            "routeKey": f"{method} {parts.path}",
            "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1795348800000,
        },
        "isBase64Encoded": False,
    }
    if body is not None:
        try:
            event["body"] = body.decode()
        except UnicodeDecodeError:
            event["body"], event["isBase64Encoded"] = b64encode(body).decode(), True
    return event


# What goes out as base64: no text of JSON's, in which Lambda would escape each quote once more.
PACKED = {"application/zip", "application/x-ndjson"}


class Answer:
    """What a function gave back to API Gateway."""

    def __init__(self, result: dict[str, Any], request_id: str) -> None:
        is_binary = result["headers"].get("content-type") in PACKED
        assert result["isBase64Encoded"] is (is_binary and result["body"] != ""), (
            "files go out as base64, and text must not"
        )
        self.status: int = result["statusCode"]
        self.headers: dict[str, str] = result["headers"]
        self.text: str = result["body"]
        self.request_id = request_id

    @property
    def content(self) -> bytes:
        """The body of a file."""
        return b64decode(self.text)

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.text)

    def expect(self, status: int) -> Any:
        """The body as JSON (or None), after a look at the status."""
        assert self.status == status, f"{self.status} instead of {status}: {self.text[:2000]}"
        return self.json if self.text else None

    def expect_problem(self, status: int, slug: str) -> dict[str, Any]:
        """The problem document, after a look at everything that all of them share."""
        problem: dict[str, Any] = self.expect(status)
        assert self.headers["content-type"] == "application/problem+json"
        assert problem["type"] == f"urn:forum:problem:{slug}", problem
        assert problem["status"] == status
        assert problem["title"]
        assert problem["detail"]
        assert problem["request_id"] == self.request_id
        # Clients know no other: `current` has a schema of its own for each kind of row.
        assert set(problem) <= {*ProblemDocument.model_fields, "current"}
        if status == 401:
            assert self.headers["www-authenticate"].startswith("Bearer")
        return problem
