"""Tests run beside one another, in several processes; those that measure time have the machine to themselves.

Two locks, on files that are there anyway. Whoever runs a test is in the room. Whoever wants to be alone there holds the
door while the others finish, so that nobody else goes in.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

DOOR = Path(__file__)
ROOM = Path(__file__).with_name("conftest.py")


class Place:
    """That of a test which runs in the room."""

    def __init__(self, outer: IO[str], inner: IO[str]) -> None:
        """Take the files with the two locks."""
        self._outer = outer
        self._inner = inner

    def enter(self, *, alone: bool) -> None:
        """Go in."""
        fcntl.flock(self._outer, fcntl.LOCK_EX)
        fcntl.flock(self._inner, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(self._outer, fcntl.LOCK_UN)

    def leave(self) -> None:
        """Go out. Said in so many words: a program that a test forked may have these files open for longer."""
        fcntl.flock(self._inner, fcntl.LOCK_UN)
        fcntl.flock(self._outer, fcntl.LOCK_UN)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the room to oneself for a part of a test that others may run beside."""
        self.leave()  # two that waited for each other inside would wait for ever
        self.enter(alone=True)
        try:
            yield
        finally:
            fcntl.flock(self._inner, fcntl.LOCK_SH)
            fcntl.flock(self._outer, fcntl.LOCK_UN)


@contextmanager
def in_the_room(door: Path = DOOR, room: Path = ROOM, *, alone: bool) -> Iterator[Place]:
    """Wait until a test may run, and let it: beside those of other processes, or without any."""
    with door.open() as outer, room.open() as inner:
        place = Place(outer, inner)
        place.enter(alone=alone)
        try:
            yield place
        finally:
            place.leave()
