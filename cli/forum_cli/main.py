"""The command itself."""

import click
from click.shell_completion import get_completion_class

from forum_cli.agents import mcp
from forum_cli.docs import doc
from forum_cli.environment import env
from forum_cli.exporting import export_account
from forum_cli.finding import search
from forum_cli.history import log
from forum_cli.importing import import_account
from forum_cli.keys import diff, push, set_value
from forum_cli.listing import list_keys
from forum_cli.output import make_harmless
from forum_cli.resuming import next_up
from forum_cli.session import link, login, logout, products, status
from forum_cli.tokens import tokens
from forum_cli.work import work

CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="forum-cli")
@click.option("--product", metavar="NAME", help="The product to work on, by name or id; else the folder's.")
def forum(*, product: str | None) -> None:
    """Forum in a terminal: what was next, where it was, and the key for it."""


@forum.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion for a shell.

    For bash and zsh: eval "$(forum completion bash)"
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    click.echo(found(forum, {}, "forum", "_FORUM_COMPLETE").source())


for command in (
    login,
    logout,
    status,
    products,
    link,
    next_up,
    work,
    doc,
    env,
    search,
    log,
    tokens,
    mcp,
    export_account,
    import_account,
):
    forum.add_command(command)
for command in (list_keys, push, set_value, diff):
    env.add_command(command)


def run() -> None:
    """Run it. A failure is one message on standard error and an exit code, never a traceback."""
    try:
        code = forum.main(prog_name="forum", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        raise SystemExit(130) from None
    except click.UsageError as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except click.ClickException as error:
        click.echo(f"forum: {make_harmless(error.format_message())}", err=True)
        raise SystemExit(error.exit_code) from None
    raise SystemExit(code if isinstance(code, int) else 0)
