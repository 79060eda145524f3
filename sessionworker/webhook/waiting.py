"""The events that wait to be told: so many at the most, and what goes on happening is told once a minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import TypeAlias
from uuid import uuid4

from msgspec import Struct

from sessionworker.events import Event, Level

MOST_WAITING = 1_000
"""Events that may wait. Further ones are dropped."""

SAME_SECONDS = 60.0
"""For how long after something was told the same thing happening again waits, and is counted: two APIs that write one
instance's `creds` in turns would be told of with each write."""

LONGEST_SECONDS = 86_400.0
"""For how long an event is told again and again: what nobody took for a day is dropped."""

Kind: TypeAlias = tuple[str, ...]


class Notice(Struct):
    """What is told of an event. Every member is always there."""

    id: str
    """The same each time that it is told, and no other's."""
    when: int
    """Milliseconds since 1970; of the last time, where it happened several times."""
    event: str
    level: Level
    group: str
    instance: str
    by: str
    message: str
    times: int
    """How often it happened since it was told before."""
    first: int
    """When it happened first of these times."""


class Waiting:
    """Takes events in any thread, and gives them out in one, one at a time.

    Those that were tried and not taken come after those that were not: one that its receiver cannot take, whatever the
    reason, holds up no other.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        """Begin with none; `seconds` is a clock that nobody sets."""
        self._seconds = seconds
        self._lock = Lock()
        self._new: dict[Kind, tuple[Notice, float]] = {}
        """What was not tried, and when it may be."""
        self._again: deque[tuple[Notice, float]] = deque()
        """What was tried, and when that was for the first time."""
        self._told: dict[Kind, float] = {}
        """When each kind was given out last, the oldest first."""
        self._out: tuple[Notice, float] | None = None

    def __len__(self) -> int:
        return len(self._new) + len(self._again) + (self._out is not None)

    def add(self, event: Event, now: int) -> bool:
        """Take an event that happens now, in milliseconds since 1970. False if there is no room for it."""
        text = event.text.encode(errors="backslashreplace").decode()  # it may have the name of a file that is no UTF-8
        kind = (event.name, event.group, event.instance, event.by, text)
        with self._lock:
            if kind in self._new:
                notice, _ = self._new[kind]
                notice.times += 1
                notice.when = now
                return True
            if len(self) >= MOST_WAITING:
                return False
            place = event.group, event.instance, event.by
            due = self._told.get(kind, float("-inf")) + SAME_SECONDS
            self._new[kind] = Notice(str(uuid4()), now, event.name, event.level, *place, text, 1, now), due
            return True

    def take(self, *, all_are_due: bool = False) -> Notice | None:
        """Return one that may be told now, and is told from now on as it is; None if there is none."""
        with self._lock:
            now = self._seconds()
            while self._told and next(iter(self._told.values())) <= now - SAME_SECONDS:
                del self._told[next(iter(self._told))]
            for kind, (notice, due) in self._new.items():
                if due <= now or all_are_due:
                    del self._new[kind]
                    self._told[kind] = now
                    self._out = notice, now
                    return notice
            self._out = self._again.popleft() if self._again else None
            return self._out[0] if self._out is not None else None

    def done(self) -> None:
        """Let go of the one that was given out: it was taken."""
        with self._lock:
            self._out = None

    def again(self) -> bool:
        """Keep the one that was given out for another time. False if it has waited for long enough."""
        with self._lock:
            one, self._out = self._out, None
            if one is None or self._seconds() - one[1] >= LONGEST_SECONDS:
                return False
            self._again.append(one)
            return True

    def seconds_left(self) -> float | None:
        """Return how long it takes until one may be told; None if none waits."""
        with self._lock:
            if self._again:
                return 0.0
            soonest = min((due for _, due in self._new.values()), default=None)
            return None if soonest is None else max(0.0, soonest - self._seconds())
