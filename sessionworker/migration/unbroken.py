"""A step that is waited for to its end, whoever gives up meanwhile: or nobody knows what became of it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

Result = TypeVar("Result")


async def unbroken(step: Coroutine[Any, Any, Result]) -> Result:
    """Return what a step returns. Where this is cancelled, the step is not: CancelledError is raised once it has ended.

    Raises what the step raises; where this is cancelled too, that is what the CancelledError comes from.
    """
    outcomes: list[Any] = []
    ended: Deferred[None] = Deferred()
    done = Deferred.fromCoroutine(step).addBoth(outcomes.append).addCallback(ended.callback)
    try:
        await ended
    except CancelledError as given_up:
        await done
        if isinstance(outcomes[0], Failure):
            raise given_up from outcomes[0].value
        raise
    if isinstance(outcomes[0], Failure):
        outcomes[0].raiseException()
    result: Result = outcomes[0]
    return result
