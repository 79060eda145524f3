"""A commit: entries are judged by the rows that they are about, which are locked, and made in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from psycopg import Connection

from sessionworker.errors import WorkerError
from sessionworker.events import Event, Report
from sessionworker.names import CREDS
from sessionworker.stores.changes import Batch, CatalogueChange, Entry, Probe, ReleaseInstance
from sessionworker.stores.interface import Outcome
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.events import Events
from sessionworker.stores.postgres.faults import RowsLockedError
from sessionworker.stores.postgres.held import Held, Moment
from sessionworker.stores.postgres.judge import Judge
from sessionworker.stores.postgres.moves import Moves
from sessionworker.stores.postgres.rows import Rows
from sessionworker.stores.postgres.tables import Row
from sessionworker.stores.rules.creds import Oddity
from sessionworker.stores.rules.peers import Peers
from sessionworker.stores.rules.versions import Keep

Judged: TypeAlias = Batch | ReleaseInstance | Probe

MOST_PEERS = 10_000
"""Instances of which it is remembered who wrote them lately."""


class Committing:
    """Commits entries. Called by one thread at a time."""

    def __init__(
        self,
        connections: Connections,
        rows: Rows,
        moves: Moves,
        events: Events,
        report: Report,
        keep: Keep,
        moment: Callable[[Moment], Moment],
    ) -> None:
        """Commit by these; `moment` may put another time in the place of the database's."""
        self._connections = connections
        self._rows = rows
        self._moves = moves
        self._events = events
        self._report = report
        self._keep = keep
        self._moment = moment
        self._peers: dict[object, Peers] = {}
        self.last_at = 0
        """The time of the last commit, in milliseconds since 1970; 0 before the first."""

    def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Make changes durable, in their order; see `interface.Store`."""
        outcomes: list[Outcome] = []
        batches: list[Judged] = []  # that come one after the other: they are one transaction
        for entry in entries:
            if isinstance(entry, Batch | Probe | ReleaseInstance):
                batches.append(entry)
                continue
            outcomes += self._commit(batches)
            batches = []
            outcomes.append(self._move(entry))
        return outcomes + self._commit(batches)

    def _move(self, change: CatalogueChange) -> Outcome:
        try:
            return self._moves.make(change)
        except WorkerError as error:
            return error

    def _commit(self, batches: Sequence[Judged], *, is_rest: bool = False) -> list[Outcome]:
        if not batches:
            return []
        try:
            outcomes, judge, changed = self._connections.transact(lambda connection: self._try(connection, batches))
        except WorkerError as error:
            if isinstance(error, RowsLockedError) and not is_rest:
                return self._commit_others(batches)
            return [error] * len(batches)
        for event in judge.events:
            self._events.report(event)
        for event in judge.reports:
            self._report(event)
        counts = self._connections.counts
        counts["held_elsewhere"] += judge.refused
        counts["identity_changes"] += judge.odd[Oddity.ANOTHER_IDENTITY]
        counts["creds_out_of_order"] += judge.odd[Oddity.OUT_OF_ORDER]
        self._watch(batches, outcomes, changed)
        return outcomes

    def _commit_others(self, batches: Sequence[Judged]) -> list[Outcome]:
        """Commit what is about none of the instances that somebody else keeps locked; refuse the rest."""
        places = _places_of(batches)
        try:
            locked = self._connections.ask(lambda connection: self._rows.locked(connection, places))
        except WorkerError as error:
            return [error] * len(batches)
        is_free = [isinstance(one, Probe) or (one.group, one.instance) not in locked for one in batches]
        outcomes = iter(self._commit([one for one, free in zip(batches, is_free, strict=True) if free], is_rest=True))
        return [next(outcomes) if free else RowsLockedError() for free in is_free]

    def _try(
        self, connection: Connection[Row], batches: Sequence[Judged]
    ) -> tuple[list[Outcome], Judge, dict[tuple[str, str], Held]]:
        places = _places_of(batches)
        of_creds = {
            (one.group, one.instance)
            for one in batches
            if isinstance(one, Batch) and any(change.key == CREDS for change in one.changes)
        }
        held, moment = self._rows.lock(connection, places, of_creds)
        moment = self._moment(moment)
        missing = {group for group, name in places if (group, name) not in held}
        groups = self._rows.groups(connection, sorted(missing)) if missing else set()
        judge = Judge(held, groups.__contains__, moment, self._keep)
        outcomes = [judge.judge(one) for one in batches]
        self._rows.write(connection, held.values(), moment.now)
        if any(isinstance(one, Probe) for one in batches):
            self._rows.probe(connection, moment.now)
        self.last_at = moment.now
        return outcomes, judge, held

    def _watch(self, batches: Sequence[Judged], outcomes: Sequence[Outcome], held: dict[tuple[str, str], Held]) -> None:
        """Tell of two that write an instance in turns."""
        for one, outcome in zip(batches, outcomes, strict=True):
            if not isinstance(one, Batch) or one.owner or not one.by or isinstance(outcome, WorkerError):
                continue
            instance = held.get((one.group, one.instance))
            if instance is None or not one.changes:
                continue
            peers = self._peers.pop(instance.id, None) or Peers()
            self._peers[instance.id] = peers  # the latest at the end
            if len(self._peers) > MOST_PEERS:
                del self._peers[next(iter(self._peers))]
            in_turns = peers.wrote(one.by, time.monotonic())
            if in_turns:
                self._connections.counts["written_in_turns"] += 1
                text = (
                    f"Writes of {instance} come in turns from {' and '.join(in_turns)}. If these are two programs with "
                    "one account, WhatsApp disconnects them in turns (440): stop one of them."
                )
                self._events.report(Event("written_in_turns", text, one.group, one.instance, level="warn"))


def _places_of(batches: Sequence[Judged]) -> set[tuple[str, str]]:
    return {(one.group, one.instance) for one in batches if not isinstance(one, Probe)}
