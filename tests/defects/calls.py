"""The calls that the store makes of its disk: which there are, and how a test says which of them it means."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

READING = ("listdir", "lstat", "pread", "preadv", "read", "scandir", "stat")
WRITING = ("fdatasync", "fsync", "ftruncate", "posix_fallocate", "pwrite", "pwritev", "write", "writev")
NAMING = ("link", "mkdir", "remove", "rename", "replace", "rmdir", "symlink", "unlink")
"""Those that an unwritable folder refuses, besides opening for writing."""

FUNCTIONS = ("open", *READING, *WRITING, *NAMING)


class Place(NamedTuple):
    """Where in the store's work a call is made: the same for calls that differ by a number in a name alone."""

    function: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A call of the disk that is about to be made."""

    function: str
    paths: tuple[str, ...]
    arguments: tuple[Any, ...]

    @property
    def place(self) -> Place:
        """Where it is made."""
        return Place(self.function, tuple(re.sub(r"[0-9a-f]*\d[0-9a-f]*", "#", path) for path in self.paths))

    @property
    def opens_for_writing(self) -> bool:
        """Whether it opens a file that it may change or make."""
        how = self.arguments[1] if len(self.arguments) > 1 else "r"
        if self.function != "open":
            return False
        return (
            bool(how & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if isinstance(how, int) else not set(how) <= set("rbt")
        )


Wanted: TypeAlias = Callable[[Call], bool]
"""Tells which calls something is about."""


def anything(_: Call) -> bool:
    """Want every call."""
    return True


def about(pattern: str, *functions: str) -> Wanted:
    """Want calls of some functions, or of all, that are about a path in which `pattern` is found."""
    found = re.compile(pattern).search
    return lambda call: (not functions or call.function in functions) and any(map(found, call.paths))


def naming(pattern: str) -> Wanted:
    """Want what an unwritable folder refuses: to make, rename or remove a name there, or to open it for writing."""
    is_there = about(pattern)
    return lambda call: (call.function in NAMING or call.opens_for_writing) and is_there(call)


def made_at(place: Place) -> Wanted:
    """Want the calls that are made at one place."""
    return lambda call: call.place == place
