"""Two programs with one account, each with an owner, and workers that are killed under them: nothing mixes."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import pytest

from tests.postgres.databases import Databases
from tests.postgres.server import Server
from tests.process import WorkerProcess
from tests.replicas import Replicas, replicas
from tests.tools import show_figure

pytestmark = pytest.mark.slow

KILLS = {False: 5, True: 8}
"""How often, in the gate and at full length."""

SECONDS_BETWEEN = 0.3


class Acknowledged(NamedTuple):
    """A change that was answered with 204, when it was sent, and when that answer was there."""

    lease: str
    sent: float
    answered: float


class Program(Thread):
    """Asks for an instance again and again, and writes to it as long as it is its own; it may let it go then."""

    def __init__(self, worker: WorkerProcess | Replicas, owner: str, end: Event, *, lets_go: bool) -> None:
        super().__init__()
        self._worker = worker
        self._lets_go = lets_go
        self._owner = owner
        self._end = end
        self.acknowledged: list[Acknowledged] = []
        self.refused = 0

    def run(self) -> None:
        while not self._end.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._worker.port, timeout=10)
            try:
                while not self._end.is_set():
                    if self._ask(connection, "/session/codechat", {"instance": "sales"}):
                        for number in range(20):
                            if not self._ask(connection, "/session/codechat/sales", {"changes": {"n": number}}):
                                break
                        if self._lets_go:
                            self._ask(connection, "/session/codechat", {"instance": "sales", "release": True})
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # the worker was killed
            finally:
                connection.close()

    def _ask(self, connection: http.client.HTTPConnection, path: str, body: object) -> bool:
        headers = {"apikey": self._worker.token, "owner": self._owner}
        sent = time.monotonic()
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 502:  # a worker was killed, before it was asked or while it was
            raise http.client.HTTPException
        if answer.status == 204 and "lease" in answer.headers:
            self.acknowledged.append(Acknowledged(answer.headers["lease"], sent, time.monotonic()))
        elif answer.status != 204:
            assert answer.status == 409, answer.status
            self.refused += 1
            time.sleep(0.002)
        return answer.status == 204


def held(changes: list[Acknowledged]) -> Iterator[tuple[float, float]]:
    """The times within which a program held each of its leases for certain."""
    for lease in dict.fromkeys(change.lease for change in changes):
        mine = [change for change in changes if change.lease == lease]
        yield mine[0].answered, mine[-1].sent


def test_what_two_programs_write_never_mixes_though_the_worker_is_killed(tmp_path: Path, full: bool) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        check_that_nothing_mixes(worker, [worker] * KILLS[full], lets_go=False)


def test_what_they_write_through_three_workers_on_one_database_never_mixes(postgres: Server, full: bool) -> None:
    # Leases are in the database there, and outlive a worker: nobody gets in before they are let go.
    with Databases(postgres) as databases, databases.fresh_database() as url, replicas(url) as workers:
        check_that_nothing_mixes(workers, [workers.next() for _ in range(KILLS[full])], lets_go=True)


def check_that_nothing_mixes(
    asked: WorkerProcess | Replicas, killed: Sequence[WorkerProcess], *, lets_go: bool
) -> None:
    end = Event()
    programs = [Program(asked, f"host-{number}:{number}", end, lets_go=lets_go) for number in (1, 2)]
    for program in programs:
        program.start()
    for worker in killed:
        time.sleep(SECONDS_BETWEEN)
        worker.kill()
        worker.start()
        worker.wait_until_ready()
    time.sleep(SECONDS_BETWEEN)
    end.set()
    for program in programs:
        program.join(20)
        assert not program.is_alive()
    mixed = 0
    for one, other in (programs, programs[::-1]):
        for begin, last in held(one.acknowledged):
            mixed += sum(begin < change.sent and change.answered < last for change in other.acknowledged)
    leases = [{change.lease for change in program.acknowledged} for program in programs]
    show_figure(
        f"owners, {len(killed)} kills of {len(set(killed))} workers: "
        f"{sum(len(program.acknowledged) for program in programs)} changes under {sum(map(len, leases))} leases, "
        f"{sum(program.refused for program in programs)} refused, {mixed} mixed"
    )
    assert mixed == 0
    assert all(not one & other for one, other in combinations(leases, 2))
    assert sum(map(len, leases)) > len(killed) / 2
    assert sum(program.refused for program in programs) > 0
