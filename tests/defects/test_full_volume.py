"""A volume that the worker itself has filled: what is deleted there makes room, with nothing but the API.

The volume is a small file system of its own, so these tests are for where one may be mounted (root may).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.answers import read_answers
from tests.defects.marks import defect
from tests.memory import request
from tests.process import WorkerProcess
from tests.tools import require

MIB = 2**20
SIZE = 160 * MIB
"""Bytes of the volume."""

RESERVE = 80 * MIB
"""Bytes that an empty store may take: two segments of the journal, and some."""

INSTANCE = "/session/values/one"
CLIENTS = 4


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """Mount an empty volume; where that is not allowed the test is skipped with a line saying so."""
    folder.mkdir()
    mount, umount = require("mount"), require("umount")
    command = [mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("mounting a file system is not allowed here, and nothing can stand in for a volume that fills up")
    try:
        yield
    finally:
        subprocess.run([umount, str(folder)], check=True, capture_output=True)


def ask(worker: WorkerProcess, method: str, *paths: str, body: Any = None) -> list[int]:
    """Ask the same about some paths, one after the other on one connection, and return the statuses of the answers."""
    last = [("Connection", "close")]
    with socket.create_connection(("127.0.0.1", worker.port), timeout=10) as connection:
        for path in paths:
            headers = last if path is paths[-1] else []
            connection.sendall(request(method, path, body, token=worker.token, headers=headers))
        answers = b"".join(iter(lambda: connection.recv(2**16), b""))
    return [answer.status for answer in read_answers(answers, [method] * len(paths))]


def keys(client: int, at_once: int) -> Iterator[list[str]]:
    """The paths of the keys that a client writes, some at a time."""
    numbers = count()
    while True:
        yield [f"{INSTANCE}/pre-key-{client}-{next(numbers)}" for _ in range(at_once)]


def fill(worker: WorkerProcess, client: int, value: str) -> list[str]:
    """Write one key after another until there is no room; return the paths of those that were acknowledged."""
    written: list[str] = []
    for paths in keys(client, max(1, 200_000 // len(value))):
        statuses = ask(worker, "POST", *paths, body={"data": value})
        written += [path for path, status in zip(paths, statuses, strict=True) if status == 204]
        if set(statuses) != {204}:
            assert set(statuses) <= {204, 507}
            return written
    raise AssertionError("the volume never fills up")


def empty(worker: WorkerProcess, paths: list[str]) -> None:
    """Delete keys."""
    for begin in range(0, len(paths), 50):
        some = paths[begin : begin + 50]
        assert set(ask(worker, "DELETE", *some)) == {200}


def free_bytes(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


@defect("F")
@pytest.mark.parametrize("is_killed", [False, True], ids=["runs on", "killed"])
@pytest.mark.parametrize(("value", "of_others"), [(700_000, 0), (4_000, 56 * MIB)], ids=["0.7 MB", "4 kB"])
def test_a_volume_that_was_filled_can_be_emptied_and_used_again(
    tmp_path: Path, value: int, of_others: int, *, is_killed: bool
) -> None:
    data = json.dumps("x" * value)
    folder = tmp_path / "volume"
    with mounted(folder), WorkerProcess(folder / "store") as worker, ThreadPoolExecutor(CLIENTS) as pool:
        (folder / "others").write_bytes(bytes(of_others))
        assert ask(worker, "POST", "/session", body={"group": "values"}) == [204]
        assert ask(worker, "POST", "/session/values", body={"instance": "one"}) == [204]
        written = list(pool.map(lambda client: fill(worker, client, data), range(CLIENTS)))
        list(pool.map(lambda paths: empty(worker, paths), written))
        if is_killed:
            worker.kill()
            worker.start()
            worker.wait_until_ready()
        assert ask(worker, "POST", "/admin/checkpoint") == [204]
        assert free_bytes(folder) > SIZE - of_others - RESERVE
        assert ask(worker, "POST", "/session/values", body={"instance": "two"}) == [204]
        assert set(ask(worker, "POST", *written[0], body={"data": data})) == {204}
        assert worker.terminate() == 0
