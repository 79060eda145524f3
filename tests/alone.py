"""Tests run beside one another, in several processes; those that measure time or memory have the machine to themselves.

Two locks, on files that are there anyway. Whoever runs a test is in the room. Whoever wants to be alone there holds the
door while the others finish, so that nobody else goes in.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DOOR = Path(__file__)
ROOM = Path(__file__).with_name("conftest.py")


@contextmanager
def in_the_room(door: Path = DOOR, room: Path = ROOM, *, alone: bool) -> Iterator[None]:
    """Wait until a test may run, and let it: beside those of other processes, or without any."""
    with door.open() as outer, room.open() as inner:
        fcntl.flock(outer, fcntl.LOCK_EX)
        fcntl.flock(inner, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(outer, fcntl.LOCK_UN)
        try:
            yield
        finally:  # said in so many words: a program that a test forked may have these files open for longer
            fcntl.flock(inner, fcntl.LOCK_UN)
            fcntl.flock(outer, fcntl.LOCK_UN)
