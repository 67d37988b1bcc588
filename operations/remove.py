"""Take a stage down: `make remove stage=staging`. The KMS key and the stored secrets stay."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from operations.deploy import read_stage
from operations.page import empty_page
from operations.tools import BIN, DeployError, call, tool_environment


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = ArgumentParser(prog="python -m operations.remove", description="Take a stage down.")
    parser.add_argument("stage")
    parser.add_argument("--really", required=True, metavar="STAGE", help="the stage's name once more")
    given = parser.parse_args(arguments)
    if given.really != given.stage:
        print("The two names differ: nothing has changed.", file=sys.stderr)
        return 1
    try:
        settings = read_stage(given.stage)
        empty_page(given.stage, settings)
        command = [str(BIN / "serverless"), "remove", "--stage", given.stage]
        call(command, tool_environment(given.stage, settings))
    except DeployError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
