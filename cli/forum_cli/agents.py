"""`forum mcp install`: how a coding agent gets to Forum's tools."""

import json
import shlex

import click

from forum_cli.output import json_option, show, show_json
from forum_cli.tokens import api_option

# Not FORUM_TOKEN: with that one `forum` itself would take the agent's token for its own.
VARIABLE = "FORUM_AGENT_TOKEN"
NAMES = {"claude": "Claude Code", "codex": "Codex", "cursor": "Cursor"}


@click.group()
def mcp() -> None:
    """Connect a coding agent to Forum."""


@mcp.command()
@click.argument("agent", type=click.Choice(sorted(NAMES)))
@api_option
@json_option
def install(*, agent: str, api: str, as_json: bool) -> None:
    """Print what connects AGENT to Forum.

    The agent reads its token from the environment that it starts in, so no file and no argument has it.
    """
    step = describe_install(agent, f"{api}/mcp")
    create = f"forum tokens create {shlex.quote(NAMES[agent])} --grants work,docs --api {shlex.quote(api)}"
    token = f'export {VARIABLE}="$({create})"'
    if as_json:
        show_json({"agent": agent, "url": f"{api}/mcp", "token": token, "install": step})
        return
    click.echo("A token for it, in the environment that it starts in; --product keeps it to one:", err=True)
    click.echo(f"  {token}\n", err=True)
    where = "In .cursor/mcp.json:" if agent == "cursor" else "Then, once, in the project's folder:"
    click.echo(where, err=True)
    show(step)


def describe_install(agent: str, url: str) -> str:
    """The command that adds the server to an agent, or what to write into its file."""
    if agent == "claude":
        # In single quotes: Claude Code puts the variable in when it starts.
        header = f"'Authorization: Bearer ${{{VARIABLE}}}'"
        return f"claude mcp add --scope project --transport http forum {shlex.quote(url)} --header {header}"
    if agent == "codex":
        return f"codex mcp add forum --url {shlex.quote(url)} --bearer-token-env-var {VARIABLE}"
    headers = {"Authorization": f"Bearer ${{env:{VARIABLE}}}"}
    return json.dumps({"mcpServers": {"forum": {"url": url, "headers": headers}}}, indent=2)
