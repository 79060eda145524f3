"""The journal: what was committed and is not in its files yet, one synced append for each commit.

It is a sequence of segments (see `segments`), named by the number of their first record; numbers go up by one, across
segments too. A record is written and synced before the next one begins. So what a crash can tear is the last record,
and nothing can follow it: whole records after a broken one mean that the disk lost something, and that is not ours to
guess at. Where an append failed and could not be undone, another segment begins with the number of the record that
failed, and so says that this one does not count.
Some segments are ready at all times; see `spares`.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from sessionworker.disk import is_full
from sessionworker.stores.files.codec import Codec
from sessionworker.stores.files.recovery import Say, read_left
from sessionworker.stores.files.segments import (
    END,
    HEAD_SIZE,
    RECORD_HEAD_SIZE,
    SUFFIX,
    Segment,
    name_of,
)
from sessionworker.stores.files.spares import RESERVE, Spares

SEGMENT_SIZE = 4 * 2**20
"""Bytes of a segment. One record may be larger; its segment then is, too."""


class _Closed(NamedTuple):
    """A segment that nothing is appended to any more."""

    name: str
    size: int  # bytes of its records


class Journal:
    """Appends payloads durably, gives them back after a crash, and forgets them when it is told to.

    One thread at a time may call `append` and `rotate`, one at a time `release`; see `Spares`, too.
    """

    def __init__(self, path: str, folder: int, codec: Codec, *, sync: bool, segment_size: int = SEGMENT_SIZE) -> None:
        """Look at the segments in `folder`, its own; `path` is for messages. Call `replay` next. Raises OSError."""
        self._path = path
        self._folder = folder
        self._codec = codec
        self._sync = sync
        self.segment_size = segment_size
        self._next_number = 1
        self._active: Segment | None = None
        self._closed: deque[_Closed] = deque()
        self.spares = Spares(folder, segment_size, sync=sync)
        self.size = 0
        """Bytes of records that are not let go of."""
        self._first = 1  # number of a record of this start
        self._left_by_crash = [name for name in sorted(os.listdir(folder)) if name.endswith(SUFFIX)]

    @property
    def is_empty(self) -> bool:
        """Whether it holds no record."""
        return not self._closed and (self._active is None or self._active.is_empty)

    @property
    def has_older(self) -> bool:
        """Whether it holds records of before this start."""
        return any(name < name_of(self._first) for name, _ in list(self._closed))

    @property
    def closed_size(self) -> int:
        """Bytes of records that could be let go of, the active segment left out."""
        return self.size - (self._active.end if self._active else 0)

    @property
    def bytes_on_disk(self) -> int:
        """Bytes that all segments occupy, those that are ready included; about."""
        used = len(self.spares) + bool(self._active)
        return used * self.segment_size + sum(max(self.segment_size, closed.size) for closed in list(self._closed))

    @property
    def room(self) -> int:
        """Bytes that can be appended without more room on the disk, by who frees some."""
        ready = self.segment_size - HEAD_SIZE - len(END) if self.spares else 0
        return max(ready, self.segment_size - self._active.end - len(END) if self._active else 0)

    @property
    def may_rotate(self) -> bool:
        """Whether another segment can be begun by who frees room, or has to be before long."""
        return bool(self.spares) or self._active is None or self._active.end > self.segment_size // 2

    # Writing

    def append(self, payload: bytes, *, frees_room: bool = False) -> None:
        """Make a payload durable. For one that frees room, the reserve may be used.

        Raises OSError; then the payload is not in the journal, also if the disk kept some of it.
        """
        if self.spares.is_short and not frees_room and self.spares.missing():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # what is left of it is for what frees room
        segment, payload = self._active, self._codec.seal(payload, "record", str(self._next_number))
        length = RECORD_HEAD_SIZE + len(payload)
        if segment is None or (not segment.is_empty and segment.end + length + len(END) > self.segment_size):
            segment = self._begin(frees_room=frees_room)
        try:
            segment.append(self._next_number, payload)
        except OSError as error:
            self._undo(segment, error)
            raise
        self.size += length
        self._next_number += 1

    def _undo(self, segment: Segment, error: OSError) -> None:
        try:
            segment.undo(self.segment_size)
        except OSError:
            self.rotate()
        else:
            # After a failed sync nobody knows what the disk holds (fsync(2)), so nothing more is written to that file.
            if not is_full(error):
                self.rotate()

    @property
    def closed(self) -> int:
        """How many segments nothing is appended to any more."""
        return len(self._closed)

    def rotate(self) -> None:
        """Have the next record begin another segment, so that `release` can let go of what was appended until now."""
        segment, self._active = self._active, None
        if segment is None:
            return
        self.spares.is_short = False  # once for each segment it is worth to ask the disk again
        with suppress(OSError):  # what was written to it is synced, or was refused
            segment.close()
        if segment.is_empty:
            self.size -= segment.end  # the next one has the same name, and takes its place
        else:
            self._closed.append(_Closed(name_of(segment.first), segment.end))

    def _begin(self, *, frees_room: bool) -> Segment:
        self.rotate()
        spare = self.spares.take(frees_room=frees_room)
        try:
            segment = Segment.begin(spare, self._folder, self._next_number, sync=self._sync)
            try:
                os.rename(spare, name_of(self._next_number), src_dir_fd=self._folder, dst_dir_fd=self._folder)
            except BaseException:
                segment.close()
                raise
        except BaseException:
            with suppress(OSError):  # unless it has its new name in spite of the error
                os.stat(spare, dir_fd=self._folder)
                self.spares.put_back(spare)
            raise
        try:
            self._sync_folder()
        except BaseException:
            segment.close()  # the next one takes its name
            raise
        self._active = segment
        self.size += segment.end
        return segment

    # Letting go

    def release(self, number: int) -> None:
        """Let go of the oldest segments that nothing is appended to any more, as many as that. Raises OSError.

        The oldest goes first, and is durably gone before the next: a gap would look like a loss at the next start.
        Those that were needed this time stay ready for the next, and one at least.
        """
        ready = RESERVE + max(1, number)
        for _ in range(number):
            name, size = self._closed[0]
            is_ours = name >= name_of(self._first) or not self._codec.is_bound  # else another key's records would stay
            with suppress(FileNotFoundError):  # somebody removed it: then it is gone
                is_spare = is_ours and os.stat(name, dir_fd=self._folder).st_size == self.segment_size
                if is_spare and len(self.spares) < ready:
                    self.spares.keep(name)
                else:
                    os.unlink(name, dir_fd=self._folder)
            self._sync_folder()
            self._closed.popleft()
            self.size -= size
        self.spares.shrink(ready)

    def close(self) -> None:
        """Let go of the folder. Segments that were not let go of stay for the next start, and so does the reserve."""
        is_unused = self._active is not None and self._active.is_empty
        self.rotate()
        with suppress(OSError):  # it holds nothing: the next start removes it
            if is_unused:
                os.unlink(name_of(self._next_number), dir_fd=self._folder)
            self.spares.shrink(RESERVE)
        os.close(self._folder)

    def _sync_folder(self) -> None:
        if self._sync:
            os.fsync(self._folder)

    # After a crash

    def replay(self, say: Say) -> Iterator[bytes]:
        """Yield the payloads that a crash left, oldest first.

        A torn last record is cut off and reported. Raises StartError when there is more after a broken record, a
        segment is missing, or the format is another one: nothing is thrown away then. The last segment is appended to
        again, if it is whole: or one crash after the other would use up the reserve where the disk is full.
        """
        segment, without_records = None, []
        for segment in read_left(self._path, self._folder, self._left_by_crash, self._codec, say):
            yield from segment.payloads
            self._next_number = segment.next_number
            if segment.end > HEAD_SIZE:
                self._closed.append(_Closed(segment.name, segment.end))
                self.size += segment.end
            elif not segment.can_go_on:
                without_records.append(segment.name)
        for name in without_records:  # only now: a start that is stopped by a later one leaves all as it is
            os.unlink(name, dir_fd=self._folder)  # the next one may have the same name
        if segment is not None and segment.can_go_on:
            with suppress(OSError):
                self._sync_folder()  # a later one that was removed must not come back: it says what does not count here
                self._active = Segment.go_on(segment.name, self._folder, segment.head, segment.end, sync=self._sync)
                if self._active.is_empty:
                    self.size += segment.end
                else:
                    self._closed.pop()
        self._first = self._next_number
