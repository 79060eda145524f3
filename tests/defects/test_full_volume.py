"""A volume that the worker itself has filled: what is deleted there makes room, with nothing but the API.

The volume is a small file system of its own, so these tests are for where one may be mounted (root may).
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count, product
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.answers import read_answers
from tests.memory import request
from tests.process import WorkerProcess
from tests.tools import show_figure
from tests.volumes import mounted

pytestmark = pytest.mark.slow

MIB = 2**20
SIZE = 160 * MIB
"""Bytes of the volume."""

RESERVE = 80 * MIB
"""Bytes that an empty store may take: two segments of the journal, and some."""

_DELETED, _DROPPED = "deletions", "a drop and a purge"
_ONE_WAY = {
    ("tmpfs", 700_000): (_DELETED, False),
    ("tmpfs", 4_000): (_DROPPED, True),
    ("ext4", 700_000): (_DROPPED, True),
}
"""How room is made, and whether the worker is killed before. With `--full`, all of them for all volumes and sizes."""

INSTANCE = "/session/values/one"
CLIENTS = 4


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


def free_bytes(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def make_room(worker: WorkerProcess, way: str, written: list[str]) -> None:
    """Free what was written, by nothing but the API."""
    if way == _DELETED:
        for begin in range(0, len(written), 50):
            assert set(ask(worker, "DELETE", *written[begin : begin + 50])) == {200}
        return
    assert ask(worker, "DELETE", INSTANCE) == [200]
    [drop] = json.loads(get(worker, "/admin/drops"))
    assert ask(worker, "DELETE", f"/admin/drops/values/one/{drop['drop']}") == [200]


def get(worker: WorkerProcess, path: str) -> bytes:
    query = Request(f"{worker.url}{path}", headers={"apikey": worker.token})  # noqa: S310 - the test's own worker
    with urlopen(query, timeout=10) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body


def seconds_until(is_so: Callable[[], bool], most: float) -> float:
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < most
        time.sleep(0.1)
    return time.monotonic() - begun


def takes_writes(worker: WorkerProcess, paths: list[str], data: str) -> bool:
    again = ask(worker, "POST", "/session/values", body={"instance": "one"})
    return again == [204] and set(ask(worker, "POST", *paths, body={"data": data})) == {204}


def fill_and_empty(folder: Path, worker: WorkerProcess, way: str, value: int, *, is_killed: bool, full: bool) -> str:
    """Fill a volume with values of a size, look at them, and make room; return what was measured."""
    data = json.dumps("x" * value)
    at_first = free_bytes(folder)
    assert ask(worker, "POST", "/session", body={"group": "values"}) == [204]
    assert ask(worker, "POST", "/session/values", body={"instance": "one"}) == [204]
    with ThreadPoolExecutor(CLIENTS) as pool:
        written = list(chain(*pool.map(lambda client: fill(worker, client, data), range(CLIENTS))))
    assert len(written) * value > (at_first - RESERVE) // 2
    if is_killed:
        worker.kill()
        worker.start()
        worker.wait_until_ready()
    for path in written if full else written[:: len(written) // 100 + 1]:
        assert json.loads(get(worker, path)) == json.loads(data)
    make_room(worker, way, written)
    half = written[: len(written) // 2]
    seconds = seconds_until(lambda: takes_writes(worker, half, data), most=15)
    least = at_first - RESERVE - len(half) * (value + 4096)
    seconds_until(lambda: free_bytes(folder) > least, most=15)
    return f"filled with {len(written)} values of {value} bytes: writes again {seconds:.1f} s after {way}"


OF_OTHERS = {700_000: 0, 4_000: 80 * MIB}
"""Size of the values that fill a volume -> bytes of it that somebody else has taken, but with `--full`."""

FILLED = [*product(["tmpfs", "ext4"], OF_OTHERS)]

SMALL = [*product(["tmpfs", "ext4"], [8, 16, 40, 64, 100])]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Without `--full`, leave out what takes a minute, and try every other size of a small disk."""
    is_full = metafunc.config.getoption("--full")
    if "value" in metafunc.fixturenames:
        metafunc.parametrize(("kind", "value"), FILLED if is_full else _ONE_WAY)
    elif "size" in metafunc.fixturenames:
        metafunc.parametrize(("kind", "size"), SMALL[:: 1 if is_full else 2])


def test_a_volume_that_was_filled_can_be_emptied_and_used_again(
    tmp_path: Path, kind: str, value: int, *, full: bool
) -> None:
    ways = product([_DELETED, _DROPPED], [False, True])
    for number, (way, is_killed) in enumerate(ways if full else [_ONE_WAY[kind, value]]):
        folder = tmp_path / str(number)
        with mounted(folder, kind, SIZE), WorkerProcess(folder / "store") as worker:
            (folder / "others").write_bytes(bytes(0 if full else OF_OTHERS[value]))
            told = fill_and_empty(folder, worker, way, value, is_killed=is_killed, full=full)
            assert worker.terminate() == 0
        show_figure(f"{SIZE // MIB} MiB of {kind}{', killed while full' if is_killed else ''}: {told}")


def test_a_worker_starts_on_a_small_disk_or_says_in_one_line_how_much_is_missing(
    tmp_path: Path, kind: str, size: int
) -> None:
    folder = tmp_path / "volume"
    with mounted(folder, kind, size * MIB), WorkerProcess(folder / "store") as worker:
        said = [line for line in worker.output.splitlines() if "are missing that the worker needs" in line]
        statuses = ask(worker, "POST", "/session/values", body={"instance": "one"})
        statuses += ask(worker, "POST", f"{INSTANCE}/pre-key-1", body={"data": "1"})
        wrote = statuses == [204, 204]
        assert wrote != bool(said)
        assert len(said) == (0 if wrote else 1)
        assert worker.terminate() == 0
    show_figure(f"{size} MiB of {kind}: {'takes writes' if wrote else said[0]}")
