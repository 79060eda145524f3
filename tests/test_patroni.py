"""PostgreSQL as it is run where nothing may be lost: Patroni promotes a synchronous standby, and nobody acts.

Clients talk through three workers all the while, and beside them something is written and read without a pause. With
`--full` alone: 20 failovers take a quarter of an hour. Without, `test_partitions` has some.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial
from itertools import pairwise
from statistics import median

import pytest

from tests.postgres.patroni import PROGRAMS, TTL_SECONDS, Cluster, Node
from tests.postgres.room import Room
from tests.postgres_store.load import Load
from tests.postgres_store.opened import opened, wait_until
from tests.process import NodeProgram
from tests.replicas import replicas
from tests.test_replicas import assert_nothing_was_lost, run, wait_until_well
from tests.tools import require, show_figure

pytestmark = [pytest.mark.usefixtures("node_client"), pytest.mark.slow]

SAID_BETWEEN = 20
"""How much is said at least after a failover, before the next one."""

ENDS = {"a machine lost": Node.kill, "PostgreSQL killed": Node.kill_database, "a machine stood still": Node.pause}


def longest_pause(load: Load, since: float) -> float:
    """Return for how many seconds at the most no write was acknowledged, since a time."""
    done = [since, *(call.begun + call.seconds for call in load.done("write", since))]
    return max(later - earlier for earlier, later in pairwise(done))


class Talk:
    """A conversation that waits where a request failed, until it is heard: that is while all is well."""

    def __init__(self, program: NodeProgram) -> None:
        self._program = program
        self.interrupted = 0

    def hear(self, count: int) -> None:
        """Let it go on until so much more was said."""
        while count > 0:
            line = self._program.read_line()
            assert line is not None, "it is over"
            count -= line.startswith("said")
            if line.startswith("interrupted"):
                self.interrupted += 1
                self._program.go_on()


def test_nothing_is_lost_however_often_the_primary_fails(full: bool) -> None:
    for path in PROGRAMS:
        require(path)
    if not full:
        pytest.skip("20 failovers take a quarter of an hour: with --full")
    count = 20
    happened, pauses, moment = Counter[str](), list[float](), random.Random()
    rounds = 3 * count  # one failover may interrupt it more than once
    arguments = ["--stop", "under-way", "--rounds", str(rounds), "--pairs", "4"]
    with (
        Room() as room,
        Cluster(room) as cluster,
        replicas(cluster.url()) as workers,
        opened(cluster.url()) as one,
        Load(one.store) as load,
        run(workers, "conversation.mjs", *arguments) as program,
    ):
        talk = Talk(program)
        for number in range(count):
            talk.hear(moment.randint(1, 12))
            name = list(ENDS)[number % len(ENDS)]
            first = cluster.wait_for_leader()
            began = time.monotonic()
            ENDS[name](first)
            cluster.wait_for_leader(but=first)
            wait_until(partial(load.works_since, time.monotonic()), 60)
            if name == "a machine lost":
                first.start()
            elif name == "a machine stood still":
                first.go_on()
            cluster.wait_until_whole()
            wait_until_well(workers)
            pauses.append(longest_pause(load, began))
            happened[name] += 1
            print(f"{number + 1}: {name}, {pauses[-1]:.1f} s")
            talk.hear(SAID_BETWEEN)
        happened["the conversation interrupted"] = talk.interrupted
        workers.kill()
        program.wait_for("interrupted")
        workers.start_at_last()
        program.go_on("enough")
        assert_nothing_was_lost(program, happened)
        assert workers.failures == []
    assert load.wrong == []
    show_figure(
        f"Patroni (a leader that says nothing is one for {TTL_SECONDS} s), {count} failovers: acknowledged changes "
        f"lost 0; no write was acknowledged for {median(pauses):.1f} s in the median, {max(pauses):.1f} s at the most"
    )
