"""How often somebody may fail to sign in.

Whoever guesses may have many addresses, so all strangers together may fail so often, too. That keeps strangers out
meanwhile who have the token, and must keep out nobody else. So a browser in which somebody signed in before is counted
for itself: it gets in behind a proxy, too, where all have one address. And those who come from this machine or a
private network are counted apart from those of the Internet. Everybody else has the link that `sessionworker ui`
prints, which never waits. A token is too long to be guessed: the limits are for what looking costs, and for the log.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime

AT_ONCE = 5
"""Failures of one that are answered at once: somebody mistypes."""

REFILL_SECONDS = 10.0
"""After so many seconds without any, one more is."""

MOST, MOST_SECONDS = 30, 60.0
"""Failures of all strangers from near, or from far, together, and within which time."""


class Crowd(Enum):
    """Strangers who are counted together."""

    NEAR = "near"
    FAR = "far"


class Who(NamedTuple):
    """One who fails, or more of them who are counted as one."""

    name: str
    crowd: Crowd | None = None
    """None for one who is no stranger."""


class Attempts:
    """Says how long somebody has to wait. It counts failures alone, so who has the token is not kept waiting by it.

    It remembers no more of those who fail than there may be failures: whose failures are long ago is forgotten.
    """

    def __init__(self, clock: IReactorTime) -> None:
        """Begin without suspicion."""
        self._clock = clock
        self._free_at: dict[str, float] = {}  # when one may fail AT_ONCE times again
        self._last: dict[Crowd | None, deque[float]] = {crowd: deque(maxlen=MOST) for crowd in Crowd}

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._free_at)

    def seconds_to_wait(self, who: Who) -> float:
        """Return how long one has to wait until he may try; 0 if he may now."""
        now = self._clock.seconds()
        own = self._free_at.get(who.name, now) - (AT_ONCE - 1) * REFILL_SECONDS - now
        last = self._last.get(who.crowd)
        of_all = last[0] + MOST_SECONDS - now if last is not None and len(last) == MOST else 0.0
        return max(0.0, own, of_all)

    def failed(self, who: Who) -> None:
        """Count a failure of one who did not have to wait."""
        now = self._clock.seconds()
        self._free_at = {other: free_at for other, free_at in self._free_at.items() if free_at > now}
        self._free_at[who.name] = self._free_at.get(who.name, now) + REFILL_SECONDS
        if who.crowd is not None:
            self._last[who.crowd].append(now)
