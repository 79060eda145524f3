"""A database's name that leads to another server from some moment on: a worker goes there, and nobody starts it again.

The worker has a file `/etc/hosts` of its own, in a mount namespace of its own; the machine's stays as it is.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from tests.postgres.room import Room
from tests.postgres.server import Server
from tests.postgres_store.at_once import at_once
from tests.postgres_store.opened import by_hand, wait_until
from tests.process import WorkerProcess
from tests.tools import miss, require, show_figure

pytestmark = pytest.mark.slow

NAME = "database.sessionworker.test"
OLD, NEW = "127.0.0.2", "127.0.0.3"

AWAY_SECONDS = 7
"""Until the name leads to the new one: longer than connections are tried again by themselves."""

BACK_SECONDS = 10
"""Within which all works again, once the name leads to a server that takes writes."""

OF_ITS_OWN = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'


class Names:
    """A file of names, for those that are started by `before`. It is changed in place: what is mounted is this one."""

    def __init__(self, file: Path) -> None:
        file.touch()
        self._file = file
        mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
        self.before = [require("unshare"), *mapped, "--mount", "sh", "-c", OF_ITS_OWN, "sh", str(file)]

    def lead_to(self, address: str) -> None:
        self._file.write_text(f"{address} {NAME}\n")

    def check(self) -> None:
        """See that it can be done here."""
        command = [*self.before, require("getent"), "hosts", NAME]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0 or not done.stdout.startswith(OLD):
            miss(f"this test needs to mount a file of its own over /etc/hosts, and may not: {done.stderr.strip()}")


class Try(NamedTuple):
    """A write that was answered, or not."""

    begun: float
    seconds: float
    status: int


class Client:
    """Writes one key after another, until the block ends."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self.tries: list[Try] = []
        self.acknowledged: list[str] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Self:
        assert self.call("POST", "/session/group", {"instance": "one"})[0] == http.HTTPStatus.NO_CONTENT
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_over.set()
        self._thread.join(30)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._worker.port, timeout=30)
        try:
            headers = {"apikey": self._worker.token, "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def works_since(self, moment: float) -> bool:
        return any(one.begun >= moment and one.status == http.HTTPStatus.NO_CONTENT for one in list(self.tries))

    def _go_on(self) -> None:
        number = 0
        while not self._is_over.wait(0.02):
            number += 1
            key = f"key-{number}"
            begun, status = time.monotonic(), 0
            with suppress(OSError, http.client.HTTPException):
                status, _ = self.call("POST", f"/session/group/one/{key}", {"data": "1"})
            self.tries.append(Try(begun, time.monotonic() - begun, status))
            if status == http.HTTPStatus.NO_CONTENT:
                self.acknowledged.append(key)


def names_in(file: Path) -> Names:
    found = Names(file)
    found.lead_to(OLD)
    found.check()
    return found


@contextmanager
def two_servers(room: Room) -> Iterator[tuple[Server, Server]]:
    """A primary, and a standby that has all that is acknowledged, on the same port of another address."""
    with Server(room, {"listen_addresses": f"127.0.0.1,{OLD}"}) as old:
        new = Server(room, {"listen_addresses": NEW, "hot_standby": "on"}, copy_of=old)
        new.port = old.port
        with new:
            by_hand(old, "ALTER SYSTEM SET synchronous_standby_names = '*'")
            by_hand(old, "SELECT pg_reload_conf()")
            wait_until(lambda: by_hand(old, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"), 20)
            yield old, new


def test_a_worker_follows_a_name_to_another_server(postgres: Server, tmp_path: Path) -> None:
    room = postgres.room
    at_once(
        {
            end.__name__: partial(follow, names_in(tmp_path / end.__name__), room, end)
            for end in (Server.kill, Server.pause)
        }
    )


def follow(names: Names, room: Room, end: Callable[[Server], None]) -> None:
    with two_servers(room) as (old, new):
        worker = WorkerProcess(f"postgresql://postgres:{old.room.password}@{NAME}:{old.port}/postgres")
        worker.before = names.before
        with worker, Client(worker) as client:
            pid = worker.pid
            wait_until(lambda: client.works_since(0.0), 10)
            end(old)
            ended = time.monotonic()
            time.sleep(AWAY_SECONDS)
            assert not client.works_since(ended)
            by_hand(new, "SELECT pg_promote()")
            names.lead_to(NEW)
            moved = time.monotonic()
            back_after = wait_until(lambda: client.works_since(moved), 30)
            time.sleep(1)
            assert worker.running
            assert worker.pid == pid
            acknowledged = list(client.acknowledged)
            status, answer = client.call("POST", "/session/group/one", {"list": ""})
            assert (status, worker.failures) == (http.HTTPStatus.OK, [])
    assert set(acknowledged) <= set(json.loads(answer)["keys"])
    assert back_after < BACK_SECONDS
    slowest = max(one.seconds for one in client.tries)
    show_figure(
        f"PostgreSQL by a name, {end.__name__} of the server, and {AWAY_SECONDS} s later the name leads elsewhere: "
        f"writes work {back_after:.2f} s after that, without a restart; the slowest answer took {slowest:.2f} s, "
        f"lost 0 of {len(acknowledged)}"
    )
