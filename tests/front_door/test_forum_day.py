"""What somebody with three products does in a day, by `forum` alone: the wheel against the running stack."""

from typing import Any

import httpx

from tests.front_door.terminal import Terminal, create


def test_day_of_ten_things_goes_by_the_command_alone(
    linked: Terminal, person: httpx.Client, product: str, api_url: str
) -> None:
    for name in ("Beacon", "Comet"):
        create(person, "/api/products", name=name)
    twice: Any = create(person, "/api/work", product_id=product, title="Mails go out twice")
    text = "# Releases\n\nRun the cron job by hand.\n"
    create(person, "/api/docs", product_id=product, title="How a release goes", content=text)
    create(person, "/api/app-info", product_id=product, key="API_TOKEN", value="s3cr3t", is_secret=True)
    create(person, "/api/app-info", product_id=product, key="LOG_LEVEL", value="debug-canary")
    token = create(person, "/api/tokens", name="Day", grants=["work", "docs"])
    linked.environment |= {"FORUM_TOKEN": token["token"], "FORUM_API": api_url}

    everywhere = linked.succeed("next", "--all")
    assert all(name in everywhere for name in ("Atlas", "Beacon", "Comet", twice["id"][:8]))
    added = linked.succeed("work", "add", "Renew the certificate").split()[0]
    linked.succeed("work", "start", added)
    linked.succeed("work", "done", twice["id"][:8])
    (found,) = linked.read_json("search", "release", "cron", "-k", "doc")["items"]
    (linked.folder / "more.md").write_text("\nThen tell everybody.\n")
    linked.succeed("doc", "append", found["id"][:8], "more.md")
    linked.succeed("doc", "replace", found["id"][:8], "by hand", "from the pipeline")
    assert linked.run("doc", "replace", found["id"][:8], "nowhere", "x").returncode == 4
    assert linked.succeed("doc", "cat", found["id"][:8]) == (
        "# Releases\n\nRun the cron job from the pipeline.\n\nThen tell everybody.\n"
    )
    listed = linked.succeed("env", "list")
    assert listed.splitlines() == ["API_TOKEN  secret", "LOG_LEVEL  plain"]
    assert "canary" not in linked.succeed("env", "list", "--json")
    linked.succeed("next", "Look whether mails still go out twice.")
    changed = linked.succeed("log")
    assert "Created work item “Renew the certificate”" in changed
    assert "Changed the next note of product “Atlas”" in changed
    assert "“Beacon”" not in changed
    assert "Created product “Beacon”  (Beacon)" in linked.succeed("log", "--all")
    assert "There is more than these 1" in linked.run("log", "-n", "1").stderr
