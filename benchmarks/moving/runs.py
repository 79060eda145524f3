"""Imports that are killed and begun again, beside a client whose writes are timed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.figures import resident_bytes
from benchmarks.moving.accounts import Installed, Size
from benchmarks.moving.beside import Beside, Seen
from sessionworker.client.answers import values_in
from sessionworker.migration.arriving import digest_of
from tests.commands.typed import COMMAND, environment
from tests.process import REPOSITORY, WorkerProcess

GROUP = "evolution"

KILLED_AT = (0.25, 0.5, 0.75)
"""What part of the accounts has arrived when the command is killed."""

LOOK_SECONDS = 0.1

QUIET_SECONDS = 8
"""After which all that was written is in its files, so that the next measurement has nothing of it."""


class Run(Struct, frozen=True):
    """One measurement: a command, or nothing beside that client."""

    what: str
    seconds: float
    seen: Seen
    load_average: float
    """Of the whole machine, when it ended."""
    arrived: int = 0
    """Accounts."""
    plan_seconds: float = 0.0
    """Until the first account arrived: all are read once before."""
    command_bytes: int = 0
    """Memory, at the most."""
    worker_bytes: int = 0


class Asked:
    """A connection to a worker that asks for what has arrived."""

    def __init__(self, worker: WorkerProcess) -> None:
        """Connect at the first question."""
        self._connection = http.client.HTTPConnection(worker.host, worker.port, timeout=60)
        self._headers = {"apikey": worker.token, "Content-Type": "application/json"}

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: object = None) -> bytes:
        self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
        return self._connection.getresponse().read()

    def names(self) -> list[str]:
        """Return the accounts that have arrived."""
        found = json.loads(self._ask("GET", f"/session/{GROUP}/list-instances"))
        return found if isinstance(found, list) else []

    def digest(self, name: str) -> str:
        """Read an account, and return its digest."""
        path = f"/session/{GROUP}/{name}"
        found: dict[str, Any] = {"keys": [], "more": True}
        keys: list[str] = []
        while found["more"]:
            found = json.loads(self._ask("POST", path, {"list": "", "after": keys[-1] if keys else ""}))
            keys += found["keys"]
        values: dict[str, bytes | None] = {}
        while left := [key for key in keys if key not in values]:
            values |= values_in(self._ask("POST", path, {"keys": left}))
        return digest_of({key: value or b"" for key, value in values.items()})


def measure(
    worker: WorkerProcess, source: Installed, size: Size, report: Path, alone_seconds: float, *, after: bool = True
) -> Iterator[Run]:
    """Import all, killed at each of `KILLED_AT`; yield what each run took. Before, and `after`, nothing is imported."""
    asked = Asked(worker)
    with Beside(worker) as beside:
        beside.look_for(2)
        yield _alone("alone, before", beside, alone_seconds)
        for number, part in enumerate((*KILLED_AT, None), 1):
            most = None if part is None else int(part * size.accounts)
            yield _imported(f"run {number}", worker, source, asked, beside, report, most)
        if after:
            time.sleep(QUIET_SECONDS)
            yield _alone("alone, after", beside, alone_seconds)
    asked.close()


def _alone(what: str, beside: Beside, seconds: float) -> Run:
    return Run(what, seconds, beside.look_for(seconds), os.getloadavg()[0])


def _imported(
    what: str, worker: WorkerProcess, source: Installed, asked: Asked, beside: Beside, report: Path, most: int | None
) -> Run:
    """Run an import until it has ended, or until so many accounts are there: then it is killed."""
    variables = {"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token}
    words = ["--json", "--quiet", "import", "evolution", "--env", str(source.env), "--group", GROUP]
    words += ["--report", str(report)]
    before, command_bytes, plan_seconds = len(asked.names()), 0, 0.0
    beside.look()
    begun = time.monotonic()
    with subprocess.Popen(
        [*COMMAND, *words], cwd=REPOSITORY, env=environment(variables), stdout=subprocess.DEVNULL
    ) as command:
        while command.poll() is None:
            time.sleep(LOOK_SECONDS)
            command_bytes = max(command_bytes, _peak(command.pid))
            arrived = len(asked.names())
            if arrived > before and not plan_seconds:
                plan_seconds = time.monotonic() - begun
            if most is not None and arrived >= most:
                command.send_signal(signal.SIGKILL)
                command.wait()
    seconds = time.monotonic() - begun
    if command.returncode != (0 if most is None else -signal.SIGKILL):
        raise RuntimeError(f"the import ended with the status {command.returncode}")
    return Run(
        what if most is None else f"{what}, killed",
        seconds,
        beside.look(),
        os.getloadavg()[0],
        len(asked.names()) - before,
        plan_seconds or seconds,
        command_bytes,
        _peak(worker.pid),
    )


def _peak(pid: int) -> int:
    """Return the most memory that a process had; 0 where it has ended."""
    try:
        return resident_bytes(pid, "VmHWM")
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return 0
