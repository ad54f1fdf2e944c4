"""The ports of 127.0.0.1."""

import random
import socket

from base.console import stop_with

# Below the ports that the kernel gives to connections (from 32768 on Linux, 49152 elsewhere), so that no
# connection takes a chosen port in the meantime.
FIRST, LAST = 10_000, 32_000
TRIES = 100


def taken(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free(port: int) -> bool:
    """Whether a server could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ignores connections that have just closed
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose(*offsets: int) -> int:
    """A port for which the ports at all these offsets are free."""
    for port in random.sample(range(FIRST, LAST - max(offsets)), TRIES):
        if all(free(port + offset) for offset in offsets):
            return port
    stop_with(f"no port of 127.0.0.1 from {FIRST} to {LAST} is free")
