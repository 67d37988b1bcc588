"""Say what a deployment would change, and change nothing: `make plan stage=production`."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

import psycopg

from operations.deploy import read_stage
from operations.look import look, tell
from operations.tools import DeployError


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = ArgumentParser(
        prog="python -m operations.plan", description="Say what a deployment would change."
    )
    parser.add_argument("stage")
    stage = parser.parse_args(arguments).stage
    try:
        print(tell(stage, look(stage, read_stage(stage))))
    except (DeployError, psycopg.Error) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
