"""How names and values lie on the disk: as they are, or sealed.

A name is one of a place: of the groups, of a group's instances, of an instance's keys. A value is bound to what it is:
its purpose, its instance and its key.
"""

from __future__ import annotations

import errno
from typing import Protocol

from sessionworker import file_names
from sessionworker.disk import NotAFile


class SealBroken(NotAFile):
    """A file whose seal none of the keys opens."""

    def __init__(self) -> None:
        """Say so, as other errors of the disk do."""
        OSError.__init__(self, errno.EBADMSG, "its seal is broken")


class Codec(Protocol):
    """Writes names and values as they are to lie on the disk, and reads them."""

    is_bound: bool
    """Whether what it writes is bound to a place."""
    overhead: int
    """Bytes that a value takes more on the disk."""

    def encode_name(self, name: str, *place: str) -> str:
        """Return the file name for a name of a place."""

    def decode_name(self, file_name: str, *place: str) -> str | None:
        """Return the name that a file name of a place stands for, or None if it stands for none."""

    def seal(self, value: bytes, *bound: str) -> bytes:
        """Return what a file holds for a value."""

    def open(self, data: bytes, *bound: str) -> bytes:
        """Return the value that a file holds. Raises SealBroken."""


class Plain:
    """All as it is."""

    is_bound = False
    overhead = 0

    @staticmethod
    def encode_name(name: str, *_place: str) -> str:
        """Return the file name for a name; see `file_names`."""
        return file_names.encode_name(name)

    @staticmethod
    def decode_name(file_name: str, *_place: str) -> str | None:
        """Return the name that a file name stands for, or None."""
        return file_names.decode_name(file_name)

    @staticmethod
    def seal(value: bytes, *_bound: str) -> bytes:
        """Return the value."""
        return value

    @staticmethod
    def open(data: bytes, *_bound: str) -> bytes:
        """Return what is there."""
        return data
