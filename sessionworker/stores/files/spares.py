"""Segments of the journal that are ready, filled: to write to, and the reserve.

The reserve is room that the worker owns, so that what frees room can be done on a full disk.
"""

from __future__ import annotations

import errno
import os
import re
from collections import deque
from itertools import count

from sessionworker.disk import is_full, removed_on_error
from sessionworker.stores.files.segments import FILLING, SPARE, SPARE_BEFORE, fill

RESERVE = 2
"""Segments that are kept ready for what frees room."""

_spare_number = re.compile(rf"{SPARE}(\d+)").fullmatch


class Spares:
    """Those in a journal's folder. Every method may raise OSError.

    One thread at a time may call `take`, `put_back` and `lend`, one at a time the others.
    """

    def __init__(self, folder: int, segment_size: int, *, sync: bool) -> None:
        """Look at what an earlier worker left; what is not whole, or of another size, is removed."""
        self._folder = folder
        self._size = segment_size
        self._sync = sync
        self._numbers = count(1)  # for names
        self._names: deque[str] = deque()
        self.is_short = False
        """Whether there was no room for another segment when one was wanted last."""
        for name in sorted(os.listdir(folder)):
            match = _spare_number(name)
            if match and os.stat(name, dir_fd=folder).st_size == segment_size:
                self._names.append(name)
                self._numbers = count(max(next(self._numbers), int(match[1]) + 1))
            elif name.startswith((FILLING, SPARE_BEFORE)):
                os.unlink(name, dir_fd=folder)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def is_low(self) -> bool:
        """Whether the next segment but one would have to be filled by whoever appends."""
        return len(self._names) <= RESERVE

    def missing(self, more: int = 0) -> int:
        """Return how many bytes are missing from the reserve, with `more` segments besides."""
        return max(0, RESERVE + more - len(self._names)) * self._size

    def take(self, *, frees_room: bool) -> str:
        """Return a segment to write to, which is filled if need be. For what frees room, the reserve may be used."""
        try:
            if len(self._names) > RESERVE:
                return self._names.popleft()
            return self._fill()
        except OSError as error:
            if not (frees_room and is_full(error) and self._names):
                raise
            return self._names.popleft()

    def put_back(self, name: str) -> None:
        """Take a segment back that was not used after all."""
        self._names.append(name)

    def _fill(self) -> str:
        if self.is_short:  # asking the disk each time would cost it a segment of zeros each time
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        number = next(self._numbers)
        filling, spare = f"{FILLING}{number}", f"{SPARE}{number}"
        try:
            fill(filling, self._folder, self._size, sync=self._sync)
            with removed_on_error(filling, self._folder), removed_on_error(spare, self._folder):
                os.rename(filling, spare, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            self.is_short = is_full(error)
            raise
        return spare

    def refill(self, more: int = 0) -> None:
        """Make the reserve whole, and keep `more` segments ready besides."""
        self.is_short = False
        while len(self._names) < RESERVE + more:
            self._names.append(self._fill())

    def lend(self) -> bool:
        """Give a segment of the reserve to the disk, for what frees room; tell if there was one."""
        if not self._names:
            return False
        os.unlink(self._names.pop(), dir_fd=self._folder)
        return True

    def keep(self, name: str) -> None:
        """Keep a segment of the journal that was let go of, for the next time."""
        spare = f"{SPARE}{next(self._numbers)}"
        os.rename(name, spare, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._names.append(spare)

    def shrink(self, ready: int) -> None:
        """Remove all but so many."""
        while len(self._names) > ready:
            os.unlink(self._names.pop(), dir_fd=self._folder)
