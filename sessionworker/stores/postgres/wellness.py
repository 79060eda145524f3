"""Whether the database can be used: told once when that ends, and once when it is so again."""

from __future__ import annotations

import time
from threading import Lock
from typing import Literal, TypeAlias

from sessionworker.events import Event, Report

Kind: TypeAlias = Literal["read", "write"]

QUIET_SECONDS = 60.0
"""How long nothing more is said of one reason for which single statements fail."""


class Wellness:
    """Hears how each call went. Any thread may call every method."""

    def __init__(self, report: Report) -> None:
        """Tell `report`."""
        self._report = report
        self._lock = Lock()
        self._problems: dict[Kind, str] = {}
        self._well_at: dict[Kind, float] = {"read": 0.0, "write": 0.0}
        self._said_at: dict[str, float] = {}

    @property
    def problem(self) -> str:
        """What is the matter; empty where nothing is known to be."""
        return next(iter(list(self._problems.values())), "")

    def works(self, kind: Kind) -> None:
        """Hear that a call was answered: whoever can write can read."""
        now = time.monotonic()
        with self._lock:
            had_problems = bool(self._problems)
            for one in ("read", kind):
                self._well_at[one] = now
                self._problems.pop(one, None)
            is_news = had_problems and not self._problems
        if is_news:
            self._report(Event("database_well_again", "The database can be used again.", level="info"))

    def fails(self, kind: Kind, begun_at: float, reason: str, *, is_general: bool) -> None:
        """Hear that a call was refused that had begun then: in general, or for what it asked alone."""
        now = time.monotonic()
        with self._lock:
            # Whoever asked before the database was seen to be well is late, and has no news of it.
            if is_general and begun_at >= self._well_at[kind]:
                is_news = not self._problems
                self._problems[kind] = reason
                event = Event("database_failed", f"The database cannot be used: {reason}. It is tried again.")
            else:
                is_news = now >= self._said_at.get(reason, 0.0)
                self._said_at[reason] = now + QUIET_SECONDS if is_news else self._said_at[reason]
                event = Event("statement_failed", f"The database refused what was asked of it: {reason}.")
        if is_news:
            self._report(event)
