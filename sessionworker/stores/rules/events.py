"""The events that a store remembers: the last thousand, and what goes on happening to one instance as one of them."""

from __future__ import annotations

from collections.abc import Iterable

from sessionworker.events import Event
from sessionworker.wire import EventSummary

MOST_EVENTS = 1_000
"""Events that are remembered."""

SAME_MILLISECONDS = 60_000
"""For how long the same thing happening again is the same event: two APIs that write one instance's `creds` in turns
would leave nothing else to be seen."""


class RecentEvents:
    """The last events, each with a number. Whoever calls takes turns."""

    def __init__(self, events: Iterable[EventSummary] = ()) -> None:
        """Begin with those that were remembered before, oldest first."""
        self._events = {event.number: event for event in events}
        self._latest = {_kind(event): event.number for event in self._events.values()}
        self._last = max(self._events, default=0)

    def add(self, event: Event, now: int) -> None:
        """Remember an event that happens now, in milliseconds since 1970."""
        # A number is the time, so that it grows even where the last ones were forgotten with a crash.
        self._last = number = max(self._last + 1, now)
        summary = EventSummary(number, now, event.name, event.group, event.instance, event.by, event.text)
        before = self._events.get(self._latest.get(_kind(summary), 0))
        if before is not None and now - before.since < SAME_MILLISECONDS and before.by == event.by:
            del self._events[before.number]
            summary = summary.again(before)
        self._events[number] = summary
        self._latest[_kind(summary)] = number
        if len(self._events) > MOST_EVENTS:
            self._forget(next(iter(self._events.values())))

    def _forget(self, event: EventSummary) -> None:
        del self._events[event.number]
        if self._latest.get(_kind(event)) == event.number:
            del self._latest[_kind(event)]

    def after(self, number: int) -> list[EventSummary]:
        """Return the events with a higher number, oldest first."""
        return [event for event in self._events.values() if event.number > number]


def _kind(event: EventSummary) -> tuple[str, str, str]:
    return event.event, event.group, event.instance
