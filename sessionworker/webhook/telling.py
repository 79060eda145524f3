"""Tells of events, one after the other, and never holds anything up: all of it happens in the reactor, now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessionworker.events import Event
from sessionworker.webhook.posting import NotTaken
from sessionworker.webhook.waiting import Notice, Waiting

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between a notice that was not taken and the next try: doubled each time, as far as that."""

LAST_SECONDS = 2.0
"""How long the worker's end waits for what is not told yet."""

LOG_ALONE = {"owner_changed"}
"""What is not told: where an API starts again, it happens to all its instances at once, and is as it should be."""


class Send(Protocol):
    """Sends a notice; see `posting.Post`."""

    def __call__(self, notice: Notice) -> Deferred[None]:
        """Send one. Fails with NotTaken."""

    def close(self) -> None:
        """Let go of what is kept for the next one."""


class Webhook:
    """Tells one receiver."""

    _log = Logger()

    def __init__(self, reactor: Any, send: Send, count: Callable[[str], object]) -> None:
        """Count with `count` what is `sent`, what `failed` and what was `dropped`."""
        self._reactor = reactor
        self._send = send
        self._count = count
        self._waiting = Waiting(reactor.seconds)
        self._pause = 0.0
        """How long the next try waits; 0 as long as all is well."""
        self._next: IDelayedCall | None = None
        self._under_way: Deferred[None] | None = None
        self._is_full = False
        self._end: Deferred[None] | None = None
        self._has_ended = False

    def report(self, event: Event) -> None:
        """Take an event, as `events.Report`."""
        if event.name in LOG_ALONE:
            return
        if not self._waiting.add(event, time.time_ns() // 1_000_000):
            self._drop("there are too many")
        self._reactor.callFromThread(self._go_on)

    def figures(self) -> dict[str, float]:
        """Return how many events wait."""
        return {"webhook_waiting": len(self._waiting)}

    def stop(self) -> Deferred[None]:
        """Try for a last time to tell what waits, for `LAST_SECONDS` at most, and tell nothing more."""
        self._end = Deferred()
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._end.addTimeout(LAST_SECONDS, self._reactor)
        self._go_on()
        return self._end.addErrback(lambda _: None).addCallback(lambda _: self._close())

    def _close(self) -> None:
        self._has_ended = True
        if self._under_way is not None:
            self._under_way.cancel()
        self._send.close()
        if len(self._waiting):
            text = "The worker ends, and {count} events were not told. GET /admin/events has them."
            self._log.warn(text, event="webhook_left", count=len(self._waiting))

    def _go_on(self) -> None:
        """Tell the next one, unless one is under way, or the next try waits."""
        is_pausing = self._pause > 0 and self._next is not None
        if self._under_way is not None or is_pausing or self._has_ended:
            return
        if self._next is not None:  # it waits for what may not be told yet
            self._next.cancel()
            self._next = None
        notice = self._waiting.take(all_are_due=self._end is not None)
        if notice is not None:
            self._under_way = maybeDeferred(self._send, notice)
            self._under_way.addCallbacks(self._taken, self._not_taken)
            return
        left = self._waiting.seconds_left()
        if self._end is not None:
            self._finish()
        elif left is not None:
            self._wait(left)

    def _wait(self, seconds: float) -> None:
        def go_on() -> None:
            self._next = None
            self._go_on()

        self._next = self._reactor.callLater(seconds, go_on)

    def _taken(self, _: None) -> None:
        self._waiting.done()
        self._count("sent")
        if self._pause:
            self._log.info("Events are told again.", event="webhook_well_again")
        self._pause, self._is_full = 0.0, False
        self._under_way = None
        self._wait(0)

    def _not_taken(self, failure: Failure) -> None:
        self._under_way = None
        self._count("failed")
        if not self._waiting.again():
            self._drop("nobody took it for a day")
        if self._has_ended:
            return
        if failure.check(NotTaken) is None:
            self._log.failure(
                "An event could not be told in a way that nobody foresaw", failure, event="webhook_broken"
            )
        elif not self._pause:
            text = "An event was not told: {reason}. It is tried again, and so are those that come next."
            self._log.warn(text, event="webhook_failed", reason=str(failure.value))
        self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
        if self._end is not None:
            self._finish()
        else:
            self._wait(self._pause)

    def _finish(self) -> None:
        if self._end is not None and not self._end.called:
            self._end.callback(None)

    def _drop(self, why: str) -> None:
        """Count an event that nobody is told. Any thread calls it."""
        self._count("dropped")
        if not self._is_full:
            self._is_full = True
            text = "An event is not told: {reason}. Further ones are counted. GET /admin/events has them."
            self._log.warn(text, event="webhook_dropped", reason=why)
