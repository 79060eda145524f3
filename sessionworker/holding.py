"""Holds back what would have too much of one instance wait for its files, so that it holds up nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from sessionworker.stores.changes import Batch
from sessionworker.stores.interface import Load, Store
from sessionworker.turns import Place, place_of

ENDS_TO_WAIT_FOR = 2
"""Ends of the store's rounds after which a batch is let in whatever waits: one round has begun after it was held. At
each end it is one alone: all at once would have everybody wait."""


class Reactor(Protocol):
    """The one thing that is asked of a reactor here."""

    def callFromThread(self, callable: Callable[..., object], *args: object) -> None:  # noqa: A002 - its name
        """Call a function in the reactor's thread."""


class _Held(Struct):
    batch: Batch
    size: int
    go_on: Callable[[], object]
    ends: int = 0


class Holding:
    """Asks a store which batches it admits, and keeps the others until it does. Used in the reactor's thread."""

    def __init__(self, reactor: Reactor, store: Store) -> None:
        """Hold nothing. `store` tells when there is more room."""
        self._reactor = reactor
        self._waiting = store.waiting
        self._held: dict[Place, _Held] = {}
        self._names = 0  # let in, and not committed yet
        self._bytes = 0
        self._is_told = False
        store.waiting.on_room(self._tell)

    def admits(self, batch: Batch, size: int) -> bool:
        """Tell whether a batch with values of `size` bytes may be committed now."""
        own, ahead = Load(len(batch.changes), size), Load(self._names, self._bytes)
        return self._waiting.admits(batch.group, batch.instance, own, ahead)

    def hold(self, batch: Batch, size: int, go_on: Callable[[], object]) -> bool:
        """Call `go_on` when a batch may be committed; or return False if it may be now. One of an instance is held."""
        if self.admits(batch, size):
            return False
        place = place_of(batch)
        self._held[place] = _Held(batch, size, go_on)
        if self.admits(batch, size):  # room that was made between the two was told to nobody
            del self._held[place]
            return False
        return True

    def begin(self, batch: Batch, size: int) -> None:
        """Count a batch that was let in, until it is committed."""
        self._names += len(batch.changes)
        self._bytes += size

    def end(self, batch: Batch, size: int) -> None:
        """Count it out."""
        self._names -= len(batch.changes)
        self._bytes -= size

    def _tell(self, is_over: bool) -> None:
        """Have it asked again who is let in, in a turn of the reactor's own. Called in any thread."""
        if self._held and (is_over or not self._is_told):
            self._is_told = True
            self._reactor.callFromThread(self._let_in, is_over)

    def _let_in(self, is_over: bool) -> None:
        self._is_told = False  # first: what becomes free from now on is told again
        for place, held in list(self._held.items()):
            held.ends += is_over
            if self.admits(held.batch, held.size):
                self._held.pop(place).go_on()
        if is_over and self._held:
            place, oldest = next(iter(self._held.items()))
            if oldest.ends >= ENDS_TO_WAIT_FOR:
                self._held.pop(place).go_on()
