"""Ports for what tests start."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

PORTS = range(20_000, 32_000)
"""Below those that Linux gives to connections: a worker that is started again could find its own taken by one."""


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing listens on."""
    while True:
        port = secrets.choice(PORTS)  # not `random`: its seed is the same in all processes that run tests
        with socket.socket() as probe, suppress(OSError):  # another program's
            probe.bind(("127.0.0.1", port))
            return port
