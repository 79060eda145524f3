"""Order, where some entries take time to be made before they can be committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from sessionworker.stores.changes import (
    Batch,
    CreateInstance,
    DropGroup,
    DropInstance,
    Entry,
    ReleaseInstance,
    RestoreInstance,
)

Place: TypeAlias = tuple[str, ...]
"""What an entry is about: an instance, by group and name; everything, by no word at all; or nothing that has an order,
by one word."""

EVERYTHING: Place = ()
NOTHING: Place = ("",)


def place_of(entry: Entry) -> Place:
    """Return what an entry is about."""
    match entry:
        case (
            Batch(group, name) | CreateInstance(group, name) | DropInstance(group, name) | ReleaseInstance(group, name)
        ):
            return group, name
        case RestoreInstance(group, _, _, name):
            return group, name
        case DropGroup():
            return EVERYTHING
    return NOTHING


MOST_BEHIND = 1_000
"""Entries that may wait behind one that takes time; further ones of its instance are refused."""

MOST_BYTES_BEHIND = 32 * 2**20
"""Bytes of their values; a further one is refused, so that one instance does not take all that may wait."""


class _Waiting(NamedTuple):
    place: Place
    size: int
    begin: Callable[[], bool]


class _Line:
    """What waits behind one entry that takes time."""

    def __init__(self) -> None:
        self.waiting: deque[_Waiting] = deque()
        self.size = 0


class Turns:
    """Lets entries begin in the order in which they came: those of one instance, and those that are about everything.

    One that takes time holds up what comes later for the same instance, and nobody else.
    """

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._behind: dict[Place, _Line] = {}  # each one that takes time
        self._behind_all: deque[_Waiting] = deque()  # the first is about everything

    @property
    def are_free(self) -> bool:
        """Whether nothing takes time, so that an entry that takes none need not ask for its turn."""
        return not self._behind

    def is_long(self, place: Place, size: int) -> bool:
        """Tell whether too much waits for one place to take an entry with values of `size` bytes besides."""
        line = self._behind.get(place)
        if line is None or not line.waiting:
            return False
        return len(line.waiting) >= MOST_BEHIND or line.size + size > MOST_BYTES_BEHIND

    def enter(self, place: Place, begin: Callable[[], bool], size: int = 0) -> None:
        """Call `begin` when its turn has come, perhaps at once. It tells whether it takes time: `leave` ends that."""
        waiting = _Waiting(place, size, begin)
        line = self._behind.get(place)
        if self._behind_all or (place == EVERYTHING and self._behind):
            self._behind_all.append(waiting)
        elif line is not None:
            line.waiting.append(waiting)
            line.size += size
        elif begin():
            self._behind[place] = _Line()

    def leave(self, place: Place) -> None:
        """Let go on what came after one that took time."""
        line = self._behind[place]
        while line.waiting:
            waiting = line.waiting.popleft()
            line.size -= waiting.size
            if waiting.begin():
                return
        del self._behind[place]
        if not self._behind:
            waited, self._behind_all = self._behind_all, deque()
            for waiting in waited:
                self.enter(waiting.place, waiting.begin, waiting.size)
