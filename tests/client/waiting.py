"""Calls that are under way, and what they are waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import deferLater

reactor: Any = installed_reactor

T = TypeVar("T")


def start(call: Awaitable[T]) -> Deferred[T]:
    """Make a call without waiting for it."""
    return ensureDeferred(call)  # type: ignore[arg-type]


def later(seconds: float) -> Callable[[], bool]:
    """Return what tells whether so long is over, by the reactor: one that has too much to do is late with all alike."""
    call = reactor.callLater(seconds, lambda: None)

    def is_over() -> bool:
        if not call.active():
            return True
        call.cancel()
        return False

    return is_over


async def wait_until(condition: Callable[[], bool], seconds: float = 3) -> None:
    deadline = reactor.seconds() + seconds
    while not condition():
        assert reactor.seconds() < deadline, "what was waited for did not happen"
        await deferLater(reactor, 0.005)
