"""Ports for what tests start."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from itertools import cycle
from random import SystemRandom

PORTS = range(20_000, 32_000)
"""Below those that Linux gives to connections: a worker that is started again could find its own taken by one."""

SHARE = 1_000
"""Ports of each process that runs tests: what one has handed out, and nothing listens on yet, is in no other's way."""


def _of_this_process() -> list[int]:
    """Return the ports of this process in any order; not in one of `random`, whose seed all processes share."""
    first = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) * SHARE % len(PORTS)
    return SystemRandom().sample(PORTS[first : first + SHARE], SHARE)


_ports = cycle(_of_this_process())


def free_port() -> int:
    """Return a TCP port of the loopback interface that nothing listens on, and that was not returned lately."""
    while True:
        port = next(_ports)
        with socket.socket() as probe, suppress(OSError):  # another program's
            probe.bind(("127.0.0.1", port))
            return port
