"""Order, where some entries take time to be made before they can be committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from sessionworker.stores.changes import (
    Batch,
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    Entry,
    LabelInstance,
    PurgeDrop,
    ReleaseInstance,
    RestoreInstance,
)

Place: TypeAlias = tuple[str, ...]
"""What an entry is about: an instance, by group and name; a group with all its instances, by one word; something in a
group that no instance is, by the group and an empty name; or nothing that has an order, by no word at all."""

NOTHING: Place = ()


def place_of(entry: Entry) -> Place:
    """Return what an entry is about."""
    match entry:
        case (
            Batch(group, name)
            | CreateInstance(group, name)
            | DropInstance(group, name)
            | ReleaseInstance(group, name)
            | LabelInstance(group, name)
        ):
            return group, name
        case RestoreInstance():
            return entry.place
        case DropGroup(group):
            return (group,)
        case CreateGroup(group) | PurgeDrop(group):
            return group, ""
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
    """Lets entries begin in the order in which they came: those of one instance, and those of a whole group.

    One that takes time holds up what comes later for the same instance, and nobody else.
    """

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._behind: dict[Place, _Line] = {}  # each one that takes time
        self._behind_groups: dict[Place, deque[_Waiting]] = {}  # the first of each is about the whole group

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
        behind_group = self._behind_groups.get(place[:1])
        if behind_group is not None:
            behind_group.append(waiting)
        elif len(place) == 1 and self._is_busy(place):
            self._behind_groups[place] = deque([waiting])
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
        group = place[:1]
        if group in self._behind_groups and not self._is_busy(group):
            for waiting in self._behind_groups.pop(group):
                self.enter(waiting.place, waiting.begin, waiting.size)

    def _is_busy(self, group: Place) -> bool:
        return any(place[:1] == group for place in self._behind)
