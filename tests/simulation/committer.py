"""The one task that commits what the others want to have committed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.simulation.records import Commit, Failure
from tests.simulation.schedule import Schedule, Task
from tests.simulation.subject import DropSeen, Entry, Outcome, Repair, Store

MOST_AT_ONCE = 5
"""Requests that one commit takes: after a crash each of them may be there or not."""


@dataclass
class _Ticket:
    """What somebody wants to have committed, or a repair that the store asks for."""

    entries: list[Entry]
    prepared_at: list[int | None]
    listed: list[DropSeen] | None = None
    repair: Repair | None = None
    outcomes: list[Outcome] | None = None
    waiters: list[Task] = field(default_factory=list)


class Committer:
    """Collects what comes while a commit goes on, and commits that together."""

    def __init__(self, machine: Schedule) -> None:
        """Begin with nothing."""
        self._machine = machine
        self._queue: list[_Ticket] = []
        self._idle: list[Task] = []
        self._has_ended = False
        self.commits: list[Commit] = []
        """Those of the step that goes on."""
        self.ended = 0
        """How many of them have ended."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be committed, and nothing is."""
        return not self._queue and bool(self._idle)

    def begin_step(self) -> None:
        """Forget the commits before."""
        self.commits, self.ended = [], 0

    def forget(self) -> None:
        """Know that the store is gone, with all that waited for it."""
        self._queue, self._idle, self._has_ended = [], [], False

    def end(self) -> None:
        """Take no more repairs: the thread that makes them ends before its store is closed."""
        self._has_ended = True

    def ask(self, what: Any) -> None:
        """Take a repair that a store asks for."""
        if self._has_ended:
            return
        self._put(_Ticket([], [], repair=Repair(what)))

    def _put(self, ticket: _Ticket) -> None:
        self._queue.append(ticket)
        for task in list(self._idle):
            self._machine.wake(task)

    def submit(
        self, entries: list[Entry], prepared_at: int | None = None, listed: list[DropSeen] | None = None
    ) -> list[Outcome]:
        """Have requests committed, and wait for it; in a task."""
        ticket = _Ticket(entries, [prepared_at] * len(entries), listed)
        self._put(ticket)
        while ticket.outcomes is None:
            self._machine.block(ticket.waiters)
        return ticket.outcomes

    def work(self, store: Store) -> None:
        """Commit what comes, for ever."""
        while True:
            while not self._queue:
                self._machine.block(self._idle)
            taken = [self._queue.pop(0)]
            size = len(taken[0].entries)
            while self._queue and size + len(self._queue[0].entries) <= MOST_AT_ONCE:
                size += len(self._queue[0].entries)
                taken.append(self._queue.pop(0))
            self._commit(store, taken)

    def _commit(self, store: Store, taken: list[_Ticket]) -> None:
        task = self._machine.current
        assert task is not None
        commit = Commit(
            [entry.request for ticket in taken for entry in ticket.entries],
            self._machine.wall_clock(),
            [began for ticket in taken for began in ticket.prepared_at],
            [ticket.listed for ticket in taken for _ in ticket.entries],
        )
        self.commits.append(commit)
        injuries = task.injuries
        entries: list[Entry | Repair] = []
        for ticket in taken:
            entries += ticket.entries if ticket.repair is None else [ticket.repair]
        outcomes = store.commit(entries)
        commit.is_injured = task.injuries > injuries
        commit.outcomes = []
        place = 0
        for ticket in taken:
            count = max(1, len(ticket.entries))
            if ticket.repair is None:
                commit.outcomes += outcomes[place : place + count]
            ticket.outcomes = outcomes[place : place + count]
            place += count
        if place != len(outcomes):
            raise Failure("stopped", "not one outcome for each request", f"{len(outcomes)} for {place}")
        if any(each is commit for each in self.commits):  # not a repair that began in the step before
            self.ended += 1
        for ticket in taken:
            for waiter in list(ticket.waiters):
                self._machine.wake(waiter)
