"""Go back to an earlier deployment: `make rollback stage=production`; to which: `… to=1795401478880`.

Only the functions and their resources go back. Migrations stay: they are written so that the code before them
still works, and a database that went back would lose what users have written since.
"""

import re
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence

from operations.deploy import read_stage
from operations.look import ask_aws
from operations.parameters import ParameterStoreError
from operations.tools import DeployError, ask_serverless, go_back
from operations.working_deployments import read_working


def find_previous(stage: str, settings: Mapping[str, str]) -> str:
    """The time stamp of the last deployment before the running one that has worked. Raises `DeployError`.

    The one before it in osls's list may be one that has failed, or the running one may be an older one.
    """
    _, stack = ask_aws(stage, settings)
    if stack is None or (running := stack.deployment) is None:
        raise DeployError(f"{stage} is not deployed: there is nothing to go back from")
    said = ask_serverless(stage, settings, "deploy", "list")
    uploads: list[str] = re.findall(r"Timestamp: (\d+)", said)
    earlier = {each for each in uploads if int(each) < int(running)}
    if working := earlier & {*read_working(stage, settings)}:
        return max(working, key=int)
    others = ", ".join(sorted(earlier, key=int)) or "none"
    raise DeployError(
        f"no deployment of {stage} before {running} is known to have worked. Choose one by to=…;"
        f" there are still the artifacts of: {others}"
    )


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
    except (DeployError, ParameterStoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
