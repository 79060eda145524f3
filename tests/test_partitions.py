"""Networks that fail, beside machines and workers that do: cut off is worse than gone, for nobody is told.

A cluster that Patroni leads, each part of it on a machine of its own; two workers in the middle, a third on a machine.
Clients write and read through all three, and the simulation's model says of each answer whether it can be true. The
clients' own code talks, too. With `--full` there are 24 troubles.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

import pytest

from tests.judged import JudgedClient
from tests.postgres.network import Machine, Network, Place, cut, in_a_network, join
from tests.postgres.patroni import PROGRAMS, TTL_SECONDS, Cluster, Etcd, Node
from tests.postgres.room import Room
from tests.replicas import Replicas, replicas
from tests.test_patroni import Talk
from tests.test_replicas import assert_nothing_was_lost, run, wait_until_well
from tests.tools import require, show_figure

pytestmark = [pytest.mark.usefixtures("node_client"), pytest.mark.slow]

CLIENTS = 4

LONGEST_SECONDS = 2.0 * TTL_SECONDS
"""A trouble lasts for less, or for longer than it takes until another one leads."""


class Town:
    """A cluster, its workers, and what may happen to them. Each trouble is over when its block ends."""

    def __init__(self, network: Network, cluster: Cluster, workers: Replicas, machine: Machine) -> None:
        """Speak of these; the last worker is on `machine`."""
        self._middle = network.middle
        self._cluster = cluster
        self._workers = workers
        self._machine = machine

    @contextmanager
    def primary_alone(self) -> Iterator[None]:
        """Nobody reaches the primary."""
        leader = machine_of(self._cluster.wait_for_leader())
        others = [one for one in self._machines if one is not leader]
        yield from cut_off([leader], [*others, self._middle, self._machine])

    @contextmanager
    def primary_with_workers(self) -> Iterator[None]:
        """The primary reaches no other part of the cluster, and the workers reach all of it: two may seem to lead."""
        leader = machine_of(self._cluster.wait_for_leader())
        yield from cut_off([leader], [one for one in self._machines if one is not leader])

    @contextmanager
    def workers_without_primary(self) -> Iterator[None]:
        """The cluster is whole, and no worker reaches the one that leads."""
        yield from cut_off([machine_of(self._cluster.wait_for_leader())], [self._middle, self._machine])

    @contextmanager
    def worker_without_database(self) -> Iterator[None]:
        """One worker reaches nothing of the cluster, and its clients reach it."""
        yield from cut_off([self._machine], self._machines)

    @contextmanager
    def standby_alone(self) -> Iterator[None]:
        """A standby reaches nobody: perhaps the one without which nothing is acknowledged."""
        leader = self._cluster.wait_for_leader()
        standby = machine_of(random.choice([node for node in self._cluster.nodes if node is not leader]))
        others = [one for one in self._machines if one is not standby]
        yield from cut_off([standby], [*others, self._middle, self._machine])

    @contextmanager
    def primary_lost(self) -> Iterator[None]:
        """The primary's machine has no power."""
        leader = self._cluster.wait_for_leader()
        leader.kill()
        yield
        leader.start()

    @contextmanager
    def primary_killed(self) -> Iterator[None]:
        """The primary's PostgreSQL is killed, and its Patroni sees that."""
        self._cluster.wait_for_leader().kill_database()
        yield

    @contextmanager
    def worker_killed(self) -> Iterator[None]:
        """A worker is killed."""
        self._workers.next().kill()
        yield
        self._workers.start_at_last()

    @property
    def troubles(self) -> dict[str, Callable[[], AbstractContextManager[None]]]:
        """All that may happen, by what it is called."""
        return {
            "primary cut off": self.primary_alone,
            "primary cut off from its cluster alone": self.primary_with_workers,
            "primary cut off from the workers alone": self.workers_without_primary,
            "a worker cut off from the database": self.worker_without_database,
            "a standby cut off": self.standby_alone,
            "the primary's machine lost": self.primary_lost,
            "the primary killed": self.primary_killed,
            "a worker killed": self.worker_killed,
        }

    @property
    def _machines(self) -> list[Machine]:
        return [*map(machine_of, self._cluster.nodes), machine_of(self._cluster.etcd)]


def machine_of(part: Node | Etcd) -> Machine:
    assert part.machine is not None
    return part.machine


def cut_off(some: Sequence[Place], others: Sequence[Place]) -> Iterator[None]:
    cut(some, others)
    yield
    join(some, others)


def storm(count: int, pause: float, network: Network) -> None:
    happened, moment, slowest = Counter[str](), random.Random(), 0.0
    arguments = ["--stop", "under-way", "--rounds", str(3 * count), "--pairs", "2"]
    with ExitStack() as stack:
        room = stack.enter_context(Room())
        cluster = stack.enter_context(Cluster(room, network=network))
        machine = network.add()
        workers = stack.enter_context(replicas(cluster.url(), machine=machine))
        names = [f"instance-{number}" for number in range(CLIENTS)]
        clients = [stack.enter_context(JudgedClient(workers.port, workers.token, name, pause)) for name in names]
        program = stack.enter_context(run(workers, "conversation.mjs", *arguments))
        talk = Talk(program)
        troubles = Town(network, cluster, workers, machine).troubles
        for number in range(count):
            talk.hear(moment.randint(1, 12))
            name = list(troubles)[number % len(troubles)]
            with troubles[name]():
                time.sleep(moment.uniform(0.2, LONGEST_SECONDS))
            over = time.monotonic()
            cluster.wait_until_whole()
            wait_until_well(workers)
            for client in clients:
                client.settle()
            slowest = max(slowest, time.monotonic() - over)
            happened[name] += 1
            print(f"{number + 1}: {name}, all well {time.monotonic() - over:.1f} s after it")
        workers.kill()
        program.wait_for("interrupted")
        workers.start_at_last()  # what a cut has begun may go on: a leader that steps back, for instance
        program.go_on("enough")
        assert_nothing_was_lost(program, happened)
        assert workers.failures == []
    counts = sum((client.counts for client in clients), Counter[str]())
    for client in clients:
        assert client.failure is None
    show_figure(
        f"PostgreSQL and workers in a network that fails, {count} troubles: {counts['acknowledged']} writes "
        f"acknowledged, {counts['refused']} refused, {counts['read']} reads, {counts['reads refused']} refused; by the "
        f"model wrong 0; all well {slowest:.1f} s after a trouble at the most"
    )


def test_no_cut_in_the_network_loses_what_was_acknowledged_or_shows_what_was_not(full: bool) -> None:
    for path in PROGRAMS:
        require(path)
    in_a_network(partial(storm, *((24, 0.02) if full else (2, 0.1))))
