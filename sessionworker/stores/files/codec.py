"""How names and values lie on the disk: as they are, or sealed.

A name is one of a place: of the groups, of a group's instances, of an instance's keys. A value is bound to what it is:
its purpose, its instance and its key.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import Protocol

from sessionworker import file_names
from sessionworker.disk import NotAFile
from sessionworker.file_names import OURS
from sessionworker.stores.seal import NAME_OVERHEAD, OVERHEAD, NotOpened, Seal, is_sealed


class SealBroken(NotAFile):
    """A file whose seal none of the keys opens."""

    def __init__(self) -> None:
        """Say so, as other errors of the disk do."""
        OSError.__init__(self, errno.EBADMSG, "its seal is broken")


class Codec(Protocol):
    """Writes names and values as they are to lie on the disk, and reads them."""

    is_bound: bool
    """Whether what it writes is bound to a place."""

    def encode_name(self, name: str, *place: str) -> str:
        """Return the file name for a name of a place."""

    def other_names(self, name: str, *place: str) -> list[str]:
        """Return the file names that a name of a place may have besides."""

    def decode_name(self, file_name: str, *place: str) -> str | None:
        """Return the name that a file name of a place stands for, or None if it stands for none."""

    def mark(self, *bound: str) -> bytes:
        """Return what proves something that one who has no key cannot say; the same for the same."""

    def is_proven(self, marks: bytes, *bound: str) -> bool:
        """Tell whether something is proven by some marks, one after the other."""

    def seal(self, value: bytes, *bound: str) -> bytes:
        """Return what a file holds for a value."""

    def open(self, data: bytes, *bound: str) -> bytes:
        """Return the value that a file holds. Raises SealBroken."""

    def size_in(self, size: int) -> int:
        """Return how many bytes the value has that is in a file of so many bytes; about, where not all are sealed."""


class Plain:
    """All as it is."""

    is_bound = False

    @staticmethod
    def encode_name(name: str, *_place: str) -> str:
        """Return the file name for a name; see `file_names`."""
        return file_names.encode_name(name)

    @staticmethod
    def other_names(_name: str, *_place: str) -> list[str]:
        """Return none."""
        return []

    @staticmethod
    def decode_name(file_name: str, *_place: str) -> str | None:
        """Return the name that a file name stands for, or None."""
        return file_names.decode_name(file_name)

    @staticmethod
    def mark(*_bound: str) -> bytes:
        """Return nothing."""
        return b""

    @staticmethod
    def is_proven(_marks: bytes, *_bound: str) -> bool:
        """Take anything for true."""
        return True

    @staticmethod
    def seal(value: bytes, *_bound: str) -> bytes:
        """Return the value."""
        return value

    @staticmethod
    def open(data: bytes, *_bound: str) -> bytes:
        """Return what is there."""
        return data

    @staticmethod
    def size_in(size: int) -> int:
        """Return the size of the file."""
        return size


SEALED = f"{OURS}="
"""What a sealed name begins with; no name has such a file name of its own."""

MARK_BYTES = NAME_OVERHEAD


class Sealed:
    """All sealed. Names and values that are not are taken as they are, if they are to be."""

    is_bound = True

    def __init__(self, seal: Seal, *, admits_plain: bool = False) -> None:
        """Seal with `seal`; with `admits_plain`, take what is not sealed, too."""
        self._seal = seal
        self._admits_plain = admits_plain

    def encode_name(self, name: str, *place: str) -> str:
        """Return the file name for a name of a place: the same each time, and another one in another place."""
        return SEALED + self._seal.seal_name(name, *_bytes(place))

    def other_names(self, name: str, *place: str) -> list[str]:
        """Return the file names that it has under other keys, and where it is not sealed."""
        names = [SEALED + sealed for sealed in self._seal.names_of(name, *_bytes(place))[1:]]
        return [*names, file_names.encode_name(name)] if self._admits_plain else names

    def decode_name(self, file_name: str, *place: str) -> str | None:
        """Return the name that a file name of a place stands for, or None if it stands for none."""
        if not file_name.startswith(SEALED):
            return file_names.decode_name(file_name) if self._admits_plain else None
        try:
            return self._seal.open_name(file_name[len(SEALED) :], *_bytes(place))
        except NotOpened:
            return None

    def mark(self, *bound: str) -> bytes:
        """Return what proves something."""
        return self._seal.mark(*_bytes(bound))

    def is_proven(self, marks: bytes, *bound: str) -> bool:
        """Tell whether something is proven by some marks."""
        if not marks:
            return self._admits_plain
        found = {marks[place : place + MARK_BYTES] for place in range(0, len(marks), MARK_BYTES)}
        return not found.isdisjoint(self._seal.marks(*_bytes(bound)))

    def seal(self, value: bytes, *bound: str) -> bytes:
        """Return a value sealed to what it is."""
        return self._seal.seal(value, *_bytes(bound))

    def open(self, data: bytes, *bound: str) -> bytes:
        """Return the value that was sealed. Raises SealBroken."""
        if self._admits_plain and not is_sealed(data):
            return data
        try:
            return self._seal.open(data, *_bytes(bound))
        except NotOpened:
            raise SealBroken from None

    @staticmethod
    def size_in(size: int) -> int:
        """Return how many bytes the value has that is in a file of so many bytes."""
        return max(0, size - OVERHEAD)


def _bytes(bound: Iterable[str]) -> list[bytes]:
    return [part.encode(errors="surrogateescape") for part in bound]
