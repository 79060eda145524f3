"""The reserve: segments of the journal that are ready, for what frees room on a full disk.

It is filled by the checkpointer and lent by the committer, in turns. What was lent is not filled again before it was
used: on a full disk the room that it gave back would be gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from sessionworker.disk import is_full
from sessionworker.stores.files.journal import Journal

T = TypeVar("T")


class Reserve:
    """The reserve of one store. Every method may raise OSError."""

    def __init__(self, journal: Journal, lock: threading.Lock) -> None:
        """Fill and lend the segments of `journal`, with the lock held."""
        self._journal = journal
        self._lock = lock
        self._is_lent = False

    def refill(self, more: int = 0) -> None:
        """Fill the reserve, and so many segments more to write to, unless something of it is lent: then a later time.

        Called by the checkpointer.
        """
        with self._lock:
            if not self._is_lent:
                self._journal.spares.refill(more)

    def with_room(self, action: Callable[[], T]) -> T:
        """Do what leads to more room; where that needs some itself, it gets it from here. Called by the committer."""
        try:
            while True:
                try:
                    return action()
                except OSError as error:
                    if not is_full(error) or not self._lend():
                        raise
        finally:
            self._is_lent = False

    def _lend(self) -> bool:
        with self._lock:  # what is being filled now is there then
            self._is_lent = True
            return self._journal.spares.lend()
