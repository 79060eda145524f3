# ruff: noqa: INP001 - not a module of a package: Python looks for a file of this name
"""A disk that is full while a file says so: Python runs this at its start where PYTHONPATH leads to it.

Stands in for a full file system where none can be mounted. What would need another block fails with ENOSPC: a new file,
a new folder, a write to a file past its end. What overwrites a file's own blocks, reads, renames or removes, works.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Any

FULL = os.environ["FULL_DISK_FLAG"]
"""The file that says, by being there, that the disk is full."""

LAST_STANDARD_STREAM = 2
"""What the worker says may go to a file on another disk."""


def _refuse() -> None:
    if _exists(FULL):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _exists(path: str, folder: int | None = None) -> bool:
    try:
        os.stat(path, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _grows(handle: int, end: int) -> bool:
    status = os.fstat(handle)
    return stat.S_ISREG(status.st_mode) and end > status.st_size


def _appends(handle: int, data: bytes) -> bool:
    return stat.S_ISREG(os.fstat(handle).st_mode) and _grows(handle, os.lseek(handle, 0, os.SEEK_CUR) + len(data))


def _guard(name: str, needs_room: Callable[..., bool]) -> None:
    real = getattr(os, name)

    def call(*arguments: Any, **more: Any) -> Any:
        if needs_room(*arguments, **more):
            _refuse()
        return real(*arguments, **more)

    setattr(os, name, call)


_guard("mkdir", lambda path, *_, dir_fd=None: not _exists(path, dir_fd))
_guard("open", lambda path, flags, *_, dir_fd=None: bool(flags & os.O_CREAT) and not _exists(path, dir_fd))
_guard("write", lambda handle, data: handle > LAST_STANDARD_STREAM and _appends(handle, data))
_guard("pwrite", lambda handle, data, offset: _grows(handle, offset + len(data)))
_guard("posix_fallocate", lambda handle, offset, size: _grows(handle, offset + size))
_guard("pwritev", lambda handle, buffers, offset, *_: _grows(handle, offset + sum(map(len, buffers))))
