"""Patience with those who show wrong tokens: after a few, each of their answers comes late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime

AT_ONCE = 10
"""Wrong tokens from one address that are answered at once: somebody sets something up."""

REFILL_SECONDS = 6.0
"""After so many seconds without any, one more is."""

LATE_SECONDS = 1.0
"""How late the answer to a further one is. A connection can show no other token meanwhile."""

MOST_ADDRESSES = 10_000
"""Addresses that are remembered; the one that was seen longest ago is forgotten first."""


class _Account(NamedTuple):
    left: float
    at: float


class Throttle:
    """Decides when a wrong token is answered. Right ones never pass here, from whatever address they come."""

    def __init__(self, reactor: IReactorTime) -> None:
        """Begin without suspicion."""
        self._reactor = reactor
        self._accounts: dict[str, _Account] = {}
        self._late: deque[tuple[float, Callable[[], object]]] = deque()  # when, and what is called then

    def call(self, address: str, function: Callable[..., object], *arguments: object) -> None:
        """Call a function, which answers a wrong token from an address: now, or late."""
        now = self._reactor.seconds()
        left, at = self._accounts.pop(address, _Account(AT_ONCE, now))
        left = min(AT_ONCE, left + (now - at) / REFILL_SECONDS)
        is_late = left < 1
        if len(self._accounts) >= MOST_ADDRESSES:
            del self._accounts[next(iter(self._accounts))]
        self._accounts[address] = _Account(left if is_late else left - 1, now)
        if not is_late:
            function(*arguments)
            return
        self._late.append((now + LATE_SECONDS, partial(function, *arguments)))
        if len(self._late) == 1:
            self._reactor.callLater(LATE_SECONDS, self._call_next)

    def _call_next(self) -> None:
        """Call one of those that are late, and leave the next to another turn: others ask in between."""
        _, call = self._late.popleft()
        if self._late:
            self._reactor.callLater(max(0.0, self._late[0][0] - self._reactor.seconds()), self._call_next)
        call()
