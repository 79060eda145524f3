"""What happened lately, as all workers on one database tell of it: one row, written anew when there is more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock

import msgspec
from psycopg import Connection

from sessionworker.errors import StoreUnavailable
from sessionworker.events import Event, Report
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.sealing import Sealing
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.rules.events import RecentEvents
from sessionworker.wire import EventSummary

EVENTS = "events"
"""The row of `state` that holds them."""

MOST_UNSAVED = 1_000
"""Events that wait to be written; while the database is away, older ones are forgotten."""


class Events:
    """Passes events on, and has them remembered. Any thread may call every method."""

    def __init__(self, connections: Connections, tables: Tables, sealing: Sealing, report: Report) -> None:
        """Pass events on to `report`."""
        self._connections = connections
        self._sealing = sealing
        self._pass_on = report
        self._unsaved: list[tuple[Event, int]] = []
        self._lock = Lock()
        self._saving = Lock()
        self._make = tables.fill(_MAKE)
        self._read = tables.fill(_READ)
        self._read_locked = tables.fill(_READ + " FOR UPDATE")
        self._write = tables.fill(_WRITE)

    def report(self, event: Event) -> None:
        """Take an event, as `events.Report`."""
        event = msgspec.structs.replace(event, text=event.text.encode(errors="backslashreplace").decode())
        with self._lock:
            self._unsaved.append((event, time.time_ns() // 1_000_000))
            del self._unsaved[:-MOST_UNSAVED]
        self._pass_on(event)

    def after(self, number: int) -> list[EventSummary]:
        """Return the events that have a higher number, oldest first. Raises NoSpace or StoreUnavailable."""
        self.save()  # so that each has the number that others know it by
        row = self._connections.ask(lambda connection: connection.execute(self._read, [EVENTS]).fetchone())
        return [event for event in self._events_in(row) if event.number > number]

    def save(self) -> None:
        """Write down those that are not. Raises NoSpace or StoreUnavailable."""
        with self._saving:
            with self._lock:
                new = list(self._unsaved)
            if new:
                self._connections.transact(lambda connection: self._add(connection, new))
                with self._lock:
                    written = set(map(id, new))
                    self._unsaved = [one for one in self._unsaved if id(one) not in written]

    def _add(self, connection: Connection[Row], new: Sequence[tuple[Event, int]]) -> None:
        connection.execute(self._make, [EVENTS, b""])
        row = connection.execute(self._read_locked, [EVENTS]).fetchone()
        self._sealing.renew(connection)
        if self._sealing.problem:
            raise StoreUnavailable
        recent = RecentEvents(self._events_in(row))
        for event, when in new:
            recent.add(event, when)
        data = self._sealing.codec.seal(msgspec.json.encode(recent.after(-1)), EVENTS)
        connection.execute(self._write, [data, EVENTS])

    def rewrite(self, connection: Connection[Row]) -> None:
        """Write those that are remembered anew, as they are written now, in a transaction."""
        self._add(connection, ())

    def _events_in(self, row: Row | None) -> list[EventSummary]:
        value = self._sealing.codec.open(row[0], EVENTS) if row is not None else None
        try:
            return _decoder.decode(value) if value else []
        except msgspec.MsgspecError:  # whatever somebody put there
            return []


_decoder = msgspec.json.Decoder(list[EventSummary])
_MAKE = "INSERT INTO {state} VALUES (%s, %b) ON CONFLICT (name) DO NOTHING"
_READ = "SELECT value FROM {state} WHERE name = %s"
_WRITE = "UPDATE {state} SET value = %b WHERE name = %s"
