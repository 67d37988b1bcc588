"""Ports on the loopback interface, the only one that the local stack listens on."""

import socket

from ephemeral_port_reserve import reserve

LOOPBACK = "127.0.0.1"
# How a client may name this machine.
LOOPBACK_HOSTS = frozenset({LOOPBACK, "::1", "localhost"})


def free_port() -> int:
    """A port that nothing listens on, and that the kernel gives to nobody else for the next minute.

    One that was merely found free now and then goes to another test before its server starts.
    """
    return int(reserve(LOOPBACK))


def is_taken(port: int) -> bool:
    """Whether something else holds the port, found the way a server would find it: by binding."""
    with socket.socket() as probe:
        # Without this a port in TIME_WAIT, left by the run before, would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
