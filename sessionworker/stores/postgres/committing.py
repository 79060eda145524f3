"""A commit: entries are judged by the rows that they are about, which are locked, and made in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from psycopg import Connection

from sessionworker.errors import WorkerError
from sessionworker.events import Report
from sessionworker.names import CREDS
from sessionworker.stores.changes import Batch, CatalogueChange, Entry, Probe, ReleaseInstance, Write
from sessionworker.stores.interface import Outcome
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.events import Events
from sessionworker.stores.postgres.faults import RowsLockedError
from sessionworker.stores.postgres.held import Moment
from sessionworker.stores.postgres.judge import Judge
from sessionworker.stores.postgres.moves import Moves
from sessionworker.stores.postgres.rows import Rows
from sessionworker.stores.postgres.simple import VALID_SECONDS, Place, SimpleWrites, is_simple
from sessionworker.stores.postgres.tables import Row
from sessionworker.stores.rules.creds import Oddity
from sessionworker.stores.rules.peers import Peers
from sessionworker.stores.rules.told import written_in_turns
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
        simple: SimpleWrites,
        events: Events,
        report: Report,
        keep: Keep,
        moment: Callable[[Moment], Moment],
    ) -> None:
        """Commit by these; `moment` may put another time in the place of the database's."""
        self._connections = connections
        self._rows = rows
        self._moves = moves
        self._simple = simple
        self._events = events
        self._report = report
        self._keep = keep
        self._moment = moment
        self._peers: dict[Place, Peers] = {}
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

    def _commit(self, batches: Sequence[Judged]) -> list[Outcome]:
        """Commit entries that come one after the other: what is simple in one statement, the rest in a transaction."""
        done = self._write_simple(batches)
        rest = [one for one in batches if _place_of(one) not in done]
        outcomes = iter(self._judge(rest))
        return [done[place] if (place := _place_of(one)) in done else next(outcomes) for one in batches]

    def _write_simple(self, batches: Sequence[Judged]) -> dict[Place | None, WorkerError | None]:
        """Write what is asked of instances of which nothing else is; return what became of that, where it is known."""
        if not self._simple.is_usable:
            return {}
        not_simple = {_place_of(one) for one in batches if not is_simple(one)}
        values: dict[Place, dict[str, bytes]] = {}
        for one in batches:
            place = _place_of(one)
            if place is not None and place not in not_simple and isinstance(one, Batch):
                of_instance = values.setdefault(place, {})
                for change in one.changes:
                    if isinstance(change, Write):
                        of_instance[change.key] = change.value
        if not values:
            return {}
        done = self._write_values(values)
        self._watch([one for one in batches if done.get(_place_of(one), one) is None])
        return done

    def _write_values(
        self, values: Mapping[Place, Mapping[str, bytes]], *, is_rest: bool = False
    ) -> dict[Place | None, WorkerError | None]:
        if not values:
            return {}
        try:
            written = self._connections.change(lambda one: self._simple.write(one, values), VALID_SECONDS)
        except RowsLockedError as error:
            if is_rest:
                return dict.fromkeys(values, error)
            locked = self._locked(values)
            free = {place: value for place, value in values.items() if place not in locked}
            return {**dict.fromkeys(locked, error), **self._write_values(free, is_rest=True)}
        except WorkerError as error:
            return dict.fromkeys(values, error)
        self.last_at = max([self.last_at, *written.values()])
        return dict.fromkeys(written)

    def _judge(self, batches: Sequence[Judged], *, is_rest: bool = False) -> list[Outcome]:
        if not batches:
            return []
        try:
            outcomes, judge = self._connections.transact(lambda connection: self._try(connection, batches))
        except WorkerError as error:
            if isinstance(error, RowsLockedError) and not is_rest:
                return self._judge_others(batches, error)
            return [error] * len(batches)
        for event in judge.events:
            self._events.report(event)
        for event in judge.reports:
            self._report(event)
        counts = self._connections.counts
        counts["held_elsewhere"] += judge.refused
        counts["identity_changes"] += judge.odd[Oddity.ANOTHER_IDENTITY]
        counts["creds_out_of_order"] += judge.odd[Oddity.OUT_OF_ORDER]
        self._watch(
            [one for one, outcome in zip(batches, outcomes, strict=True) if not isinstance(outcome, WorkerError)]
        )
        return outcomes

    def _judge_others(self, batches: Sequence[Judged], error: WorkerError) -> list[Outcome]:
        """Judge what is about none of the instances that somebody else keeps locked; refuse the rest."""
        locked = self._locked(_places_of(batches))
        others = iter(self._judge([one for one in batches if _place_of(one) not in locked], is_rest=True))
        return [error if _place_of(one) in locked else next(others) for one in batches]

    def _locked(self, places: Iterable[Place]) -> set[Place | None]:
        """Return which instances somebody else keeps locked; all, where that cannot be found out."""
        wanted = set(places)
        try:
            return {*self._connections.ask(lambda connection: self._rows.locked(connection, wanted))}
        except WorkerError:
            return {*wanted}

    def _try(self, connection: Connection[Row], batches: Sequence[Judged]) -> tuple[list[Outcome], Judge]:
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
        return outcomes, judge

    def _watch(self, made: Sequence[Judged]) -> None:
        """Tell of two that write an instance in turns."""
        for one in made:
            if not isinstance(one, Batch) or one.owner or not one.by or not one.changes:
                continue
            place = one.group, one.instance
            peers = self._peers.pop(place, None) or Peers()
            self._peers[place] = peers  # the latest at the end
            if len(self._peers) > MOST_PEERS:
                del self._peers[next(iter(self._peers))]
            in_turns = peers.wrote(one.by, time.monotonic())
            if in_turns:
                self._connections.counts["written_in_turns"] += 1
                self._events.report(written_in_turns(one.group, one.instance, in_turns))


def _places_of(entries: Sequence[Judged]) -> set[Place]:
    return {place for one in entries if (place := _place_of(one)) is not None}


def _place_of(entry: Judged) -> Place | None:
    return None if isinstance(entry, Probe) else (entry.group, entry.instance)
