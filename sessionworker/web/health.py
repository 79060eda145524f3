"""Whether the worker is well: what Docker, Swarm, systemd and load balancers ask every few seconds."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessionworker.errors import StoreUnavailable
from sessionworker.offload import Offload

LIMIT_SECONDS = 0.8
"""How long the store may take; a disk that hangs is not well, and who asks wants an answer within a second."""

VALID_SECONDS = 1.0
"""How long an answer holds. Nobody needs a token to ask, so asking must not cost a sync each time."""


class Health:
    """Asks the store, through all that a request goes through, and remembers the answer for a moment."""

    _log = Logger()

    def __init__(self, reactor: IReactorTime, offload: Offload) -> None:
        """Ask the store behind `offload`."""
        self._reactor = reactor
        self._offload = offload
        self._asked_at = float("-inf")
        self._is_asking = False
        self._is_well = True
        self._waiting: list[Deferred[None]] = []

    @property
    def is_well(self) -> bool:
        """What was found last."""
        return self._is_well

    def check(self) -> Deferred[None]:
        """Fire when the store has taken a synced write and a read. Fails with StoreUnavailable, in under a second."""
        result: Deferred[None] = Deferred()
        self._waiting.append(result)
        age = self._reactor.seconds() - self._asked_at
        if self._is_asking:  # a store that hangs is not asked again before it has answered
            if age > LIMIT_SECONDS:
                self._tell()
        elif age < VALID_SECONDS:
            self._tell()
        else:
            self._ask()
        return result

    def _ask(self) -> None:
        self._is_asking = True
        self._asked_at = self._reactor.seconds()
        late = self._reactor.callLater(LIMIT_SECONDS, self._set, is_well=False)

        def answered(outcome: object) -> None:
            self._is_asking = False
            if late.active():
                late.cancel()
                self._set(is_well=not isinstance(outcome, Failure))

        self._offload.check().addBoth(answered)

    def _set(self, *, is_well: bool) -> None:
        if is_well and not self._is_well:
            self._log.warn("The worker is well again.", event="well_again")
        elif self._is_well and not is_well:
            text = "The worker is not well: the store does not take a write and a read in time."
            self._log.warn(text, event="not_well")
        self._is_well = is_well
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for result in waiting:
            if self._is_well:
                result.callback(None)
            else:
                result.errback(Failure(StoreUnavailable("The store does not take writes and reads now.")))
