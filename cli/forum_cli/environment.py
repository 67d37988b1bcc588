"""`forum env`: the values of the folder's product, for a command or in a file."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import click

from forum_cli.failures import Conflicting, Failure
from forum_cli.files import write_private_file
from forum_cli.folder import choose_environment, environment_option, name_environment, open_product
from forum_cli.output import json_option, show, show_json

EXPORT = "/api/app-info/export"
NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as sh says it
# Whoever sets one of these runs code of their own in what is started, or chooses what is started.
DANGEROUS = frozenset(
    {
        *(
            "PATH",
            "IFS",
            "ENV",
            "BASH_ENV",
            "SHELLOPTS",
            "BASHOPTS",
            "PS4",
            "PROMPT_COMMAND",
            "CDPATH",
            "ZDOTDIR",
        ),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONBREAKPOINT", "PYTHONINSPECT"),
        *("PERL5LIB", "PERL5OPT", "PERL5DB", "RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "NODE_PATH", "LUA_INIT"),
        *("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "DOTNET_STARTUP_HOOKS", "PHPRC"),
        *("PHP_INI_SCAN_DIR", "RUSTC", "MAKEFLAGS", "OPENSSL_CONF", "OPENSSL_MODULES", "GCONV_PATH"),
        *("EDITOR", "VISUAL", "PAGER", "BROWSER", "SSH_ASKPASS", "SUDO_ASKPASS", "ELECTRON_RUN_AS_NODE"),
    }
)
DANGEROUS_STARTS = (
    *("LD_", "DYLD_", "BASH_FUNC_", "GIT_", "NPM_CONFIG_", "PIP_", "CARGO_", "RUSTC_", "CORECLR_", "COR_"),
)


@click.group()
def env() -> None:
    """Values out to a command or file, and in."""


def is_dangerous(name: str) -> bool:
    """Whether a variable is known to decide which code runs. npm takes it in either case, as Windows does."""
    return name.upper() in DANGEROUS or name.upper().startswith(DANGEROUS_STARTS)


def make_environment(inherited: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """What a command gets: its environment without Forum's token and settings, and the product's values."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("FORUM_")}
    return {**kept, **values}


@env.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--only", help="Only these keys, with commas between them.")
@environment_option
@click.option("--allow", multiple=True, metavar="NAME", help="Set this variable although it can run code.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    *, only: str | None, environment: str | None, allow: tuple[str, ...], command: tuple[str, ...]
) -> NoReturn:
    """Run COMMAND with the product's values.

    forum env run -- npm start

    It takes the place of this process, so that its exit code, its signals and its terminal are its own. Each
    secret is recorded as revealed.
    """
    asked = name_environment(choose_environment(environment))
    with open_product() as (forum, product):
        values = forum.fetch(EXPORT, product_id=product, format="json", include_secrets="true", **asked)
    if only is not None:
        wanted = set(only.split(","))
        if missing := sorted(wanted - values.keys()):
            raise Failure(f"The product has no value for {', '.join(missing)}.")
        values = {name: value for name, value in values.items() if name in wanted}
    if refused := sorted(name for name in values if is_dangerous(name) and name not in allow):
        raise Failure(
            f"{', '.join(refused)} would decide which code runs. If you mean it: "
            + " ".join(f"--allow {name}" for name in refused)
        )
    start(command, make_environment(os.environ, values))


def start(command: tuple[str, ...], environment: dict[str, str]) -> NoReturn:
    """Become the command."""
    try:
        if os.name == "nt":
            found = shutil.which(command[0], path=environment.get("PATH")) or command[0]
            raise SystemExit(subprocess.run([found, *command[1:]], env=environment, check=False).returncode)  # noqa: S603 - what the person has typed
        # Python ignores it, and what is ignored stays so in the program that takes its place: `yes | head`
        # would not end.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execvpe(command[0], command, environment)  # noqa: S606 - what the person has typed, without a shell
    except FileNotFoundError:
        click.echo(f"There is no command {command[0]!r}.", err=True)
        raise SystemExit(NOT_FOUND) from None
    except OSError as error:
        click.echo(f"{command[0]!r} does not start: {error.strerror}.", err=True)
        raise SystemExit(NOT_EXECUTABLE) from None


@env.command()
@click.argument("file", default=".env", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file with other content.")
@environment_option
@json_option
def pull(*, file: Path, force: bool, environment: str | None, as_json: bool) -> None:
    """Write the product's values into FILE.

    Into .env, unless named, with mode 0600. Each secret is recorded as revealed.
    """
    if is_tracked(file):
        raise Failure(f"git tracks {file}: secrets would be in the next commit. Take it out: git rm --cached")
    asked = name_environment(choose_environment(environment))
    with open_product() as (forum, product):
        params = {"product_id": product, "include_secrets": "true", **asked}
        answer = forum.send("GET", EXPORT, params=params)
    if file.exists() and not force and file.read_bytes() != answer.content:
        raise Conflicting(f"{file} has other content, which would be lost. Replace it with --force.")
    write_private_file(file, answer.content)
    if as_json:
        show_json({"file": str(file), "left_out": int(answer.headers["forum-left-out-count"])})
    else:
        of = f" for {asked['environment']}" if asked else ""
        show(f"{file} has the product's values{of}.")


def is_tracked(file: Path) -> bool:
    """Whether git has a file in its index; without git, nothing is."""
    if (git := shutil.which("git")) is None:
        return False
    asked = [git, "-C", str(file.absolute().parent), "ls-files", "--error-unmatch", "--", file.name]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0  # noqa: S603 - fixed words and a name behind `--`
