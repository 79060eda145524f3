"""What a crash left in the journal, read back.

A record that is not whole at the end is what a crash tears. Whole records after a broken one, or a segment that is
missing, mean that the disk lost something: the start stops then, and nothing is thrown away.

In a copy that was taken while the journal was written, the same is harmless: a part was read before it was written, the
next one after. A segment knows the inode that it was written to, so a copy is told from the original.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from sessionworker.errors import StartError
from sessionworker.stores.files.codec import Codec, SealBroken
from sessionworker.stores.files.segments import (
    FORMAT,
    HEAD_SIZE,
    RECORD_HEAD_SIZE,
    Head,
    ends_at,
    has_record_after,
    name_of,
    read_format,
    read_head,
    read_record,
)

LARGEST = 2**31
"""Bytes of a segment that is read. One commit, and so one record, holds 128 MiB at the most, or one value of 1 GiB."""

Say: TypeAlias = Callable[[str, str], None]
"""Tells of an event: its name and its text."""


class LeftSegment(NamedTuple):
    """A segment that a crash left."""

    name: str
    payloads: list[bytes]
    end: int
    """The byte after its last record that counts."""
    next_number: int
    """The number that the record after that one would have."""
    head: Head
    can_go_on: bool
    """Whether the next record may follow in it: it is no copy, and all of it is whole."""


def read_left(path: str, folder: int, names: Sequence[str], codec: Codec, say: Say) -> Iterator[LeftSegment]:
    """Yield the segments of these names, oldest first; `codec` opens records. `path` is the journal's, for messages.

    Raises StartError, or OSError.
    """
    left = _read_heads(path, folder, names, say)
    for place, (name, head, is_copy) in enumerate(left):
        limit = left[place + 1][1].first if place + 1 < len(left) else None
        data = _read(path, name, folder)
        payloads, offset, expected = [], HEAD_SIZE, head.first
        while expected != limit and (payload := read_record(data, offset, head.mark, expected)) is not None:
            payloads.append(_opened(path, name, offset, codec, payload, expected))
            expected += 1
            offset += RECORD_HEAD_SIZE + len(payload)
        is_whole = expected == limit if limit is not None else not has_record_after(data, offset, head.mark)
        if not is_whole:
            if not is_copy:
                raise _corrupt(path, name, offset)
            say(
                "journal_copied",
                f"The journal was copied while it was written: {name} is whole up to byte {offset}, what came next is "
                "missing.",
            )
        elif limit is None and not ends_at(data, offset):
            say(
                "journal_cut_off",
                f"The journal's last record is not whole, as after a power cut before it was acknowledged: {name} is "
                f"cut off at byte {offset}.",
            )
        can_go_on = is_whole and not is_copy and ends_at(data, offset)
        yield LeftSegment(name, payloads, offset, expected, head, can_go_on)


def _opened(path: str, name: str, offset: int, codec: Codec, payload: bytes, number: int) -> bytes:
    try:
        return codec.open(payload, "record", str(number))
    except SealBroken:
        raise StartError(
            f"The record at byte {offset} of {path}/{name} does not open with the keys that there are, although it is "
            "whole. It holds changes that were acknowledged, and nothing was thrown away. If a key was taken out of "
            "the key file, put it back."
        ) from None


def _read_heads(path: str, folder: int, names: Sequence[str], say: Say) -> list[tuple[str, Head, bool]]:
    """Return names, heads, and whether each is a copy, in the order of their records."""
    found = []
    for name in names:
        data = _read(path, name, folder, HEAD_SIZE)
        written_in = read_format(data)
        if written_in is not None and written_in != FORMAT:
            raise _of_another_version(path, written_in)
        head = read_head(data)
        if head is None:
            if name == names[-1] and not any(_read(path, name, folder)):
                # With --fsync=never, a power cut may leave the name without its data.
                say("journal_not_begun", f"The journal's last segment was not begun yet when the worker ended: {name}.")
                os.unlink(name, dir_fd=folder)
                continue
            raise _corrupt(path, name, 0)
        is_copy = head.inode != os.stat(name, dir_fd=folder).st_ino
        if not is_copy and name != name_of(head.first):
            raise _corrupt(path, name, 0)
        found.append((name, head, is_copy))
    # A copy may have been taken of a file while it became another segment.
    return sorted(found, key=lambda segment: segment[1].first)


def _read(path: str, name: str, folder: int, size: int = LARGEST) -> bytes:
    status = os.lstat(name, dir_fd=folder)
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
        raise StartError(
            f"What stands at {path}/{name} is no part of a journal: it is no regular file, or larger than any. Move it "
            "away if you know what it is. Nothing was changed."
        )
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        wanted = min(size, status.st_size)
        data = b""
        while len(data) < wanted and (more := os.read(handle, wanted - len(data))):
            data += more
        return data
    finally:
        os.close(handle)


def _of_another_version(path: str, version: int) -> StartError:
    if version < FORMAT:
        return StartError(
            f"The journal in {path} was written by sessionworker 0.1.0, which did not end cleanly. Start that version "
            "once more on this folder and stop it; when its log says that everything that was acknowledged is stored, "
            "start this one."
        )
    return StartError(
        f"The journal in {path} was written by a newer version of sessionworker, which did not end cleanly. Start that "
        "version once more on this folder and stop it; or stay with it."
    )


def _corrupt(path: str, name: str, offset: int) -> StartError:
    return StartError(
        f"The journal is damaged in the middle, at byte {offset} of {path}/{name}. It holds changes that were "
        f"acknowledged, and nothing was thrown away. Copy the store, check the disk, and restore that file from a "
        f"backup; or move {path} away, to start without what it holds."
    )
