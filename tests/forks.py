"""Workers that are forks, for programs that are not Python: `npm/test/worker.mjs` starts and kills them by the dozen.

Whoever connects to the socket sends a line of JSON: the worker's arguments, its store, and a file for what it says. The
answer is a process id, and the connection is closed when that process has ended.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import warm
from tests.process import SETTINGS_PREFIXES, WITHOUT_PAGE
from tests.warm import Forked

LONGEST_SECONDS = 600.0
"""How long a worker may run."""


@contextmanager
def forks() -> Iterator[Path]:
    """Start what is asked for, and yield the socket's path. After the block all is gone."""
    started: list[Forked] = []
    with TemporaryDirectory(prefix="sessionworker-forks-") as folder, socket.socket(socket.AF_UNIX) as listening:
        path = Path(folder, "socket")
        listening.bind(str(path))
        listening.listen(100)
        taking = threading.Thread(target=_take, args=(listening, started), daemon=True)
        taking.start()
        try:
            yield path
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            taking.join()
            for fork in started:
                fork.kill()


def _take(listening: socket.socket, started: list[Forked]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            fork = _start(json.loads(connection.makefile().readline()))
            started.append(fork)
            threading.Thread(target=_wait, args=(connection, fork), daemon=True).start()


def _start(asked: dict[str, Any]) -> Forked:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
    environment = {**kept, **WITHOUT_PAGE, "SESSIONWORKER_STORE": asked["store"]}
    assert warm.is_possible(environment)
    with Path(asked["output"]).open("ab") as output, Path(os.devnull).open("rb") as nothing:
        files = (nothing.fileno(), output.fileno(), output.fileno())
        return warm.warm().start(warm.TWISTD, [*asked["arguments"]], environment, files)


def _wait(connection: socket.socket, fork: Forked) -> None:
    with connection, suppress(BrokenPipeError):
        connection.sendall(b"%d\n" % fork.pid)
        fork.wait(LONGEST_SECONDS)
