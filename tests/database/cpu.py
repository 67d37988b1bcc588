"""How much a session has computed, which is the same on a busy machine as on an idle one."""

import re
import subprocess

from psycopg import Connection


def read_cpu_seconds(connection: Connection) -> float:
    """What the server's process of this session has used of a CPU since it began, to the second."""
    (line,) = subprocess.run(  # noqa: S603 - the program is named here
        ["ps", "-o", "time=", "-p", str(connection.info.backend_pid)],  # noqa: S607 - where ps lives differs
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    found = re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+(?:\.\d+)?)", line)
    assert found is not None, line
    days, hours, minutes, seconds = (float(each or 0) for each in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
