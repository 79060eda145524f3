"""A copy of the folder of a running worker starts, and holds all that was acknowledged before it was begun.

The commands are those of `docs/operations.md`, run while clients write without a pause.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.process import REPOSITORY, WorkerProcess
from tests.tools import require, show_figure

pytestmark = pytest.mark.slow

ACCOUNTS = 3
KEYS = 20
"""Keys that an account writes over and over, in turn."""

PAUSE_SECONDS = 0.004
"""How long an account waits after each write: a copy is to meet changes all the time, not a disk that is busy."""

LARGE_EACH = 25
"""Every so many writes an account stores a value so large that it takes another way."""

SECONDS_OF_LOAD = 0.7
"""How long the clients write before a copy is begun: most of it is in the journal alone then."""

COPIES = 2


class Account:
    """A client that writes one value after another, each with a number that grows, and knows what was acknowledged."""

    def __init__(self, worker: WorkerProcess, name: str) -> None:
        self._worker = worker
        self._connection = HTTPConnection("127.0.0.1", worker.port, timeout=30)
        self.name = name
        self.acknowledged: dict[str, int] = {}
        assert self.call("POST", "/session/codechat", {"instance": name}) == 204

    def call(self, method: str, path: str, body: object = None) -> int:
        """Make a call, and return its status."""
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, body=data, headers={"apikey": self._worker.token})
        response = self._connection.getresponse()
        response.read()
        return response.status

    def write(self, number: int) -> None:
        """Write two keys: one that is written once, and one that was there before."""
        large = number % LARGE_EACH == 0
        second = "app-state-sync-version-regular" if large else f"session-{number % KEYS}"
        for key, size in ((f"pre-key-{number}", 160), (second, 1_200_000 if large else 1300)):
            value = json.dumps({"number": number, "of": "x" * size})
            assert self.call("POST", f"/session/codechat/{self.name}/{key}", {"data": value}) == 204
            self.acknowledged[key] = number

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def writing(worker: WorkerProcess) -> Iterator[list[Account]]:
    """Have accounts write without a pause until the block ends."""
    accounts = [Account(worker, f"account{number}") for number in range(ACCOUNTS)]
    ended = threading.Event()
    failures: list[Exception] = []

    def write(account: Account) -> None:
        number = 0
        try:
            while not ended.is_set():
                number += 1
                account.write(number)
                ended.wait(PAUSE_SECONDS)
        except Exception as failure:  # noqa: BLE001 - the test tells it
            failures.append(failure)

    threads = [threading.Thread(target=write, args=[account]) for account in accounts]
    for thread in threads:
        thread.start()
    try:
        yield accounts
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)
        for account in accounts:
            account.close()
    assert failures == []


def documented_backup() -> str:
    """The commands under the heading on backups."""
    text = (REPOSITORY / "docs/operations.md").read_text()
    return text.partition("\n## Backup\n")[2].partition("```sh\n")[2].partition("```")[0]


def by_tar(folder: Path, worker: WorkerProcess, copy: Path) -> None:
    """Copy a store as the document says, and unpack the copy as it says."""
    require("curl")
    commands = documented_backup()
    assert "/admin/checkpoint" in commands
    variables = {"WORKER": worker.url, "TOKEN": worker.token}
    done = run(["bash", "-euc", commands], folder, variables)
    assert done.returncode in {0, 1}, done.stderr  # 1: a file changed or vanished meanwhile
    copy.mkdir()
    done = run(["tar", "--extract", "--file", "backup.tar", "--directory", str(copy)], folder)
    assert done.returncode == 0, done.stderr


def by_cp(folder: Path, worker: WorkerProcess, copy: Path) -> None:
    """Copy a store after a checkpoint, whole."""
    account = Account(worker, "account0")
    assert account.call("POST", "/admin/checkpoint") == 204
    account.close()
    done = run(["cp", "--archive", "instances", str(copy)], folder)
    assert done.returncode in {0, 1}, done.stderr  # 1: an unfinished file got its name meanwhile
    assert all("/.sessionworker" in line for line in done.stderr.splitlines()), done.stderr


def run(command: list[str], folder: Path, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C", **(variables or {})},
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )


def lost(copy: Path, accounts: dict[str, dict[str, int]]) -> list[str]:
    """Start a worker on a copy, and return the keys whose value is older than what was acknowledged for them."""
    found = []
    with WorkerProcess(copy, "--fsync", "never") as worker:
        connection = HTTPConnection("127.0.0.1", worker.port, timeout=30)
        for name, acknowledged in accounts.items():
            for key, number in acknowledged.items():
                connection.request("GET", f"/session/codechat/{name}/{key}", headers={"apikey": worker.token})
                response = connection.getresponse()
                body = response.read()
                if response.status != 200 or json.loads(body)["number"] < number:
                    found.append(f"{name}/{key}")
        connection.close()
        assert worker.terminate() == 0
    return found


@pytest.mark.parametrize("make_copy", [by_tar, by_cp])
def test_a_copy_of_a_running_store_starts_and_has_all_that_was_acknowledged_before(
    tmp_path: Path, make_copy: Callable[[Path, WorkerProcess, Path], None]
) -> None:
    copies = []
    with WorkerProcess(tmp_path / "instances") as worker, writing(worker) as accounts:
        for number in range(COPIES):
            time.sleep(SECONDS_OF_LOAD)
            before = {account.name: dict(account.acknowledged) for account in accounts}
            copy = tmp_path / f"copy{number}"
            make_copy(tmp_path, worker, copy)
            copies.append((copy, before))
    checked = 0
    for copy, before in copies:
        assert lost(copy, before) == []
        checked += sum(map(len, before.values()))
    assert checked > ACCOUNTS * COPIES * KEYS
    show_figure(f"backups with {make_copy.__name__}: {COPIES} copies, {checked} acknowledged values looked for, 0 lost")


def test_a_copy_without_a_checkpoint_starts_too(tmp_path: Path) -> None:
    copies = []
    with WorkerProcess(tmp_path / "instances") as worker, writing(worker):
        for number in range(COPIES):
            time.sleep(SECONDS_OF_LOAD)
            copies.append(tmp_path / f"copy{number}")
            run(["cp", "--archive", "instances", str(copies[-1])], tmp_path)
    for copy in copies:
        assert lost(copy, {}) == []
