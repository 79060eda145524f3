"""How often somebody may fail to sign in."""

from __future__ import annotations

from collections import deque

from twisted.internet.interfaces import IReactorTime

AT_ONCE = 5
"""Failures from one address that are answered at once: somebody mistypes."""

REFILL_SECONDS = 10.0
"""After so many seconds without any, one more is."""

MOST, MOST_SECONDS = 30, 60.0
"""Failures from all addresses together, and within which time: a guesser may have many addresses."""


class Attempts:
    """Says how long somebody has to wait. It counts failures alone, so who has the token is not kept waiting by it.

    It remembers no more addresses than there may be failures: those whose failures are long ago are forgotten.
    """

    def __init__(self, clock: IReactorTime) -> None:
        """Begin without suspicion."""
        self._clock = clock
        self._free_at: dict[str, float] = {}  # when an address may fail AT_ONCE times again
        self._last: deque[float] = deque(maxlen=MOST)

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._free_at)

    def seconds_to_wait(self, address: str) -> float:
        """Return how long an address has to wait until it may try; 0 if it may now."""
        now = self._clock.seconds()
        own = self._free_at.get(address, now) - (AT_ONCE - 1) * REFILL_SECONDS - now
        of_all = self._last[0] + MOST_SECONDS - now if len(self._last) == MOST else 0.0
        return max(0.0, own, of_all)

    def failed(self, address: str) -> None:
        """Count a failure of an address that did not have to wait."""
        now = self._clock.seconds()
        self._free_at = {other: free_at for other, free_at in self._free_at.items() if free_at > now}
        self._free_at[address] = self._free_at.get(address, now) + REFILL_SECONDS
        self._last.append(now)
