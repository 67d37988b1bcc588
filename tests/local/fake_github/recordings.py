"""GitHub's real answers, recorded by Octokit (npm @octokit/fixtures)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

SCENARIOS = (
    Path(__file__).parents[3] / "node_modules" / "@octokit" / "fixtures" / "scenarios" / "api.github.com"
)


@dataclass(frozen=True)
class Recording:
    method: str
    path: str
    status: int
    headers: httpx.Headers
    content: Any

    def response(self) -> httpx.Response:
        """The answer as the wire would carry it; only the length is left to httpx."""
        kept = [(n, v) for n, v in self.headers.multi_items() if n not in {"content-length", "connection"}]
        body = b"" if self.content == "" else json.dumps(self.content).encode()
        return httpx.Response(self.status, headers=kept, content=body)


def recordings(scenario: str) -> list[Recording]:
    raw = json.loads((SCENARIOS / scenario / "raw-fixture.json").read_bytes())
    return [
        Recording(
            entry["method"].upper(),
            entry["path"],
            entry["status"],
            httpx.Headers(list(zip(entry["rawHeaders"][::2], entry["rawHeaders"][1::2], strict=True))),
            entry["response"],
        )
        for entry in raw
    ]
