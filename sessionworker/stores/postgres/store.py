"""The store on PostgreSQL. The database has everything: a worker is stateless, and there may be as many as people like.

A commit is one transaction, acknowledged once it is durable. It locks the rows of its instances first, in the order of
their ids, so what several workers receive for one key is applied in one order; then it judges, and writes what comes of
it with a few statements, however many batches there are. A read is one statement: nothing is answered from memory, for
another worker may have changed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal

from psycopg import Connection

from sessionworker.errors import StartError, StoreUnavailable, WorkerError
from sessionworker.events import Event, Report
from sessionworker.names import CREDS, SessionFile
from sessionworker.stores.changes import Batch, Entry, PurgeDrop
from sessionworker.stores.interface import UNKNOWN, AllValues, Figures, Load, Outcome, Unknown
from sessionworker.stores.postgres.address import Address
from sessionworker.stores.postgres.background import Background
from sessionworker.stores.postgres.committing import Committing
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.events import Events
from sessionworker.stores.postgres.held import Moment
from sessionworker.stores.postgres.labels import Labels
from sessionworker.stores.postgres.moves import Moves
from sessionworker.stores.postgres.reading import Reading
from sessionworker.stores.postgres.rewriting import Rewriting
from sessionworker.stores.postgres.rows import Rows
from sessionworker.stores.postgres.sealing import Sealing
from sessionworker.stores.postgres.simple import SimpleWrites
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.postgres.telling import Telling
from sessionworker.stores.postgres.whole import Whole
from sessionworker.stores.rules.versions import Keep
from sessionworker.stores.seal import KeyRing
from sessionworker.wire import (
    DropSummary,
    EncryptionSummary,
    EventSummary,
    InstanceSummary,
    StoreOverview,
    VersionSummary,
)


class _NothingWaits:
    """All is in its place once it is acknowledged; see `interface.Waiting`."""

    is_crowded = False

    def admits(self, _group: str, _instance: str, _own: Load, _ahead: Load) -> bool:
        return True

    def on_room(self, tell: Callable[[bool], None]) -> None:
        pass


class PostgresStore:
    """Session files as rows. See the module, and `interface.Store` for the contract."""

    def __init__(
        self,
        address: Address,
        *,
        threads: int = 4,
        report: Report = lambda _: None,
        observe_commit: Callable[[float, int], None] = lambda _, __: None,
        keep: Keep = Keep(),  # noqa: B008 - it is frozen
        ring: KeyRing | None = None,
        moment: Callable[[Moment], Moment] = lambda moment: moment,
    ) -> None:
        """Connect, and make the tables or bring them up to date.

        `threads` is how many read at once; `report` takes events for the operator, `observe_commit` the seconds that
        each transaction took; with `ring` all is sealed; `moment` puts another time in the place of the database's, for
        tests. Raises StartError.
        """
        tables = self._tables = Tables(address.schema)
        self._sealing = Sealing(tables, ring, report)
        self._connections = Connections(address, threads + 2, self._remember)
        self._connections.commit_seconds = observe_commit
        self._ask: Callable[[Batch], None] = lambda _: None
        self._events = Events(self._connections, tables, self._sealing, report)
        rows = Rows(tables, self._sealing)
        labels = Labels(tables, self._sealing.codec)
        self._moves = Moves(self._connections, rows, tables, self._sealing, labels, self._events.report, report, moment)
        simple = SimpleWrites(tables, self._sealing)
        self._committing = Committing(self._connections, rows, self._moves, simple, self._events, report, keep, moment)
        self._reading = Reading(self._connections, tables, self._sealing, self._events.report, self._ask_for)
        self._whole = Whole(self._reading, tables, self._sealing.codec)
        self._telling = Telling(self._connections, tables, self._sealing, labels, self._reading)
        self._rewriting = Rewriting(self._connections, tables, self._sealing, labels, self._events, report)
        self._background = Background(
            self._connections, tables, self._sealing, self._events, self._moves, self._rewriting, report
        )
        self.waiting = _NothingWaits()
        self._is_closed = False

        def prepare(connection: Connection[Row]) -> None:
            tables.make(connection)
            self._sealing.begin(connection)
            self._moves.count_by(connection)
            simple.set_clock(connection)

        self._connections.open(prepare)

    def _ask_for(self, batch: Batch) -> None:
        self._ask(batch)

    def _remember(self, event: Event) -> None:
        self._events.report(event)

    def on_repair(self, ask: Callable[[Batch], None]) -> None:
        """Have `ask` called with repairs that are to be committed; see `interface.Store`."""
        self._ask = ask

    # Changing

    def prepare(self, batch: Batch) -> Batch:
        """Return the batch: large values need nothing; see `interface.Store`."""
        return batch

    def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Make changes durable, in their order; see `interface.Store`."""
        return self._committing.commit(entries)

    # Reading

    def read(self, file: SessionFile) -> bytes | None:
        """Return a value, or None; see `interface.Store`."""
        return self._reading.read(file)

    def read_many(self, group: str, instance: str, keys: Sequence[str], most_bytes: int) -> dict[str, bytes | None]:
        """Return what several keys of an instance hold; see `interface.Store`."""
        return self._reading.read_many(group, instance, keys, most_bytes)

    def names(self, group: str, instance: str, *, beginning: str, after: str, most: int) -> list[str]:
        """Return the keys of an instance that hold something; see `interface.Store`."""
        return self._reading.names(group, instance, beginning, after, most)

    def whole(self, group: str, instance: str, most_bytes: int) -> AllValues:
        """Return all that an instance holds; see `interface.Store`."""
        return self._whole.read(group, instance, most_bytes)

    def recall(self, _file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return UNKNOWN: another worker may have changed anything; see `interface.Store`."""
        return UNKNOWN

    def check_creds(self, group: str, instance: str) -> None:
        """Make sure that a `read` of an instance's creds will not fail; see `interface.Store`."""
        self._reading.read(SessionFile(group, instance, CREDS))

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""
        return self._telling.groups()

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted."""
        return self._telling.instances(group)

    # For operators

    def describe(self, group: str) -> list[InstanceSummary]:
        """Return what each instance of a group holds, sorted by name."""
        return self._telling.describe(group)

    def overview(self) -> StoreOverview:
        """Return all groups and instances at a glance; see `interface.Store`."""
        return self._telling.overview()

    def versions(self, group: str, instance: str) -> list[VersionSummary]:
        """Return the versions of an instance's creds, newest first."""
        return self._telling.versions(group, instance)

    def read_version(self, group: str, instance: str, version: str) -> bytes:
        """Return the creds of a version. Raises NoSuchVersion."""
        return self._telling.read_version(group, instance, version)

    def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped and can be brought back, newest first."""
        return self._telling.drops()

    def drops_before(self, when: int) -> list[PurgeDrop]:
        """Return what erases the instances that were dropped before a time, in milliseconds since 1970."""
        return self._telling.drops_before(when)

    def encryption(self) -> EncryptionSummary:
        """Return with which keys all is encrypted; see `interface.Store`."""
        return self._rewriting.summary()

    def rewrite(self, *, is_wanted: bool) -> None:
        """Have what is not as it would be written now rewritten, or not any more; see `interface.Store`."""
        if is_wanted:
            self._rewriting.begin()
        else:
            self._rewriting.end()

    def events(self, after: int) -> list[EventSummary]:
        """Return what happened lately, as all workers on this database tell of it; see `interface.Store`."""
        return self._events.after(after)

    def check(self) -> None:
        """Ask the database something, and ask how the background's work does; see `interface.Store`."""
        try:
            self._connections.ask(self._sealing.renew)
        except StoreUnavailable:
            if not self._sealing.problem:
                raise
        if self._sealing.problem:
            raise StoreUnavailable(f"The store is not well: {self._sealing.problem}")
        if self._background.problem:
            raise StoreUnavailable(f"The store is not well: {self._background.problem}.")

    def checkpoint(self) -> None:
        """Write down what happened lately: all else is where it stays; see `interface.Store`."""
        self._background.run()

    def figures(self) -> Figures:
        """Return what the metrics show."""
        totals = self._moves.totals
        gauges = {
            **self._connections.gauges(),
            "groups": totals.groups,
            "instances": totals.instances,
            "last_write_timestamp_seconds": self._committing.last_at / 1000,
            "writes_refused": int(bool(self._connections.problem)),
        }
        return Figures(dict(self._connections.counts), gauges)

    def room(self) -> Mapping[str, float]:
        """Return nothing: what the database's disk has left is its operator's to see; see `interface.Store`."""
        return {}

    # Its life

    def serve(self) -> None:
        """Note that the store is in use, and nothing may be copied into it; see `interface.Store`."""
        try:
            self._connections.transact(self._sealing.serve)
            self._sealing.served()
            self._connections.ask(self._sealing.renew)
        except WorkerError:
            reason = self._connections.problem or "another store is being copied into it"
            raise StartError(f"The database cannot be used: {reason}.") from None

    def maintain(self) -> None:
        """Do the background's work until `close` is called."""
        self._background.maintain()

    def close(self) -> None:
        """Write down what happened lately, and let go of the database."""
        if self._is_closed:
            return
        self._is_closed = True
        self._background.close()
        with suppress(Exception):  # nobody's values depend on it
            self._events.save()
        self._connections.close()
