"""The journal: what was committed and is not in its files yet, one synced append for each commit.

It is a sequence of segment files, named by the number of their first record:

    segment   a header (magic with the format's version, first record's number, own inode, salt, checksum), then records
    record    mark, checksum, length, number, payload; numbers go up by one, across segments too

A segment is filled with zeros before it is used, and used again when it is let go: its blocks are there already, so a
sync writes the data and no metadata. The salt is new for each use; the mark, made from it, tells a record from what an
earlier use left behind.

A record is written and synced before the next one begins. So what a crash can tear is the last record, and nothing can
follow it: whole records after a broken one mean that the disk lost something, and that is not ours to guess at.

In a copy that was taken while the journal was written, the same is harmless: a part was read before it was written, the
next one after. A segment knows the inode that it was written to, so a copy is told from the original.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from sessionworker.errors import StartError
from sessionworker.stores.disk import make_folder, sync_folder

MAGIC = b"swjrnl01"
SUFFIX = ".segment"
SPARE = "spare"
SEGMENT_SIZE = 32 * 2**20
"""Bytes of a segment. One record may be larger; its segment then is, too."""

_header = Struct("<8sQQ16sI")
_record = Struct("<IIIQ")


@dataclass
class _Segment:
    path: Path
    handle: int
    mark: int
    end: int = _header.size


class Journal:
    """Appends payloads durably, gives them back after a crash, and forgets them when it is told to.

    One thread at a time may call `append` and `rotate`.
    """

    def __init__(self, folder: Path, *, sync: bool, segment_size: int = SEGMENT_SIZE) -> None:
        """Look at the segments in `folder`, made if missing. Call `replay`, then `open`. Raises OSError."""
        make_folder(folder, sync=sync)
        self._folder = folder
        self._flags = os.RWF_DSYNC if sync else 0
        self._sync = sync
        self._segment_size = segment_size
        self._next_number = 1
        self._closed: list[_Segment] = []
        self._active: _Segment | None = None
        self._left_by_crash = sorted(folder.glob(f"*{SUFFIX}"))
        for path in folder.glob(f"{SPARE}*"):
            path.unlink()

    @property
    def size(self) -> int:
        """Bytes of records that are not let go of."""
        active = self._active.end if self._active else 0
        return sum([segment.end for segment in self._closed], active)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was appended since the last rotation."""
        return self._active is None or self._active.end == _header.size

    @property
    def is_open(self) -> bool:
        """Whether there is a segment to append to."""
        return self._active is not None

    @property
    def is_full(self) -> bool:
        """Whether the active segment has passed the size that it is meant to have."""
        return self._active is not None and self._active.end >= self._segment_size

    def replay(self, report: Callable[[str], None]) -> Iterator[bytes]:
        """Yield the payloads that a crash left, oldest first.

        A torn last record is cut off and reported. Raises StartError when there is more after a broken record, or a
        segment is missing: nothing is thrown away then.
        """
        expected: int | None = None
        for path in list(self._left_by_crash):
            is_last = path is self._left_by_crash[-1]
            data = path.read_bytes()
            begun = _read_header(data)
            is_copy = begun is not None and begun.inode != path.stat().st_ino
            if begun is None and is_last and not any(data):
                report(f"The journal's last segment was not begun yet when the worker ended: {path.name}.")
                self._forget(path)
                continue
            if begun is None or (expected is not None and begun.first != expected and not is_copy):
                raise _corrupt(path, 0)
            expected, mark = begun.first, begun.mark
            offset = _header.size
            while (payload := _read_record(data, offset, mark, expected)) is not None:
                yield payload
                expected += 1
                offset += _record.size + len(payload)
            if _has_record_after(data, offset, mark):
                if not is_copy:
                    raise _corrupt(path, offset)
                report(f"The journal was copied while it was written: {path.name} is whole up to byte {offset}.")
            if offset == _header.size and is_last:
                self._forget(path)
            if is_last and data.startswith(mark.to_bytes(4, "little"), offset):
                report(
                    f"The journal's last record is not whole, so it was never acknowledged: cut off at byte {offset}."
                )
        self._next_number = expected or 1

    def open(self) -> None:
        """Begin a segment to append to. Raises OSError."""
        self._active = self._begin_segment()

    def append(self, payload: bytes) -> None:
        """Make a payload durable.

        Raises OSError; then the payload is not in the journal, or, if that cannot be said, neither is any later one.
        """
        segment = self._opened
        buffers = [_pack_record_head(segment.mark, self._next_number, payload), payload]
        length = _record.size + len(payload)
        written = os.pwritev(segment.handle, buffers, segment.end, self._flags)
        while written < length:
            rest = memoryview(b"".join(buffers))[written:]
            written += os.pwritev(segment.handle, [rest], segment.end + written, self._flags)
        segment.end += length
        self._next_number += 1

    def undo_append(self) -> None:
        """After a failed append: remove what it may have left, so that the next one can take its place.

        Raises OSError; then nothing more may be appended.
        """
        if self._active is None:  # it could not be opened, so nothing was appended
            return
        segment = self._active
        os.ftruncate(segment.handle, segment.end)
        os.fsync(segment.handle)

    def rotate(self) -> None:
        """Begin another segment, so that `release` can let go of what was appended until now. Raises OSError."""
        if self._active is not None and self.is_empty:
            return  # a new one would begin with the same number, have the same name, and take this one's place
        begun = self._begin_segment()
        if self._active is not None:
            self._closed.append(self._active)
        self._active = begun

    def release(self) -> None:
        """Let go of every segment but the active one, and of what a crash left. Raises OSError.

        The oldest goes first, and is durably gone before the next: a gap would look like a loss at the next start.
        """
        while self._left_by_crash:
            self._left_by_crash[0].unlink(missing_ok=True)
            self._sync_folder()
            del self._left_by_crash[0]
        while self._closed:
            segment = self._closed[0]
            spare = self._folder / SPARE
            if segment.end <= 2 * self._segment_size and not spare.exists():
                segment.path.rename(spare)
            else:
                segment.path.unlink()
            self._sync_folder()
            os.close(segment.handle)
            del self._closed[0]

    def _forget(self, path: Path) -> None:
        """Remove a segment without a record: the next one begins with the same number, and so has the same name."""
        path.unlink()
        self._left_by_crash.remove(path)

    def close(self) -> None:
        """Close the files. Segments that were not let go of stay for the next start."""
        for segment in [*self._closed, *([self._active] if self._active else [])]:
            os.close(segment.handle)
            if segment.end == _header.size:
                segment.path.unlink(missing_ok=True)
        self._closed, self._active = [], None

    def _begin_segment(self) -> _Segment:
        spare = self._folder / SPARE
        self.prepare()
        handle = os.open(spare, os.O_RDWR | os.O_CLOEXEC)
        path = self._folder / f"{self._next_number:020}{SUFFIX}"
        try:
            salt = secrets.token_bytes(16)
            head = _header.pack(MAGIC, self._next_number, os.fstat(handle).st_ino, salt, 0)[:-4]
            os.pwritev(handle, [head + crc32(head).to_bytes(4, "little")], 0, self._flags)
            spare.rename(path)
            self._sync_folder()
        except BaseException:
            os.close(handle)
            with suppress(OSError):  # else it would stand between records that are appended elsewhere now
                path.unlink(missing_ok=True)
            raise
        return _Segment(path, handle, crc32(salt))

    @property
    def _opened(self) -> _Segment:
        if self._active is None:
            raise ValueError("the journal is not open")
        return self._active

    def _sync_folder(self) -> None:
        if self._sync:
            sync_folder(self._folder)

    def prepare(self) -> None:
        """Have a filled segment ready, if there is none. Raises OSError."""
        spare = self._folder / SPARE
        if spare.exists():
            return
        filling = self._folder / f"{SPARE}.filling"
        handle = os.open(filling, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            zeros = bytes(2**20)
            for offset in range(0, self._segment_size, len(zeros)):
                os.pwrite(handle, zeros[: self._segment_size - offset], offset)
            if self._sync:
                os.fsync(handle)
        except BaseException:
            filling.unlink()  # or a disk without room for it would have none for anything else
            raise
        finally:
            os.close(handle)
        filling.rename(spare)


class _Header(NamedTuple):
    first: int  # record's number
    inode: int  # of the file that the segment was written to
    mark: int  # of all its records


def _read_header(data: bytes) -> _Header | None:
    """Return what a segment begins with, or None if that is not whole."""
    if len(data) < _header.size:
        return None
    magic, first, inode, salt, checksum = _header.unpack_from(data)
    if magic != MAGIC or checksum != crc32(data[: _header.size - 4]):
        return None
    return _Header(first, inode, crc32(salt))


def _pack_record_head(mark: int, number: int, payload: bytes) -> bytes:
    checksum = crc32(payload, crc32(_record.pack(mark, 0, len(payload), number)))
    return _record.pack(mark, checksum, len(payload), number)


def _read_record(data: bytes, offset: int, mark: int, number: int | None = None) -> bytes | None:
    """Return the payload of the record at `offset`, if it is whole and has that number (or any, for None)."""
    start = offset + _record.size
    if start > len(data):
        return None
    found_mark, _, length, found_number = _record.unpack_from(data, offset)
    if found_mark != mark or start + length > len(data) or (number is not None and found_number != number):
        return None
    payload = data[start : start + length]
    head = _pack_record_head(mark, found_number, payload)
    return payload if data.startswith(head, offset) else None


def _has_record_after(data: bytes, offset: int, mark: int) -> bool:
    """Tell whether a whole record stands anywhere after `offset`."""
    sought = mark.to_bytes(4, "little")
    place = data.find(sought, offset + 1)
    while place != -1:
        if _read_record(data, place, mark) is not None:
            return True
        place = data.find(sought, place + 1)
    return False


def _corrupt(path: Path, offset: int) -> StartError:
    return StartError(
        f"The journal is damaged in the middle, at byte {offset} of {path}. It holds changes that were acknowledged, "
        f"and nothing was thrown away. Copy the store, check the disk, and restore that file from a backup; or move "
        f"{path.parent} away, to start without what it holds."
    )
