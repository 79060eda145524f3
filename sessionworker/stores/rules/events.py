"""The events that a store remembers: the last thousand, and what goes on happening to one instance as one of them."""

from __future__ import annotations

from collections.abc import Iterable

from sessionworker.events import Event
from sessionworker.wire import EventSummary

MOST_EVENTS = 1_000
"""Events that are remembered."""

MOST_OF_ONE = 50
"""Events of one instance that are remembered: two APIs that fight over it must not push out what happened to others."""

AFTER_A_START = 1_000_000
"""By how much the numbers after a start are ahead of the last one that is known."""

SAME_MILLISECONDS = 60_000
"""For how long the same thing happening again is the same event: two APIs that write one instance's `creds` in turns
would leave nothing else to be seen."""


class RecentEvents:
    """The last events, each with a number, and no more of one instance than its share. Whoever calls takes turns."""

    def __init__(self, events: Iterable[EventSummary] = ()) -> None:
        """Begin with those that were remembered before, oldest first."""
        self._events = {event.number: event for event in [*events][-MOST_EVENTS:]}
        self._latest = {_kind(event): event.number for event in self._events.values()}
        # A number is the time, about, so that it grows even where the last ones were forgotten with a crash; after a
        # start it is far ahead of all that may have been given before.
        self._last = max(self._events, default=-AFTER_A_START) + AFTER_A_START

    def add(self, event: Event, now: int) -> None:
        """Remember an event that happens now, in milliseconds since 1970."""
        self._last = number = max(self._last + 1, now)
        summary = EventSummary(number, now, event.name, event.group, event.instance, event.by, event.text)
        before = self._events.get(self._latest.get(_kind(summary), 0))
        if before is not None and 0 <= now - before.since < SAME_MILLISECONDS:
            del self._events[before.number]
            summary = summary.again(before)
        self._events[number] = summary
        self._latest[_kind(summary)] = number
        if summary.times == 1:
            self._make_room(summary)

    def _make_room(self, new: EventSummary) -> None:
        """Forget the oldest event of an instance that has its share, or else the oldest of all."""
        of_instance = [event for event in self._events.values() if (event.group, event.instance) == _place(new)]
        if new.group and len(of_instance) > MOST_OF_ONE:
            self._forget(of_instance[0])
        elif len(self._events) > MOST_EVENTS:
            self._forget(next(iter(self._events.values())))

    def _forget(self, event: EventSummary) -> None:
        del self._events[event.number]
        if self._latest.get(_kind(event)) == event.number:
            del self._latest[_kind(event)]

    def after(self, number: int) -> list[EventSummary]:
        """Return the events with a higher number, oldest first."""
        return [event for event in self._events.values() if event.number > number]


def _place(event: EventSummary) -> tuple[str, str]:
    return event.group, event.instance


def _kind(event: EventSummary) -> tuple[str, ...]:
    return event.event, event.group, event.instance, event.by, event.message
