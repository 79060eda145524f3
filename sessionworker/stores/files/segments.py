"""One file of the journal: how its head and its records look, and how they are read back.

    segment   a head (magic with the format's version, first record's number, own inode, salt, checksum), then records
    record    mark, checksum, length, number, payload; then zeros, where the next one will begin

A segment is filled with zeros before it is used, and used again when it is let go: its blocks are there already, so a
sync writes the data and no metadata. The salt is new for each use; the mark, made from it, tells a record from what an
earlier use left behind. The zeros after each record say where the records end: anything else there is a record that is
not whole.
"""

from __future__ import annotations

import os
import secrets
from struct import Struct
from typing import NamedTuple, Self
from zlib import crc32

from sessionworker.disk import is_full, removed_on_error

FORMAT = 2
"""The version of all that is written to the journal. 0.1.0 wrote 1."""

SPARE, FILLING = "spare-", "filling-"
SPARE_BEFORE = "spare"  # and what 0.1.0 calls its own
SUFFIX = ".segment"

_MAGIC = b"swjrnl"
_head = Struct("<6s2sQQ16sI")
_record = Struct("<IIIQ")

HEAD_SIZE = _head.size
"""Bytes before a segment's first record."""

RECORD_HEAD_SIZE = _record.size
"""Bytes before each payload."""

END = bytes(RECORD_HEAD_SIZE)
"""What stands after the last record."""

MOST_LOOKED_AT = 64
"""How often a segment's bytes are looked at in all, in search of records that nobody expects."""

_ZEROS = bytes(2**20)


class Head(NamedTuple):
    """What a segment begins with."""

    first: int
    """The number of its first record."""
    inode: int
    """The inode of the file that it was written to; a copy has another one."""
    mark: int
    """What each of its records begins with."""


def name_of(first: int) -> str:
    """Return the file name of the segment whose first record has that number."""
    return f"{first:020}{SUFFIX}"


def fill(name: str, folder: int, size: int, *, sync: bool) -> None:
    """Make a file of zeros that occupies its blocks. Raises OSError, and leaves nothing behind."""
    handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    with removed_on_error(name, folder):
        try:
            _allocate(handle, size)
            for offset in range(0, size, len(_ZEROS)):
                _write(handle, [_ZEROS[: size - offset]], offset, 0)
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)


def _allocate(handle: int, size: int) -> None:
    """Fail at once where there is no room, before much is written; not every file system can."""
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if is_full(error):
            raise


class Segment:
    """A segment that is appended to. Every method may raise OSError."""

    def __init__(self, handle: int, mark: int, first: int, end: int, *, sync: bool) -> None:
        """Append to an open file, whose records end at `end`; see `begin` and `go_on`."""
        self._handle = handle
        self._mark = mark
        self._flags = os.RWF_DSYNC if sync else 0
        self.first = first
        self.end = end
        """The byte after its last record."""

    @classmethod
    def begin(cls, name: str, folder: int, first: int, *, sync: bool) -> Self:
        """Begin a segment in the file `name`."""
        handle = os.open(name, os.O_RDWR | os.O_CLOEXEC, dir_fd=folder)
        try:
            salt = secrets.token_bytes(16)
            head = _pack_head(first, os.fstat(handle).st_ino, salt)
            _write(handle, [head, END], 0, os.RWF_DSYNC if sync else 0)
        except BaseException:
            os.close(handle)
            raise
        return cls(handle, crc32(salt), first, HEAD_SIZE, sync=sync)

    @classmethod
    def go_on(cls, name: str, folder: int, head: Head, end: int, *, sync: bool) -> Self:
        """Go on with a segment of an earlier process."""
        handle = os.open(name, os.O_RDWR | os.O_CLOEXEC, dir_fd=folder)
        try:
            if sync:
                os.fsync(handle)  # its last record may not be durable, and none that follows may be so before it
        except BaseException:
            os.close(handle)
            raise
        return cls(handle, head.mark, head.first, end, sync=sync)

    @property
    def is_empty(self) -> bool:
        """Whether it has no record."""
        return self.end == HEAD_SIZE

    def append(self, number: int, payload: bytes) -> None:
        """Write a record, durably. On an error some of it may stand after the end; see `undo`."""
        head = _pack_record_head(self._mark, number, payload)
        _write(self._handle, [head, payload, END], self.end, self._flags)
        self.end += RECORD_HEAD_SIZE + len(payload)

    def undo(self, size: int) -> None:
        """After a failed append: take away what it may have left, and room beyond `size` bytes that it may have got."""
        _write(self._handle, [END], self.end, self._flags)
        os.ftruncate(self._handle, max(size, self.end + len(END)))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


def _write(handle: int, buffers: list[bytes], offset: int, flags: int) -> None:
    written = os.pwritev(handle, buffers, offset, flags)
    length = sum(map(len, buffers))
    while written < length:
        rest = memoryview(b"".join(buffers))[written:]
        written += os.pwritev(handle, [rest], offset + written, flags)


def _pack_head(first: int, inode: int, salt: bytes) -> bytes:
    head = _head.pack(_MAGIC, b"%02d" % FORMAT, first, inode, salt, 0)[:-4]
    return head + crc32(head).to_bytes(4, "little")


def _pack_record_head(mark: int, number: int, payload: bytes) -> bytes:
    checksum = crc32(payload, crc32(_record.pack(mark, 0, len(payload), number)))
    return _record.pack(mark, checksum, len(payload), number)


# Reading back


def read_format(data: bytes) -> int | None:
    """Return the version of the format that a segment is written in, or None if its head is not whole.

    The head looks the same in all versions.
    """
    if len(data) < HEAD_SIZE:
        return None
    magic, version, _, _, _, checksum = _head.unpack_from(data)
    is_whole = magic == _MAGIC and version.isdigit() and checksum == crc32(data[: HEAD_SIZE - 4])
    return int(version) if is_whole else None


def read_head(data: bytes) -> Head | None:
    """Return what a segment of this format begins with, or None if that is not whole."""
    if read_format(data) != FORMAT:
        return None
    _, _, first, inode, salt, _ = _head.unpack_from(data)
    return Head(first, inode, crc32(salt))


def read_record(data: bytes, offset: int, mark: int, number: int | None = None) -> bytes | None:
    """Return the payload of the record at `offset`, if it is whole and has that number (or any, for None)."""
    start = offset + RECORD_HEAD_SIZE
    if start > len(data):
        return None
    found_mark, _, length, found_number = _record.unpack_from(data, offset)
    if found_mark != mark or start + length > len(data) or (number is not None and found_number != number):
        return None
    payload = data[start : start + length]
    return payload if data.startswith(_pack_record_head(mark, found_number, payload), offset) else None


def ends_at(data: bytes, offset: int) -> bool:
    """Tell whether the records end at `offset`, cleanly."""
    return not any(data[offset : offset + len(END)])


def has_record_after(data: bytes, offset: int, mark: int) -> bool:
    """Tell whether a whole record stands anywhere after `offset`, or so much that looks like one that nobody can tell.

    By chance there is none: a mark is made of random bits.
    """
    sought = mark.to_bytes(4, "little")
    left = MOST_LOOKED_AT * len(data)
    place = data.find(sought, offset + 1)
    while place != -1:
        if read_record(data, place, mark) is not None or left < 0:
            return True
        left -= RECORD_HEAD_SIZE + int.from_bytes(data[place + 8 : place + 12], "little")  # the length that it claims
        place = data.find(sought, place + 1)
    return False


def remove_spares(folder: int) -> None:
    """Remove the segments that are ready in a journal's folder: they hold what they held once. Raises OSError."""
    for name in os.listdir(folder):
        if name.startswith((SPARE_BEFORE, FILLING)):
            os.unlink(name, dir_fd=folder)
