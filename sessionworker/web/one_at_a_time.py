"""Reads that take much memory: one after the other, whoever asks for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from sessionworker.errors import Overloaded

MOST_WAITING = 100
"""Reads that may wait for the one that is under way; a further one is refused."""


class _Waiting(NamedTuple):
    read: Callable[[], Deferred[bytes]]
    is_wanted: Callable[[], bool]
    done: Deferred[bytes]


class OneAtATime:
    """Has reads wait for each other. Every method is called in the reactor's thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: deque[_Waiting] = deque()
        self._is_reading = False
        self._is_going_on = False

    def read(
        self, read: Callable[[], Deferred[bytes]], is_wanted: Callable[[], bool], *, is_next: bool = False
    ) -> Deferred[bytes]:
        """Return what `read` does, in its turn, which may be the next; nothing where nobody wants it any more by then.

        Fails with Overloaded if too many wait.
        """
        done: Deferred[bytes] = Deferred()
        one = _Waiting(read, is_wanted, done)
        if is_next:
            self._waiting.appendleft(one)
        else:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting = deque(each for each in self._waiting if each.is_wanted())
            if len(self._waiting) >= MOST_WAITING:
                return fail(Overloaded())
            self._waiting.append(one)
        self._go_on()
        return done

    def _go_on(self) -> None:
        if self._is_going_on:  # in a loop, not each from within the one before it
            return
        self._is_going_on = True
        while self._waiting and not self._is_reading:
            one = self._waiting.popleft()
            if one.is_wanted():
                self._is_reading = True
                one.read().addBoth(partial(self._end, one.done))
            else:
                one.done.callback(b"")
        self._is_going_on = False

    def _end(self, done: Deferred[bytes], result: bytes | Failure) -> None:
        done.callback(result)  # a Failure makes it fail; the answer has its room, or is forgotten, before the next one
        self._is_reading = False
        self._go_on()
