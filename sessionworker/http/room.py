"""Room in memory for large answers: how much they take together, and who waits until there is some."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred, fail

from sessionworker.errors import Overloaded
from sessionworker.http import limits


class Answered(Protocol):
    """A request that is given a large answer."""

    channel: Any


class _Waiting(NamedTuple):
    size: int
    since: float
    has_come: Deferred[None]
    """Fires when its turn has."""


class Answers:
    """Bytes of large answers in memory, of all connections: those that their clients have not taken whole.

    An answer for which there is no room is thrown away and made again in its turn: what waits takes none.
    """

    def __init__(self, most: int = limits.MOST_ANSWER_BYTES) -> None:
        """Allow `most` bytes, or one answer that is larger."""
        self._most = most
        self._taken: dict[Answered, int] = {}
        self._waiting: dict[Answered, _Waiting] = {}
        self._is_letting_in = False
        self.bytes = 0

    def take(self, request: Answered, size: int, *, is_urgent: bool = False) -> bool:
        """Count an answer of `size` bytes, unless there is no room for it or another one waits for that.

        One that is urgent overtakes all who wait, and may use as much again as the others.
        """
        own = self._taken.get(request, 0)
        if size > own:
            is_overtaking = bool(self._waiting) and not own and not is_urgent
            if is_overtaking or not self._has_room(size, besides=own, times=2 if is_urgent else 1):
                return False
        self._taken[request] = size
        self.bytes += size - own
        return True

    def wait(self, request: Answered, size: int, *, now: float) -> Deferred[None]:
        """Give back what a request has, and fire when it is its turn, with room of `size` bytes taken for it.

        Fails with Overloaded, at once or later.
        """
        self.leave(request)
        if len(self._waiting) >= limits.MOST_TURNS:
            return fail(Overloaded())
        waiting = self._waiting[request] = _Waiting(size, now, Deferred())
        self._let_in()
        return waiting.has_come

    def leave(self, request: Answered) -> None:
        """Give back what a request has, be it room or a turn."""
        if self.bytes and (request in self._taken or request in self._waiting):  # nearly always there is nothing
            self._waiting.pop(request, None)
            self.bytes -= self._taken.pop(request, 0)
            self._let_in()

    def every_second(self, now: float) -> None:
        """Refuse who has waited too long, and let go of clients that read nothing while others wait."""
        for request, waiting in list(self._waiting.items()):
            if now - waiting.since >= limits.TURN_SECONDS and request in self._waiting:
                del self._waiting[request]
                waiting.has_come.errback(Overloaded())
        self._let_in()
        if self._waiting:
            for request in list(self._taken):
                request.channel.close_when_late(now + limits.READ_SECONDS - limits.STUCK_SECONDS)

    def _has_room(self, size: int, *, besides: int = 0, times: int = 1) -> bool:
        others = self.bytes - besides
        return not others or others + size <= self._most * times

    def _let_in(self) -> None:
        if self._is_letting_in:
            return  # by a turn that ended at once: a long line of these would be a deep recursion
        self._is_letting_in = True
        while self._waiting:
            request, waiting = next(iter(self._waiting.items()))
            if not self._has_room(waiting.size):
                break
            del self._waiting[request]
            self._taken[request] = waiting.size
            self.bytes += waiting.size
            waiting.has_come.callback(None)
        self._is_letting_in = False
