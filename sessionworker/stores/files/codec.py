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
from sessionworker.file_names import LONGEST_FILE_NAME, OURS
from sessionworker.stores.files.long_names import LongNames
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
    has_spellings: bool
    """Whether a key may lie in a file of another name than those that it is given, as others spell it."""

    def encode_name(self, name: str, *place: str) -> str:
        """Return the file name for a name of a place."""

    def keep_name(self, name: str, *place: str) -> None:
        """See that the file name for a name of a place can be decoded, before anything has it. Raises OSError."""

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

    def is_current(self, data: bytes) -> bool:
        """Tell whether a file that holds this was written as it would be now."""

    def size_in(self, size: int, name: str) -> int:
        """Return how many bytes the value has that is in a session file of a name, and of so many bytes."""


class Plain:
    """All as it is."""

    is_bound = False
    has_spellings = True

    @staticmethod
    def encode_name(name: str, *_place: str) -> str:
        """Return the file name for a name; see `file_names`."""
        return file_names.encode_name(name)

    @staticmethod
    def keep_name(_name: str, *_place: str) -> None:
        """Do nothing."""

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
    def is_current(_data: bytes) -> bool:
        """Take anything for it."""
        return True

    @staticmethod
    def size_in(size: int, _name: str) -> int:
        """Return the size of the file."""
        return size


SEALED = f"{OURS}="
"""What a sealed name begins with; no name has such a file name of its own."""

LONG = f"{SEALED}="
"""What one begins with that would be too long for a file name: the beginning of the sealed name follows."""

LONGEST_SEALED = (LONGEST_FILE_NAME - len(SEALED)) * 5 // 8 - NAME_OVERHEAD
"""Bytes of a name from which on it is too long: it is written in base 32, without what fills that up."""

_BEGINNING = 26
"""Letters of it: the 128 bits of AES-SIV that no other name has."""

MARK_BYTES = NAME_OVERHEAD


class Sealed:
    """Sealed with one of some keys. What is not sealed is taken as it is, if it is to be."""

    is_bound = True

    def __init__(
        self, seal: Seal, long_names: LongNames, *, admits_plain: bool = False, writes_plain: bool = False
    ) -> None:
        """Seal with `seal`. `admits_plain` tells to take what is not sealed, too, `writes_plain` to seal no more."""
        self._seal = seal
        self._long_names = long_names
        self._admits_plain = admits_plain or writes_plain
        self._writes_plain = writes_plain
        self.has_spellings = self._admits_plain

    def encode_name(self, name: str, *place: str) -> str:
        """Return the file name for a name of a place: the same each time, and another one in another place."""
        if self._writes_plain:
            return file_names.encode_name(name)
        return _fitting(self._seal.seal_name(name, *_bytes(place)))

    def keep_name(self, name: str, *place: str) -> None:
        """See that the file name for a name of a place can be decoded."""
        if not self._writes_plain and len(name.encode()) > LONGEST_SEALED:
            self._long_names.keep(self.encode_name(name, *place), name)

    def other_names(self, name: str, *place: str) -> list[str]:
        """Return the file names that it has under other keys, and where it is not sealed."""
        sealed = [_fitting(each) for each in self._seal.names_of(name, *_bytes(place))]
        if self._writes_plain:
            return sealed
        return [*sealed[1:], file_names.encode_name(name)] if self._admits_plain else sealed[1:]

    def decode_name(self, file_name: str, *place: str) -> str | None:
        """Return the name that a file name of a place stands for, or None if it stands for none."""
        if not file_name.startswith(SEALED):
            return file_names.decode_name(file_name) if self._admits_plain else None
        if file_name.startswith(LONG):
            name = self._long_names.get(file_name)
            sealed = [] if name is None else self._seal.names_of(name, *_bytes(place))
            return name if file_name in map(_fitting, sealed) else None
        try:
            return self._seal.open_name(file_name[len(SEALED) :], *_bytes(place))
        except NotOpened:
            return None

    def mark(self, *bound: str) -> bytes:
        """Return what proves something."""
        return b"" if self._writes_plain else self._seal.mark(*_bytes(bound))

    def is_proven(self, marks: bytes, *bound: str) -> bool:
        """Tell whether something is proven by some marks."""
        if not marks:
            return self._admits_plain
        found = {marks[place : place + MARK_BYTES] for place in range(0, len(marks), MARK_BYTES)}
        return not found.isdisjoint(self._seal.marks(*_bytes(bound)))

    def seal(self, value: bytes, *bound: str) -> bytes:
        """Return a value sealed to what it is."""
        return value if self._writes_plain else self._seal.seal(value, *_bytes(bound))

    def open(self, data: bytes, *bound: str) -> bytes:
        """Return the value that was sealed. Raises SealBroken."""
        if self._admits_plain and not is_sealed(data):
            return data
        try:
            return self._seal.open(data, *_bytes(bound))
        except NotOpened:
            raise SealBroken from None

    def is_current(self, data: bytes) -> bool:
        """Tell whether a file that holds this is sealed with the first key, or plain where nothing is sealed."""
        return not is_sealed(data) if self._writes_plain else self._seal.is_current(data)

    @staticmethod
    def size_in(size: int, name: str) -> int:
        """Return how many bytes the value has that is in a session file: what has a sealed name is sealed."""
        return max(0, size - OVERHEAD) if name.startswith(SEALED) else size


def _fitting(sealed: str) -> str:
    """Return the file name for a name that is sealed."""
    name = SEALED + sealed
    return name if len(name) <= LONGEST_FILE_NAME else LONG + sealed[:_BEGINNING]


def _bytes(bound: Iterable[str]) -> list[bytes]:
    return [part.encode(errors="surrogateescape") for part in bound]
