"""An artifact for this machine, unpacked where nothing else is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest

from local.aws import Aws, run_moto
from local.fake_github import Account, FakeGitHub, Owner, run_fake_github
from local.github import Github, fake_settings
from local.ports import free_port
from local.serverless import OFFLINE, read_service
from local.stack import settings_of
from local.supabase import Supabase
from operations.package import build, get_this_machine
from tests.package.runtime_api import Function, run_function

# What Lambda's runtime has beside the artifact: the client that runs it, and boto3.
RUNTIME = (
    *("awslambdaric", "simplejson", "snapshot-restore-py"),
    *("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"),
)
TOKEN = "gho_" + "a" * 36

RunFunction = Callable[[str], AbstractContextManager[Function]]
RunWith = Callable[[str, dict[str, str]], AbstractContextManager[Function]]


@pytest.fixture(scope="session")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact for this machine and this Python."""
    artifact = tmp_path_factory.mktemp("zipped") / "forum.zip"
    build(artifact, get_this_machine(), Path(sys.executable))
    return artifact


@pytest.fixture(scope="session")
def unpacked(zipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files."""
    folder = tmp_path_factory.mktemp("task")
    with ZipFile(zipped) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Lambda's runtime brings, and nothing else of the development environment."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME:
        for file in distribution(name).files or ():
            top = folder / file.parts[0]
            if file.parts[0] not in {"..", "__pycache__"} and not top.is_symlink():
                top.symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / file.parts[0])
    return folder


@pytest.fixture(scope="session")
def github() -> Iterator[FakeGitHub]:
    """A GitHub with one account of three repositories."""
    account = Account(Owner(71, "mira"), [TOKEN])
    for name in ("api", "web", "docs"):
        account.create(name, description="Of Mira", size=7, language="Python")
    with run_fake_github(account=account) as fake:
        yield fake


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """SQS with the queues of serverless.yml."""
    with run_moto(free_port(), tmp_path_factory.mktemp("moto") / "aws.log") as moto:
        yield moto.with_queues(read_service())


@pytest.fixture(scope="session")
def settings(supabase: Supabase, github: FakeGitHub, aws: Aws) -> dict[str, str]:
    """The whole environment of a function."""
    return {
        **settings_of(supabase, Github(fake_settings(github.url), ()), aws),
        **OFFLINE,
        "AWS_REGION": aws.region,
        "AWS_DEFAULT_REGION": aws.region,
    }


@pytest.fixture(scope="session")
def run(
    settings: dict[str, str], unpacked: Path, runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> RunFunction:
    """Runs a function of the artifact."""
    logs = tmp_path_factory.mktemp("logs")
    return lambda function: run_function(function, unpacked, runtime, settings, logs / f"{function}.log")


@pytest.fixture
def run_with(settings: dict[str, str], unpacked: Path, runtime: Path, tmp_path: Path) -> RunWith:
    """Runs a function of the artifact with some settings of its own."""
    return lambda function, own: run_function(
        function, unpacked, runtime, {**settings, **own}, tmp_path / "log"
    )


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """Whatever a test starts."""
    with ExitStack() as stack:
        yield stack
