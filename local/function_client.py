"""What serverless-offline starts as Python for a function: it hands each event to local/lambda_service.py.

Run without site-packages, from the standard library alone: there is one for each request that is under way.
"""

import json
import os
import socket
import sys


def main() -> None:
    """Passes events on and answers back, a line of JSON each, for as long as serverless-offline sends any."""
    folder, name = os.path.split(os.environ["FORUM_LAMBDA"])
    # By its name in its folder: the path of a socket may have no more than a hundred bytes.
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as service:
        service.connect(name)
        lines = service.makefile("rw", encoding="utf-8", newline="\n")
        hello = {"function": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "environment": dict(os.environ)}
        lines.write(json.dumps(hello) + "\n")
        for sent in sys.stdin:
            lines.write(sent)
            lines.flush()
            # The name by which the runner tells an answer from what a function prints.
            sys.stdout.write(f'{{"__offline_payload__": {lines.readline().strip()}}}\n')
            sys.stdout.flush()


if __name__ == "__main__":
    main()
