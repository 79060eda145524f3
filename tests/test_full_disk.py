"""A file system that fills up under the worker: writes are refused, nothing is lost, and it goes on when there is room.

On a small file system of its own, where one may be mounted (root may); and everywhere with a worker to which each call
that needs room fails.
"""

from __future__ import annotations

import errno
import http.client
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.process import NODE_PROGRAMS, REPOSITORY, NodeProgram, WorkerProcess
from tests.tools import show_figure
from tests.volumes import mounted

pytestmark = pytest.mark.slow

MIB = 2**20
SIZE = 160 * MIB
"""Bytes of the small file system: three segments of the journal, each filled before it is used, and some room."""

PATIENCE = 20.0
VALUES = "/session/values/one"


class SmallDisk(Protocol):
    """A place for a store that can be full."""

    store: Path
    environment: dict[str, str]

    def fill(self) -> None:
        """Leave no room."""

    def make_room(self) -> None:
        """Leave room again."""


class MountedDisk:
    """A small file system of its own."""

    def __init__(self, mount_point: Path) -> None:
        self.store = mount_point / "store"
        self.environment: dict[str, str] = {}
        self._filler = mount_point / "filler"

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as filler:
            for size in (MIB, 4096, 1):
                with suppress(OSError):
                    while True:
                        filler.write(bytes(size))
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)), self._filler.open("ab", buffering=0) as filler:
            filler.write(b"x")

    def make_room(self) -> None:
        self._filler.unlink()


class PretendedDisk:
    """A place where each call of the worker that needs room fails while it is full."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        self._flag = folder / "full"
        self.environment = {
            "PYTHONPATH": f"{REPOSITORY}/tests/full_disk:{REPOSITORY}",
            "FULL_DISK_FLAG": str(self._flag),
        }

    def fill(self) -> None:
        self._flag.touch()

    def make_room(self) -> None:
        self._flag.unlink()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on a real small file system and on a pretended one."""
    if "disk" in metafunc.fixturenames:
        kinds = ["ext4", "tmpfs", "pretended"] if metafunc.config.getoption("--full") else ["ext4", "pretended"]
        metafunc.parametrize("disk", kinds, indirect=True)


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "pretended":
        yield PretendedDisk(folder)
        return
    with mounted(folder, request.param, SIZE):
        yield MountedDisk(folder)


@pytest.fixture
def worker(disk: SmallDisk) -> Iterator[WorkerProcess]:
    with WorkerProcess(disk.store, environment=disk.environment) as running:
        yield running
        print(running.output)  # pytest shows it beside a failure


def ask(worker: WorkerProcess, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=PATIENCE)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"apikey": worker.token, "Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def write(worker: WorkerProcess, key: str, value: str) -> int:
    return ask(worker, "POST", f"{VALUES}/{key}", {"data": value})[0]


def write_until(worker: WorkerProcess, status: int, stored: dict[str, str]) -> float:
    """Write until that is answered, and return how many seconds it took; what is acknowledged goes into `stored`."""
    begun = time.monotonic()
    for number in range(10_000):
        key, value = f"pre-key-{number % 50}", json.dumps({"n": number, "at": begun, "pad": "x" * 500})
        found = write(worker, key, value)
        if found == 204:
            stored[key] = value
        if found == status:
            return time.monotonic() - begun
        assert found in {204, 507}
        assert time.monotonic() < begun + PATIENCE, f"no {status} within {PATIENCE} s"
        time.sleep(0.01)
    raise AssertionError(f"no {status} after 10,000 writes")


def look(worker: WorkerProcess, status: int) -> None:
    """Have the worker find out now whether there is room: by itself it does so every five seconds."""
    assert ask(worker, "POST", "/admin/checkpoint")[0] == status


def create_instance(worker: WorkerProcess) -> None:
    assert ask(worker, "POST", "/session", {"group": "values"})[0] == 204
    assert ask(worker, "POST", "/session/values", {"instance": "one"})[0] == 204


def assert_all_is_there(worker: WorkerProcess, stored: dict[str, str]) -> None:
    for key, value in stored.items():
        assert ask(worker, "GET", f"{VALUES}/{key}") == (200, value.encode()), key


def assert_no_file_is_half(store: Path) -> None:
    for path in store.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(store).parts):
            json.loads(path.read_bytes())


def test_a_full_disk_refuses_writes_keeps_old_values_serves_reads_and_needs_no_restart(
    disk: SmallDisk, worker: WorkerProcess
) -> None:
    create_instance(worker)
    stored: dict[str, str] = {}
    write_until(worker, 204, stored)
    first = dict(stored)
    disk.fill()
    look(worker, 507)
    write_until(worker, 507, stored)
    assert_all_is_there(worker, stored)
    assert stored.keys() >= first.keys()
    status, body = ask(worker, "POST", f"{VALUES}/pre-key-0", {"data": "[1]"})
    assert status == 507
    assert json.loads(body)["message"] == ["There is no space left to store this. The old value is still there."]
    assert ask(worker, "GET", f"{VALUES}/creds")[0] == 404
    assert ask(worker, "GET", "/session/values/list-instances") == (200, b'["one"]')
    assert ask(worker, "GET", "/health")[0] == 503
    assert_no_file_is_half(disk.store)
    disk.make_room()
    seconds = write_until(worker, 204, stored)
    assert_all_is_there(worker, stored)
    assert worker.terminate() == 0
    for key, value in stored.items():
        assert (disk.store / "values" / "one" / key).read_text() == value
    assert worker.failures == []
    show_figure(f"full disk ({type(disk).__name__}): writes again {seconds:.1f} s after there was room")


def test_a_worker_killed_on_a_full_disk_starts_there_and_has_everything(disk: SmallDisk, worker: WorkerProcess) -> None:
    create_instance(worker)
    stored: dict[str, str] = {}
    write_until(worker, 204, stored)
    disk.fill()
    look(worker, 507)
    write_until(worker, 507, stored)
    worker.kill()
    worker.start()
    worker.wait_until_ready()
    assert_all_is_there(worker, stored)
    look(worker, 507)
    write_until(worker, 507, stored)  # the journal's last segment may have room, but the files cannot follow
    assert_all_is_there(worker, stored)
    disk.make_room()
    look(worker, 204)
    write_until(worker, 204, stored)
    assert_all_is_there(worker, stored)


@pytest.mark.usefixtures("node_client")
def test_the_real_client_goes_on_after_a_full_disk_and_nothing_is_lost(
    disk: SmallDisk, worker: WorkerProcess, full: bool
) -> None:
    rounds = 3 if full else 1
    arguments = ["--stop", "under-way", "--rounds", str(rounds), "--pairs", "3"]
    with NodeProgram(NODE_PROGRAMS / "conversation.mjs", worker.url, worker.token, *arguments) as program:
        for number in range(1, rounds + 1):
            for _ in range(20):
                program.wait_for("said")
            disk.fill()
            look(worker, 507)
            assert program.wait_for("interrupted") == f"interrupted {number}"
            # Every acknowledged value can be read while the disk is full: the client checks when it goes on.
            # A folder takes no room where the folder above has some left, or on tmpfs; on the pretended disk it does.
            create = ask(worker, "POST", "/session", {"group": "another"})
            assert create[0] == 507 or (create[0] == 204 and isinstance(disk, MountedDisk))
            disk.make_room()
            look(worker, 204)
            assert b"sessionworker_instances_apart 0.0" in ask(worker, "GET", "/metrics")[1]
            assert ask(worker, "POST", "/session", {"group": "another"})[0] == 204
            assert ask(worker, "DELETE", "/admin/groups/another")[0] == 200
            program.go_on()
        result = program.result(120)
        assert program.wait_until_ended() == 0, program.output
    losses = {what: result[what] for what in ("lost", "identities", "missing", "failures")}
    assert losses == {"lost": 0, "identities": 0, "missing": [], "failures": 0}, program.output
    assert result["interruptions"] == rounds
    show_figure(
        f"real client, disk full {rounds} times under 3 conversations ({type(disk).__name__}): {result['messages']} "
        f"messages, {result['values']} values compared, lost 0"
    )
