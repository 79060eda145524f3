"""A clock that a test sets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class Clock:
    """The time of day, which stands still until it is set, in milliseconds since 1970; and the clock that nobody sets.

    That one is in seconds, and its own.
    """

    def __init__(self) -> None:
        self.now = 1_700_000_000_000
        self.seconds = 1_000.0

    def time_ns(self) -> int:
        return self.now * 1_000_000

    def monotonic(self) -> float:
        return self.seconds


@contextmanager
def stopped_clock() -> Iterator[Clock]:
    """Let a test say what time it is."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", clock.time_ns)
        patch.setattr(time, "monotonic", clock.monotonic)
        yield clock
