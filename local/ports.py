"""Ports on the loopback interface, the only one that the local stack listens on."""

import errno
import os
import socket

from ephemeral_port_reserve import reserve

LOOPBACK = "127.0.0.1"
# How a client may name this machine.
LOOPBACK_HOSTS = frozenset({LOOPBACK, "::1", "localhost"})

TAKEN = "is taken by another program"
# What keeps a server off a port, in words. On most systems only root may use those below 1024.
HINDRANCES = {errno.EADDRINUSE: TAKEN, errno.EACCES: "is one that you may not use"}


def free_port() -> int:
    """A port that nothing listens on, and that the kernel gives to nobody else for the next minute.

    One that was merely found free now and then goes to another test before its server starts.
    """
    return int(reserve(LOOPBACK))


def is_taken(port: int) -> bool:
    """Whether something else holds the port."""
    return find_hindrance(port) == TAKEN


def find_hindrance(port: int) -> str | None:
    """Why no server can listen on the port, found the way a server would find it: by binding."""
    with socket.socket() as probe:
        # Without this a port in TIME_WAIT, left by the run before, would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return HINDRANCES.get(error.errno or 0, f"cannot be used: {os.strerror(error.errno or 0)}")
    return None


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
