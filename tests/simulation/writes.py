"""The changes of a file's bytes that are not durable: how each is taken back, and what a crash may leave of it."""

from __future__ import annotations

from random import Random

SECTOR = 512
"""Bytes that a disk writes wholly or not at all."""


class Written:
    """One change of a file's bytes or of its size, with what is needed to take it back."""

    __slots__ = ("after", "before", "is_kept", "is_lost", "offset", "size_before")

    def __init__(self, offset: int, before: bytes, after: bytes | None, size_before: int) -> None:
        """Remember a write of `after` at `offset`; None stands for a change of the size, to `offset`."""
        self.offset = offset
        self.before = before
        self.after = after
        self.size_before = size_before
        self.is_kept = False
        """Whether it is durable, although one before it is not."""
        self.is_lost = False
        """Whether a sync of it failed: the kernel takes it for written then, and no later sync writes it."""


def resize(data: bytearray, size: int) -> None:
    """Cut bytes off, or add zeros."""
    if size < len(data):
        del data[size:]
    else:
        data.extend(bytes(size - len(data)))


def undo(data: bytearray, change: Written) -> None:
    """Take a change back, after those that came later."""
    del data[change.size_before :]
    data[change.offset : change.offset + len(change.before)] = change.before


def redo(data: bytearray, change: Written, start: int = 0, end: int | None = None) -> None:
    """Make a change once more, or the part of it from `start` to `end`."""
    if change.after is None:
        resize(data, change.offset)
        return
    offset = change.offset + start
    if offset > len(data):
        data.extend(bytes(offset - len(data)))
    after = change.after[start:end]
    data[offset : offset + len(after)] = after


def redo_some(data: bytearray, change: Written, random: Random, share: float) -> None:
    """Make it once more with the probability `share`; else perhaps some of its sectors."""
    if random.random() < share:
        redo(data, change)
    elif change.after is not None and random.random() < 0.5:
        # The ends of its sectors, counted from its first byte. A disk begins with any of them; mostly with the first.
        first = SECTOR - change.offset % SECTOR
        length = len(change.after)
        ends = [0, *range(first, length, SECTOR), length]
        count = len(ends) - 1
        if random.random() < 0.7:
            redo(data, change, 0, ends[random.randrange(count)])
        else:
            for sector in range(count):
                if random.random() < 0.5:
                    redo(data, change, ends[sector], ends[sector + 1])
