"""What happened lately, written down for the next start."""

from __future__ import annotations

import time

import msgspec

from sessionworker.events import Event, Report
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import EVENTS, Places
from sessionworker.stores.rules.events import RecentEvents
from sessionworker.wire import EventSummary

LARGEST = 16 * 2**20
"""Bytes of a file of events that is read."""


class Events:
    """Passes events on, and remembers them. Any thread may call every method but `save`."""

    def __init__(self, places: Places, locks: Locks, report: Report) -> None:
        """Begin with what was written down, as far as it can be read; pass new ones on to `report`."""
        self._places = places
        self._locks = locks
        self._pass_on = report
        self._recent = RecentEvents([])
        self._is_saved = True
        try:
            self._recent = RecentEvents(_read.decode(places.read_ours(EVENTS, LARGEST) or b"[]"))
        except Exception:  # noqa: BLE001 - whatever somebody put there, it stops no start
            self.report(Event("events_forgotten", _FORGOTTEN, level="warn"))

    def report(self, event: Event) -> None:
        """Take an event, as `events.Report`."""
        event = msgspec.structs.replace(event, text=event.text.encode(errors="backslashreplace").decode())
        with self._locks.events:
            self._recent.add(event, time.time_ns() // 1_000_000)
            self._is_saved = False
        self._pass_on(event)

    def after(self, number: int) -> list[EventSummary]:
        """Return the events that have a higher number, oldest first."""
        with self._locks.events:
            return self._recent.after(number)

    def save(self, *, again: bool = False) -> None:
        """Write them down, if there are new ones, or `again`. Called by the checkpointer. Raises OSError."""
        if self._is_saved and not again:
            return
        self._is_saved = True
        try:
            self._places.replace_ours(EVENTS, msgspec.json.encode(self.after(-1)))
        except BaseException:
            self._is_saved = False
            raise


_FORGOTTEN = "What happened before this start could not be read, and is forgotten."
_read = msgspec.json.Decoder(list[EventSummary])
