"""PostgreSQL as it is run where nothing may be lost: Patroni promotes a synchronous standby, and nobody acts.

Clients talk through three workers all the while, and beside them something is written and read without a pause. With
`--full` there are 20 failovers.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from itertools import pairwise
from statistics import median

import pytest

from tests.postgres.patroni import PROGRAMS, TTL_SECONDS, Cluster, Node
from tests.postgres.room import Room
from tests.postgres_store.load import Load
from tests.postgres_store.opened import opened, wait_until
from tests.process import NodeProgram, ProcessError
from tests.replicas import replicas
from tests.test_replicas import assert_nothing_was_lost, run, wait_until_well
from tests.tools import require, show_figure

pytestmark = [pytest.mark.usefixtures("node_client"), pytest.mark.slow]

ENDS = {"a machine lost": Node.kill, "PostgreSQL killed": Node.kill_database, "a machine stood still": Node.pause}


def longest_pause(load: Load, since: float) -> float:
    """Return for how many seconds at the most no write was acknowledged, since a time."""
    done = [since, *(call.begun + call.seconds for call in load.done("write", since))]
    return max(later - earlier for earlier, later in pairwise(done))


def is_interrupted(program: NodeProgram) -> bool:
    """Whether a request failed: some are held while another one is promoted, and answered then."""
    with suppress(ProcessError):
        program.wait_for("interrupted", 2)
        return True
    return False


def test_nothing_is_lost_however_often_the_primary_fails(full: bool) -> None:
    for path in PROGRAMS:
        require(path)
    count = 20 if full else 2
    happened, pauses, moment = Counter[str](), list[float](), random.Random()
    arguments = ["--stop", "under-way", "--rounds", str(count), "--pairs", "4"]
    with (
        Room() as room,
        Cluster(room) as cluster,
        replicas(cluster.url()) as workers,
        opened(cluster.url()) as one,
        Load(one.store) as load,
        run(workers, "conversation.mjs", *arguments) as program,
    ):
        for number in range(count):
            for _ in range(moment.randint(1, 12)):
                program.wait_for("said")
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
            if is_interrupted(program):
                happened["the conversation interrupted"] += 1
                program.go_on()
        for _ in range(count - happened["the conversation interrupted"]):  # for it ends after so many
            workers.kill()
            program.wait_for("interrupted")
            workers.start()
            workers.wait_until_ready()
            program.go_on()
        assert_nothing_was_lost(program, happened)
        assert workers.failures == []
    assert load.wrong == []
    show_figure(
        f"Patroni (a leader that says nothing is one for {TTL_SECONDS} s), {count} failovers: acknowledged changes "
        f"lost 0; no write was acknowledged for {median(pauses):.1f} s in the median, {max(pauses):.1f} s at the most"
    )
