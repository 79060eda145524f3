"""What went wrong, in words for the operator, in numbers for the metrics, and as the error that a client sees.

A line never holds a key, a value, or the text of an error that nobody foresaw: it might hold them.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import PurePath

from sessionworker.disk import is_full
from sessionworker.errors import NoSpace, StoreUnavailable, WorkerError


class Faults:
    """Counts what went wrong, and tells the operator."""

    def __init__(self, report: Callable[[str], None]) -> None:
        """Give each line to `report`."""
        self.counts: Counter[str] = Counter()
        self.report = report

    def note(self, count: str, line: str) -> None:
        """Count something, and say it."""
        self.counts[count] += 1
        self.report(line)

    def read_error(self, what: object, error: OSError) -> StoreUnavailable:
        """Say what the disk said when something was read, and return what a client is told."""
        self.note(
            "read_errors",
            f"The folder of {what} could not be read: {reason_of(error)}. See to the disk and its permissions.",
        )
        return StoreUnavailable()


def refusal_for(error: Exception) -> WorkerError:
    """Return what a client is told of an error."""
    return NoSpace() if is_full(error) else StoreUnavailable()


def reason_of(error: Exception) -> str:
    """Return why something failed, in words that may be logged."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    where = traceback.extract_tb(error.__traceback__)[-1:]
    places = [f" in {PurePath(frame.filename).name}, line {frame.lineno}" for frame in where]
    return f"an error that was not foreseen, {type(error).__name__}{''.join(places)}"
