"""What went wrong, as an event for the operator, in numbers for the metrics, and as the error that a client sees.

A text never holds a key, a value, or the text of an error that nobody foresaw: it might hold them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from sessionworker.disk import is_full
from sessionworker.errors import NoSpace, StoreUnavailable, WorkerError
from sessionworker.events import Event, Level, Report, unforeseen


class Named(Protocol):
    """An instance, or what is left of one."""

    group: str
    name: str


class Faults:
    """Counts what went wrong, and tells the operator."""

    def __init__(self, report: Report) -> None:
        """Give each event to `report`."""
        self.counts: Counter[str] = Counter()
        self.report = report

    def say(self, name: str, text: str, of: Named | None = None, *, level: Level = "error") -> None:
        """Tell of an event; `of` is the instance that it is about."""
        self.report(_told(name, text, of, level))

    def note(self, count: str, name: str, text: str, of: Named | None = None, *, level: Level = "error") -> None:
        """Tell of an event, and count it."""
        self.count(count, _told(name, text, of, level))

    def count(self, count: str, event: Event) -> None:
        """Tell of an event that all stores tell of in the same words, and count it."""
        self.counts[count] += 1
        self.report(event)

    def read_error(self, what: str, error: OSError, of: Named | None = None) -> StoreUnavailable:
        """Say what the disk said when `what` was read, and return what a client is told."""
        self.note(
            "read_errors",
            "read_failed",
            f"The folder of {what} could not be read: {reason_of(error)}. See to the disk and its permissions.",
            of,
        )
        return StoreUnavailable()

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Say what the disk says in a block in which something is read. Raises StoreUnavailable then."""
        try:
            yield
        except OSError as error:
            raise self.read_error(what, error) from None


def _told(name: str, text: str, of: Named | None, level: Level) -> Event:
    group, instance = (of.group, of.name) if of is not None else ("", "")
    return Event(name, text, group, instance, level=level)


def refusal_for(error: Exception) -> WorkerError:
    """Return what a client is told of an error."""
    return NoSpace() if is_full(error) else StoreUnavailable()


def reason_of(error: Exception) -> str:
    """Return why something failed, in words that may be logged."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return unforeseen(error)
