"""Go back to an earlier deployment: `make rollback stage=production`; to which: `… to=1795401478880`.

Only the functions and their resources go back. Migrations stay: they are written so that the code before them
still works, and a database that went back would lose what users have written since.
"""

import re
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence

from operations.deploy import read_stage
from operations.tools import DeployError, ask_serverless, go_back


def find_previous(stage: str, settings: Mapping[str, str]) -> str:
    """The time stamp of the deployment before the latest one."""
    said = ask_serverless(stage, settings, "deploy", "list")
    deployments: list[str] = sorted(set(re.findall(r"Timestamp: (\d+)", said)), key=int)
    if not (earlier := deployments[:-1]):
        raise DeployError(f"{stage} has no earlier deployment")
    return earlier[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = ArgumentParser(prog="python -m operations.rollback", description="Go back to a deployment.")
    parser.add_argument("stage")
    parser.add_argument("--to", help="its time stamp, as `serverless deploy list` shows it")
    given = parser.parse_args(arguments)
    try:
        settings = read_stage(given.stage)
        timestamp = given.to or find_previous(given.stage, settings)
        go_back(given.stage, settings, timestamp)
    except DeployError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
