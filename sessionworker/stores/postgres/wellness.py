"""Whether the database can be used: told once when that ends, and once when it is so again."""

from __future__ import annotations

import time
from threading import Lock
from typing import Literal, TypeAlias

from sessionworker.events import Event, Report

Kind: TypeAlias = Literal["read", "write"]

QUIET_SECONDS = 60.0
"""How long nothing more is said of one reason for which single statements fail."""


AGAIN_SECONDS = 10.0
"""How long it is not told again that the database is away for the same reason: on a full disk some writes succeed."""


class Wellness:
    """Hears how each call went. Any thread may call every method."""

    def __init__(self, report: Report) -> None:
        """Tell `report`."""
        self._report = report
        self._lock = Lock()
        self._problems: dict[Kind, str] = {}
        self._well_at: dict[Kind, float] = {"read": 0.0, "write": 0.0}
        self._is_told = False
        self._quiet_until: dict[tuple[str, str], float] = {}  # by event and reason

    @property
    def problem(self) -> str:
        """What is the matter; empty where nothing is known to be."""
        return next(iter(list(self._problems.values())), "")

    def works(self, kind: Kind) -> None:
        """Hear that a call was answered: whoever can write can read."""
        now = time.monotonic()
        with self._lock:
            for one in ("read", kind):
                self._well_at[one] = now
                self._problems.pop(one, None)
            is_news = self._is_told and not self._problems
            self._is_told = self._is_told and not is_news
        if is_news:
            self._report(Event("database_well_again", "The database can be used again.", level="info"))

    def fails(self, kind: Kind, begun_at: float, reason: str, *, is_general: bool) -> None:
        """Hear that a call was refused that had begun then: in general, or for what it asked alone."""
        now = time.monotonic()
        with self._lock:
            # Whoever asked before the database was seen to be well is late, and has no news of it.
            if is_away := is_general and begun_at >= self._well_at[kind]:
                self._problems[kind] = reason
                event = Event("database_failed", f"The database cannot be used: {reason}. It is tried again.")
            else:
                event = Event("statement_failed", f"The database refused what was asked of it: {reason}.")
            is_news = now >= self._quiet_until.get((event.name, reason), 0.0) and not (is_away and self._is_told)
            if is_news:
                self._is_told = self._is_told or is_away
                # Who hears that it is away has heard of single statements too, and not the other way round.
                for name in {event.name, "statement_failed"}:
                    self._quiet_until[name, reason] = now + (AGAIN_SECONDS if is_away else QUIET_SECONDS)
        if is_news:
            self._report(event)
