"""`twistd sessionworker` as a process of its own, and plain sockets that ask it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tests import warm
from tests.answers import Answer, read_answers
from tests.memory import request
from tests.ports import free_port
from tests.process import SETTINGS_PREFIXES, WorkerProcess
from tests.warm import Forked

PATIENCE = 20.0

SALES = "/session/codechat/sales"


def ask(worker: WorkerProcess, method: str, path: str, body: Any = None) -> Answer:
    """Ask a worker one thing, on a connection of its own."""
    return ask_as(worker, worker.token, method, path, body)


def ask_as(worker: WorkerProcess, token: str, method: str, path: str, body: Any = None) -> Answer:
    """Ask a worker one thing, with a token."""
    with socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE) as connection:
        return ask_over(connection, method, path, body, token=token)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def ask_over(connection: socket.socket, method: str, path: str, body: Any = None, *, token: str | None) -> Answer:
    connection.sendall(request(method, path, body, token=token, headers=[("Connection", "close")]))
    [answer] = read_answers(read_to_end(connection), [method])
    return answer


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while more := connection.recv(2**20):
        received += more
    return received


@contextmanager
def twistd(*options: str, environment: Mapping[str, str] | None = None, limit: int | None = None) -> Iterator[Daemon]:
    """Run `twistd sessionworker` with these options alone. After the block it is gone."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
    words = ["-n", "--pidfile=", "sessionworker", *options]
    inherited |= environment or {}
    reading, writing = os.pipe()
    with os.fdopen(reading) as output, Path(os.devnull).open("rb") as nothing:
        try:
            if limit is None and warm.is_possible(inherited):
                files = (nothing.fileno(), writing, writing)
                process: subprocess.Popen[bytes] | Forked = warm.warm().start(warm.TWISTD, words, inherited, files)
            else:
                command = [str(Path(sys.executable).with_name(warm.TWISTD)), *words]
                if limit is not None:
                    command = ["/bin/sh", "-c", f'ulimit -S -n {limit}; exec "$0" "$@"', *command]
                process = subprocess.Popen(command, env=inherited, stdin=nothing, stdout=writing, stderr=writing)
        finally:
            os.close(writing)
        try:
            yield Daemon(process, output)
        finally:
            process.kill()
            process.wait(PATIENCE)


class Daemon:
    """A running `twistd`, and what it said."""

    def __init__(self, process: subprocess.Popen[bytes] | Forked, output: TextIO) -> None:
        self.process = process
        self._output = output
        self.output = ""

    def wait_until_it_says(self, text: str) -> str:
        """Read its output up to the line that holds `text`, and return that line."""
        for line in self._output:
            self.output += line
            if text in line:
                return line
        raise AssertionError(f"it ended without saying '{text}', but:\n{self.output}")

    def wait_until_ended(self) -> int:
        status = self.process.wait(PATIENCE)  # a pipe has room for what it says to its end
        self.output += self._output.read()
        return status

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.wait_until_ended()


def reason_not_to_start(*options: str, environment: Mapping[str, str] | None = None) -> str:
    """Start a daemon that must not start, and return the one line that says why."""
    with twistd(*options, environment=environment) as daemon:
        status = daemon.wait_until_ended()
    assert status == 1, daemon.output
    lines = [line for line in daemon.output.splitlines() if "Z info  [" not in line]
    assert len(lines) == 1, daemon.output
    assert "did not foresee" not in lines[0]
    assert "Serving" not in daemon.output
    return lines[0]


def free_place() -> str:
    return f"tcp:{free_port()}:interface=127.0.0.1"
