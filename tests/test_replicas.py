"""The clients' own code against three workers on one PostgreSQL, request by request another one of them.

With `--full` the conversations are longer, and more is killed.
"""

from __future__ import annotations

import http.client
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.postgres.databases import Databases
from tests.postgres.room import Room
from tests.postgres.server import Server
from tests.process import NODE_PROGRAMS, NodeProgram, WorkerProcess
from tests.replicas import Replicas, replicas
from tests.tools import show_figure

pytestmark = [pytest.mark.usefixtures("node_client"), pytest.mark.slow]

BAILEYS = "7"
LOSSES = {"lost": 0, "identities": 0, "missing": [], "failures": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL that syncs, and that these tests stop and kill."""
    with Room() as room, Server(room, {"fsync": "on", "synchronous_commit": "on"}) as running:
        yield running


@pytest.fixture
def workers(server: Server) -> Iterator[Replicas]:
    with Databases(server) as databases, databases.fresh_database() as url, replicas(url) as running:
        yield running
        assert running.failures == []


def run(workers: Replicas, script: str, *arguments: str) -> NodeProgram:
    return NodeProgram(NODE_PROGRAMS / script, workers.url, workers.token, *arguments, baileys=BAILEYS)


def assert_nothing_was_lost(program: NodeProgram, what_happened: Counter[str]) -> None:
    result = program.result(300)
    assert {what: result[what] for what in LOSSES} == LOSSES, program.output
    assert program.wait_until_ended() == 0
    happened = ", ".join(f"{what} {count} times" for what, count in what_happened.items())
    show_figure(
        f"three workers on PostgreSQL: {result['values']} values compared, {result['messages']} messages; {happened}; "
        f"lost {result['lost']}, identities lost {result['identities']}, missing {len(result['missing'])}"
    )


def test_two_accounts_do_not_notice_that_each_worker_is_killed_and_the_database_restarted(
    workers: Replicas, server: Server, full: bool
) -> None:
    happened: Counter[str] = Counter()
    rounds = 40 if full else 4
    with run(
        workers, "conversation.mjs", "--messages", str(3 * (rounds + 1)), "--reload-every", "3", "--stop", "between"
    ) as program:
        for number in range(1, rounds + 1):
            assert program.wait_for("pause") == f"pause {3 * number}"
            if number % 4 == 0:
                server.restart()
                happened["PostgreSQL restarted"] += 1
                wait_until_well(workers)
            else:
                workers.next().kill()
                happened["a worker killed"] += 1
                if number % 2:  # the other two go on alone for a while
                    workers.start()
                    workers.wait_until_ready()
            program.go_on()
        workers.start()
        assert_nothing_was_lost(program, happened)


def test_all_workers_killed_while_messages_are_under_way_keep_all_they_acknowledged(
    workers: Replicas, server: Server, full: bool
) -> None:
    rounds = 20 if full else 2
    moment, happened = random.Random(), Counter[str]()
    with run(workers, "conversation.mjs", "--stop", "under-way", "--rounds", str(rounds), "--pairs", "4") as program:
        for number in range(1, rounds + 1):
            for _ in range(moment.randint(1, 12)):
                program.wait_for("said")
            time.sleep(moment.uniform(0, 0.01))  # not a wait: somewhere inside of a message, not at its end
            if number % 2:
                workers.kill()
                happened["all workers killed"] += 1
            else:
                server.kill()
                happened["PostgreSQL killed"] += 1
            assert program.wait_for("interrupted", 60) == f"interrupted {number}"
            if number % 2:
                workers.start()
                workers.wait_until_ready()
            else:
                server.start()
                wait_until_well(workers)
            program.go_on()
        assert_nothing_was_lost(program, happened)


def wait_until_well(workers: Replicas, seconds: float = 20) -> None:
    """Wait until all workers that run can use the database again."""
    end = time.monotonic() + seconds
    for worker in workers.workers:
        while worker.running and not is_well(worker):
            assert time.monotonic() < end, worker.output
            time.sleep(0.1)


def is_well(worker: WorkerProcess) -> bool:
    """Whether a worker says that it is well."""
    connection = http.client.HTTPConnection(worker.host, worker.port, timeout=10)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    finally:
        connection.close()
