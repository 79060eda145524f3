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


class _Waiting(NamedTuple):
    place: Place
    begin: Callable[[], None]
    takes_time: bool


class Turns:
    """Lets entries begin in the order in which they came: those of one instance, and those that are about everything.

    One that takes time to be made holds up what comes later for the same instance, and nobody else.
    """

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._behind: dict[Place, deque[_Waiting]] = {}  # each one that is being made
        self._behind_all: deque[_Waiting] = deque()  # the first is about everything

    @property
    def are_free(self) -> bool:
        """Whether nothing is being made, so that an entry that takes no time need not ask for its turn."""
        return not self._behind

    def enter(self, place: Place, begin: Callable[[], None], *, takes_time: bool = False) -> None:
        """Call `begin` when its turn has come, perhaps at once. One that takes time tells its end by `leave`."""
        waiting = _Waiting(place, begin, takes_time)
        if self._behind_all or (place == EVERYTHING and self._behind):
            self._behind_all.append(waiting)
        elif place in self._behind:
            self._behind[place].append(waiting)
        else:
            if takes_time:
                self._behind[place] = deque()
            begin()

    def leave(self, place: Place) -> None:
        """Let go on what came after one that took time."""
        behind = self._behind[place]
        while behind:
            waiting = behind.popleft()
            waiting.begin()
            if waiting.takes_time:
                return
        del self._behind[place]
        if not self._behind:
            waited, self._behind_all = self._behind_all, deque()
            for waiting in waited:
                self.enter(waiting.place, waiting.begin, takes_time=waiting.takes_time)
