"""Access tokens through the running stack: an agent's day, and the step for CI that docs/tokens.md shows."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.postgres import ROOT
from local.supabase import User
from tests.local.dev_process import Dev
from tests.patience import PATIENCE_SECONDS

PAGE = (ROOT / "docs" / "tokens.md").read_text(encoding="utf-8")


@pytest.fixture
def person(api_url: str, user: User) -> Iterator[httpx.Client]:
    """The API, called by a new user."""
    headers = {"authorization": f"Bearer {user.access_token}"}
    with httpx.Client(base_url=api_url, headers=headers, timeout=PATIENCE_SECONDS) as client:
        yield client


def create(client: httpx.Client, path: str, **body: Any) -> Any:
    """A new row."""
    return client.post(path, json=body).raise_for_status().json()


def test_token_works_on_its_product_until_it_is_revoked_here_and_past_the_api(
    dev: Dev, api_url: str, person: httpx.Client
) -> None:
    product, other = (create(person, "/api/products", name=name) for name in ("Atlas", "Other"))
    create(person, "/api/work", product_id=other["id"], title="Out of the scope")
    entry = create(
        person, "/api/app-info", product_id=product["id"], key="KEY", value="s3cr3t", is_secret=True
    )
    token = create(person, "/api/tokens", name="Agent", product_id=product["id"], grants=["work"])
    in_front = {"authorization": f"Bearer {token['token']}"}
    past_the_api = {"apikey": dev.environment["SUPABASE_ANON_KEY"], "x-forum-token": token["token"]}
    rest_url = f"{dev.environment['SUPABASE_URL']}/rest/v1/"
    with (
        httpx.Client(base_url=api_url, headers=in_front, timeout=PATIENCE_SECONDS) as agent,
        httpx.Client(base_url=rest_url, headers=past_the_api, timeout=PATIENCE_SECONDS) as rest,
    ):
        item = create(agent, "/api/work", product_id=product["id"], title="By an agent")
        agent.post(f"/api/work/{item['id']}/status", json={"status": "in_progress"}).raise_for_status()
        assert [row["title"] for row in agent.get("/api/work").json()["items"]] == ["By an agent"]
        assert [row["title"] for row in rest.get("work_items").json()] == ["By an agent"]
        refused = (
            agent.delete(f"/api/work/{item['id']}"),
            agent.post(f"/api/app-info/{entry['id']}/reveal"),
            agent.delete(f"/api/products/{product['id']}"),
            agent.get("/api/tokens"),
            rest.delete("work_items"),
        )
        assert [answer.status_code for answer in refused] == [403] * 5
        assert agent.get(f"/api/products/{other['id']}").status_code == 404
        (seen,) = person.get("/api/tokens").json()["items"]
        assert seen["last_activity"]["entity_id"] == item["id"]
        person.delete(f"/api/tokens/{token['id']}").raise_for_status()
        assert agent.get("/api/work").status_code == rest.get("work_items").status_code == 401
    assert len(person.get("/api/work").json()["items"]) == 2
    logs = "".join(path.read_text(errors="replace") for path in (dev.directory / "logs").glob("*.log"))
    assert "/api/tokens/{token_id}" in logs
    assert token["token"] not in logs


def read_step() -> str:
    """The commands of the step that the page shows."""
    (step,) = re.findall(r"^  run: \|\n((?:    .*\n)+)", PAGE, re.MULTILINE)
    return str(step)


def run_step(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as a runner of GitHub's does."""
    return subprocess.run(  # noqa: S603 - what the page has between its fences
        ["bash", "-e", "-o", "pipefail", "-c", read_step()],  # noqa: S607 - where it lives differs by system
        cwd=folder,
        env={**environment, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def test_step_for_ci_fetches_the_env_file_of_a_product(
    api_url: str, person: httpx.Client, tmp_path: Path
) -> None:
    product = create(person, "/api/products", name="Atlas")["id"]
    create(person, "/api/app-info", product_id=product, key="API_TOKEN", value="s3cr3t", is_secret=True)
    create(person, "/api/app-info", product_id=product, key="PORT", value="8080")
    told = {"FORUM_API": api_url, "FORUM_PRODUCT": product}
    token = create(person, "/api/tokens", name="CI", product_id=product, grants=["reveal"])["token"]
    ended = run_step(tmp_path, FORUM_TOKEN=token, **told)
    assert (ended.returncode, ended.stdout) == (0, "")
    file = tmp_path / ".env"
    assert file.read_text() == "API_TOKEN=s3cr3t\nPORT=8080\n"
    assert file.stat().st_mode & 0o777 == 0o600
    reader = create(person, "/api/tokens", name="Reader", product_id=product)["token"]
    assert run_step(tmp_path, FORUM_TOKEN=reader, **told).returncode != 0


def test_shape_of_the_page_is_that_of_a_token(person: httpx.Client) -> None:
    (shape,) = re.findall(r"^regex = '''(.+)'''$", PAGE, re.MULTILINE)
    token = create(person, "/api/tokens", name="CI")["token"]
    assert re.search(shape, f"token={token};")
    assert not re.search(shape, f"token={token}0")
