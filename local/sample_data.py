"""A demo user who has used Forum for a while, so that whoever looks around sees something."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from local.fake_github.seed import DEMO_TOKEN
from local.sample_world import SAMPLE_WORLD, SampleProduct
from local.stack import Stack

JSON = dict[str, Any]

ANSWER_SECONDS = 60
# By way of which statuses a work item gets to its own.
STEPS = {"in_progress": ("in_progress",), "done": ("in_progress", "done")}
# As many as a list shows at once.
PAGE = 100


def add_sample_data(stack: Stack, token: str, marker: Path) -> None:
    """Adds it once, through the API: what the user deletes stays deleted.

    A start goes on without it where the API fails, which may be what is being worked on. The next one tries
    again, and makes nothing twice.
    """
    if marker.exists():
        return
    headers = {"authorization": f"Bearer {token}"}
    try:
        with httpx.Client(base_url=stack.api.url, headers=headers, timeout=ANSWER_SECONDS) as api:
            add(api, SAMPLE_WORLD, has_github=stack.github.is_fake)
    except httpx.HTTPError as error:
        said = error.response.text if isinstance(error, httpx.HTTPStatusError) else ""
        print(f"  no sample data this time: {error} {said}".rstrip(), flush=True)
        return
    marker.touch()


def add(api: httpx.Client, world: Sequence[SampleProduct], *, has_github: bool) -> None:
    """Everything, in few requests. The real GitHub knows neither the token nor the repositories."""
    on_github: dict[str, int] = {}
    if has_github:
        # With it, the schedule keeps the repositories in step.
        answered(api.put("/api/github/connection", json={"token": DEMO_TOKEN}))
        on_github = list_repositories(api)
    products = create(api, "products", [sample.product for sample in world])
    statuses: dict[str, str] = {}
    for sample, product in zip(world, products, strict=True):
        wanted = [on_github[name] for name in sample.repositories if name in on_github]
        repositories = import_repositories(api, product["id"], wanted) if wanted else {}
        rows = [
            {
                "product_id": product["id"],
                "repository_id": repositories.get(on_github.get(work.repository or "", 0)),
                "title": work.title,
                "description": work.description,
                "type": work.type,
                "priority": work.priority,
            }
            for work in sample.work
        ]
        items = create(api, "work", rows)
        statuses |= {item["id"]: work.status for item, work in zip(items, sample.work, strict=True)}
        for path, others in (("docs", sample.documents), ("app-info", sample.app_info)):
            create(api, path, [{**row, "product_id": product["id"]} for row in others])
    move(api, statuses)


def list_repositories(api: httpx.Client) -> dict[str, int]:
    """The repositories of the demo user's GitHub account, by their names."""
    found: dict[str, int] = {}
    for skip in count(0, PAGE):
        page = answered(api.get("/api/github/repos", params={"limit": PAGE, "skip": skip}))["items"]
        found |= {item["name"]: item["github_id"] for item in page}
        if len(page) < PAGE:
            break
    return found


def import_repositories(api: httpx.Client, product_id: str, github_ids: Sequence[int]) -> dict[int, str]:
    """Imports them. Returns their ids by GitHub's."""
    body = {"product_id": product_id, "github_ids": github_ids}
    report = answered(api.post("/api/github/import", json=body))
    return {result["github_id"]: result["repository_id"] for result in report["results"]}


def move(api: httpx.Client, statuses: Mapping[str, str]) -> None:
    """Moves each work item, from where it stands to its status, step by step."""
    for before, after in (("todo", "in_progress"), ("in_progress", "done")):
        standing = answered(api.get("/api/work", params={"status": before, "limit": PAGE}))["items"]
        moved = [
            {"id": item["id"], "status": after}
            for item in standing
            if after in STEPS.get(statuses.get(item["id"], ""), ())
        ]
        if moved:
            answered(api.patch("/api/work/bulk", json={"items": moved}))


def create(api: httpx.Client, path: str, rows: Sequence[JSON]) -> list[JSON]:
    """Makes rows of one kind, in their order, and makes them once however often it is asked."""
    if not rows:
        return []
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    headers = {"Idempotency-Key": f"sample-data-{digest}"}
    made: list[JSON] = answered(api.post(f"/api/{path}/bulk", json={"items": rows}, headers=headers))["items"]
    return made


def answered(answer: httpx.Response) -> JSON:
    """What an answer says. Raises `httpx.HTTPStatusError` for a problem."""
    said: JSON = answer.raise_for_status().json()
    return said
