"""Calls of the disk that fail after they have done their work, and a disk that is full until something is removed.

Calls that fail before they do anything are in `tests.defects.faults`.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.defects.calls import NAMING, WRITING, Call, Wanted, anything
from tests.defects.faults import Disk, Fault


@contextmanager
def failing_late(
    disk: Disk, error: int | BaseException, wanted: Wanted = anything, *, at: int = 0, lasts: bool = False
) -> Iterator[Fault]:
    """Let calls that change something fail after they are done; see `Fault`."""
    fault = Fault(error, wanted, at, lasts)

    def late(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            paths = disk._paths(name, arguments, named)
            result = real(*arguments, **named)
            if paths:
                fault.meet(Call(name, paths, arguments))
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in (*WRITING, *NAMING):
            patch.setattr(os, name, late(name, getattr(os, name)))
        yield fault


def failing(
    disk: Disk,
    error: int | BaseException,
    wanted: Wanted = anything,
    *,
    at: int = 0,
    lasts: bool = False,
    late: bool = False,
) -> AbstractContextManager[Fault]:
    """Let calls fail, before or after they have done their work."""
    return (failing_late if late else Disk.failing)(disk, error, wanted, at=at, lasts=lasts)


BLOCK = 4096


class Volume:
    """A disk of so many bytes as are in use: what would take more is refused, what is removed makes room again."""

    def __init__(self, folder: Path) -> None:
        """Take for the volume what is below a folder."""
        self._folder = str(folder)
        self._local = threading.local()
        self.size = self._used()

    def meet(self, call: Call) -> None:
        """Refuse a call that needs more room than there is."""
        if not getattr(self._local, "is_asking", False):
            needed = _needed(call, f"{self._folder}/{call.paths[0]}")
            if needed and self._used() + needed > self.size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), call.paths[0])

    def _used(self) -> int:
        self._local.is_asking = True
        try:
            return _size_of(self._folder)
        finally:
            self._local.is_asking = False


def _size_of(folder: str) -> int:
    size = BLOCK
    with suppress(FileNotFoundError), os.scandir(folder) as entries:  # it may go away meanwhile
        for entry in entries:
            with suppress(FileNotFoundError):
                is_folder = entry.is_dir(follow_symlinks=False)
                size += _size_of(entry.path) if is_folder else _blocks(entry.stat(follow_symlinks=False).st_size)
    return size


def _needed(call: Call, path: str) -> int:
    """Return how much room a call takes."""
    match call.function, call.arguments:
        case "mkdir", _:
            return 0 if os.access(path, os.F_OK, follow_symlinks=False) else BLOCK
        case "write", (handle, data, *_):
            return _growth(handle, os.lseek(handle, 0, os.SEEK_CUR) + len(data))
        case "pwritev", (handle, buffers, offset, *_):
            return _growth(handle, offset + sum(map(len, buffers)))
        case "posix_fallocate", (handle, offset, length):
            return _growth(handle, offset + length)
    return 0


def _growth(handle: int, end: int) -> int:
    status = os.fstat(handle)
    return max(0, _blocks(end) - _blocks(status.st_size)) if stat.S_ISREG(status.st_mode) else 0


def _blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


@contextmanager
def full(disk: Disk) -> Iterator[Volume]:
    """Leave no room on a disk but what is made by removing something."""
    volume = Volume(disk.folder)
    with disk.ruled(volume):
        yield volume
