"""Deploy a stage: `make deploy stage=production`. Its settings stand in .env.<stage>, which git ignores.

A look goes first: who this is at AWS, what is deployed there, and what would change. Then migrations, so that
new code never meets an old database; a migration that old code cannot live with takes two deployments. Then
the keys that the database has to know, the secrets that the functions fetch, the functions, and the smoke
test. Where that fails, the functions go back by themselves.
"""

import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psycopg
from dotenv import dotenv_values

from operations.database import ENCRYPTED, connect
from operations.database_settings import find_wrong_database_settings, store_database_settings
from operations.look import Look, ask_aws, look, tell
from operations.page import find_wrong_page, publish_page
from operations.parameters import SECRETS, ParameterStoreError, find_wrong_secrets, store_secrets
from operations.smoke_test import run_smoke_test
from operations.tools import BIN, OWN, DeployError, call, find_url, go_back, tool_environment
from operations.working_deployments import note_working

ROOT = Path(__file__).parents[1]
# Where the stages' files are.
STAGES = ROOT

REQUIRED = {
    "SUPABASE_URL": "the Supabase project's URL",
    "SUPABASE_ANON_KEY": "its publishable key",
    "SUPABASE_SECRET_KEY": "its secret key",
    "DATABASE_URL": "its direct or session-pooler connection string, for migrations",
    "GITHUB_IMPORT_KEY": "a long random text, such as `openssl rand -base64 48` prints",
    "APP_INFO_KEY": "another one",
    "ALLOWED_ORIGINS": "the frontend's origin",
}
ONE_OF = ("SUPABASE_JWKS_URL", "SUPABASE_JWT_SECRET")
# What stands in .env.example, and in the connection string that Supabase's dashboard shows.
PLACEHOLDERS = ("abcdefghijklmnop", "…", "[YOUR-PASSWORD]")
# What serverless.yml takes for off unless it is exactly `true`.
SWITCHES = ("TRACING", "SNAP_START")
# Whose deployment has to be agreed to.
PRODUCTION = "production"
# A deployment makes its own; a developer's would end up in the functions.
NOT_FOR_A_DEPLOYMENT = ("ENCRYPTION_KEY", "ENCRYPTION_KEY_PREVIOUS", "SYNC_QUEUE_URL")
# Where tokens and keys are sent to.
URLS = (
    *("API_URL", "SUPABASE_URL", "SUPABASE_JWKS_URL"),
    *("GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_OAUTH_URL"),
)
# What stays on a machine is in nobody's hands on the way.
ENCRYPTED_URL = re.compile(r"https://|http://(localhost|127\.0\.0\.1)([:/]|$)")
# What a browser sends as Origin: a scheme, a host, a port where it is not the scheme's own, and no path.
ORIGIN = re.compile(
    r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d+)?"
    # A frontend under development, which a stage other than production may let in.
    r"|http://(localhost|127\.0\.0\.1)(:\d+)?"
)
# RFC 9110 section 5.6.2, without `*`: to a preflight it means any.
HEADER = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]+")
BASE_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
# A request without the base path would look as if it had it.
OWN_PATHS = (".well-known", "api", "health", "mcp", "openapi.json", "reference")
# What PostgREST calls before each request. A project has one.
PRE_REQUEST = "private.check_request"


def read_stage(stage: str) -> dict[str, str]:
    """The settings of a stage. Raises `DeployError` that names everything that is wrong with them."""
    if re.fullmatch(r"[a-z][a-z0-9-]*", stage) is None:
        raise DeployError(f"{stage!r} is not a valid name of a stage: use small letters, digits and hyphens")
    file = STAGES / f".env.{stage}"
    if not file.exists():
        raise DeployError(f"{file.name} is missing: copy .env.example to it and fill it in")
    # As it stands there: a password with `${` in it would be another one, and without a word.
    values = dotenv_values(file, interpolate=False)
    settings = {name: value for name, value in values.items() if value}
    wrong = find_wrong(settings)
    if wrong:
        raise DeployError("\n".join(f"{file.name}: {line}" for line in wrong))
    return settings


def find_wrong(settings: Mapping[str, str]) -> list[str]:
    """What is wrong with a stage's settings, each in a line and without a value."""
    wrong = [f"{name} is missing: {what}" for name, what in REQUIRED.items() if name not in settings]
    if not any(name in settings for name in ONE_OF):
        wrong.append(f"{' or '.join(ONE_OF)} is missing: how the project's tokens are verified")
    wrong += [
        f"{name} still has the placeholder of .env.example: put in your own"
        for name, value in settings.items()
        if any(placeholder in value for placeholder in PLACEHOLDERS)
    ]
    wrong += find_wrong_secrets(settings)
    wrong += find_wrong_database_settings(settings)
    wrong += [
        f"{name} has to be true or false"
        for name in SWITCHES
        if settings.get(name, "false") not in {"true", "false"}
    ]
    wrong += find_wrong_browser_settings(settings)
    wrong += find_wrong_page(settings)
    wrong += [
        f"{name} has to begin with https://: tokens and keys go there"
        for name in URLS
        if name in settings and ENCRYPTED_URL.match(settings[name]) is None
    ]
    wrong += [
        f"{name} has a ${{ in it, and what reads serverless.yml would put something else in its place"
        for name, value in settings.items()
        if "${" in value and name not in {*OWN, *SECRETS}
    ]
    wrong += [f"{name} is only for the local stack" for name in NOT_FOR_A_DEPLOYMENT if name in settings]
    return wrong


def find_wrong_browser_settings(settings: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with who may call from a browser, with what, and where."""
    origins = split(settings.get("ALLOWED_ORIGINS", ""))
    if "ALLOWED_ORIGINS" in settings and not (origins and all(map(ORIGIN.fullmatch, origins))):
        # `*` would let every page on the web call with a token that it has got hold of.
        yield "ALLOWED_ORIGINS has to be origins such as https://forum.example, with commas between, and no *"
    if not all(map(HEADER.fullmatch, split(settings.get("ALLOWED_HEADERS", "")))):
        yield "ALLOWED_HEADERS has to be names of headers, with commas between, and no *"
    base_path = settings.get("API_BASE_PATH", "")
    if base_path and (not BASE_PATH.fullmatch(base_path) or base_path.split("/")[1] in OWN_PATHS):
        yield (
            "API_BASE_PATH has to be a path such as /backend, without a slash at its end, and to begin with"
            f" none of {', '.join(f'/{path}' for path in OWN_PATHS)}"
        )
    if base_path and "API_URL" in settings and not settings["API_URL"].rstrip("/").endswith(base_path):
        yield "API_URL has to end with API_BASE_PATH"


def split(text: str) -> list[str]:
    """A list with commas, as infrastructure/cors.js reads it."""
    return [value.strip() for value in text.split(",") if value.strip()]


def migrate(database_url: str) -> None:
    """Applies the migrations that the project does not have yet."""
    command = [str(BIN / "supabase"), "db", "push", "--yes", f"--remote={database_url}"]
    call(command, {"PGSSLMODE": ENCRYPTED, **os.environ})


def set_keys(database_url: str, settings: Mapping[str, str]) -> None:
    """Tells the database the keys that Forum's functions prove themselves with; it keeps hashes of them."""
    with connect(database_url) as connection:
        connection.execute("select private.set_import_key(%s)", [settings["GITHUB_IMPORT_KEY"]])
        connection.execute("select private.set_app_info_key(%s)", [settings["APP_INFO_KEY"]])


def set_pre_request(database_url: str) -> None:
    """Has PostgREST ask Forum before each request. Raises `DeployError` rather than take another's place."""
    with connect(database_url) as connection:
        # For this database or for all: the former counts where there are both.
        row = connection.execute(
            """
            select split_part(pair.setting, '=', 2)
            from pg_db_role_setting as known, unnest(known.setconfig) as pair (setting)
            where known.setrole = 'authenticator'::regrole
              and known.setdatabase in (0, (select oid from pg_database where datname = current_database()))
              and pair.setting like 'pgrst.db\\_pre\\_request=%'
            order by known.setdatabase desc
            limit 1
            """
        ).fetchone()
        found = row[0] if row else ""
        if found not in {"", PRE_REQUEST}:
            raise DeployError(
                f"the project's pre-request is {found}, and Forum needs the place for {PRE_REQUEST}:"
                " docs/deployment.md says what to do"
            )
        if not found:
            connection.execute(f"alter role authenticator set pgrst.db_pre_request = '{PRE_REQUEST}'")
        connection.execute("notify pgrst, 'reload config'")


def let_tokens_in(database_url: str) -> None:
    """Lets PostgREST act for access tokens, where a migration was not allowed to. Raises `DeployError`."""
    with connect(database_url) as connection:
        allowed = connection.execute(
            "select pg_has_role('authenticator', 'forum_agent', 'member')"
        ).fetchone()
        if allowed == (True,):
            return
        try:
            connection.execute("grant forum_agent to authenticator")
        except psycopg.errors.InsufficientPrivilege as error:
            raise DeployError(
                "PostgREST cannot act for access tokens: run `grant forum_agent to authenticator` in the"
                " project's SQL editor, then deploy again"
            ) from error


def set_settings(database_url: str, settings: Mapping[str, str]) -> None:
    """Tells the database the settings by which it refuses, and connects Realtime where there is one."""
    with connect(database_url) as connection:
        store_database_settings(connection, settings)
        # The project may have got it after the migration that asked for it.
        connection.execute("select private.connect_realtime()")


def deploy_functions(stage: str, settings: Mapping[str, str]) -> None:
    """Uploads the package and updates the stack."""
    call([str(BIN / "serverless"), "deploy", "--stage", stage], tool_environment(stage, settings))


def agree(stage: str) -> None:
    """Asks whoever deploys to production. Raises `DeployError` unless they say yes."""
    if stage != PRODUCTION:
        return
    if not sys.stdin.isatty():
        raise DeployError(
            f"nobody is here to agree to it: `make deploy stage={stage} yes=1`. Nothing has changed"
        )
    print(f"Deploy this? Type {stage} for yes: ", end="", flush=True)
    if sys.stdin.readline().strip() != stage:
        raise DeployError("not agreed to: nothing has changed")


def deploy(stage: str, *, agreed: bool) -> str:
    """Where the stage is, once it works. Raises `DeployError`."""
    settings = read_stage(stage)
    before = look(stage, settings)
    print(tell(stage, before), flush=True)
    if not agreed:
        agree(stage)
    migrate(settings["DATABASE_URL"])
    set_pre_request(settings["DATABASE_URL"])
    let_tokens_in(settings["DATABASE_URL"])
    set_settings(settings["DATABASE_URL"], settings)
    set_keys(settings["DATABASE_URL"], settings)
    store_secrets(stage, settings)
    deploy_functions(stage, settings)
    url = settings.get("API_URL") or find_url(stage, settings)
    wrong = try_out(url, settings, before.commit)
    if wrong:
        told = "\n".join(wrong)
        raise DeployError(
            f"{url} is deployed and does not work:\n{told}\n{take_back(stage, url, before, settings)}"
        )
    note_what_runs(stage, settings)
    publish_page(stage, settings, url)
    return url


def try_out(url: str, settings: Mapping[str, str], commit: str | None) -> list[str]:
    """What the smoke test finds wrong with the deployment of a commit."""
    origin = split(settings["ALLOWED_ORIGINS"])[0]
    return run_smoke_test(url, origin=origin, token=os.environ.get("FORUM_TOKEN"), commit=commit)


def note_what_runs(stage: str, settings: Mapping[str, str]) -> None:
    """Has a rollback know that what runs now works."""
    _, stack = ask_aws(stage, settings)
    if stack is not None and stack.deployment is not None:
        note_working(stage, settings, stack.deployment)


def take_back(stage: str, url: str, before: Look, settings: Mapping[str, str]) -> str:
    """Takes the functions back to what ran before. Returns what has become of it, in a sentence.

    Migrations, the database's settings and secrets stay.
    """
    if before.stack is None or before.deployment is None:
        return "There is no earlier deployment to go back to."
    try:
        _, now = ask_aws(stage, settings)
        if now is not None and now.deployment == before.deployment:
            # osls deploys nothing where neither code nor resources differ.
            return "It runs what it ran before, so there is nothing to take back."
        go_back(stage, settings, before.deployment)
    except DeployError as error:
        # Not in the place of what the smoke test has found.
        return f"The functions are not back: {error}. `make rollback stage={stage} to={before.deployment}`"
    state = "does not work either" if try_out(url, settings, before.stack.commit) else "works"
    return (
        f"The functions are back at the deployment {before.deployment}, which {state}."
        " Migrations, the database's settings and secrets have stayed."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = ArgumentParser(prog="python -m operations.deploy", description="Deploy a stage.")
    parser.add_argument("stage")
    parser.add_argument("--yes", action="store_true", help="production as well, without a question")
    given = parser.parse_args(arguments)
    try:
        url = deploy(given.stage, agreed=given.yes)
    except (DeployError, psycopg.Error, ParameterStoreError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{url} works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
