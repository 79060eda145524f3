"""The few things that the file store asks of a file system, each with its durability.

`os.replace` alone keeps a file whole for readers. For it to be whole after a power cut, its data must be synced before
the rename, and the folder that holds the name after it (fsync(2), rename(2)).
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path

TEMPORARY_PREFIX = ".sessionworker-"
"""Files that begin so are unfinished writes. A crash may leave some; they are swept at the next start."""

_numbers = count()
_syncfs = ctypes.CDLL(None, use_errno=True).syncfs  # Python has no name for it


def sync_folder(path: str | Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file_system(path: str) -> None:
    """Make everything durable that was written to the file system of a folder, as syncfs(2) does. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(handle)


def write_whole(folder: str, name: str, value: bytes, *, sync: bool) -> None:
    """Write a file so that it holds its old bytes or its new ones, never a part.

    The folder is not synced: the caller does that, once for several files. Raises OSError, and leaves nothing behind.
    """
    temporary = _write_temporary(folder, value, sync=sync)
    try:
        os.rename(temporary, f"{folder}/{name}")
    except BaseException:
        os.unlink(temporary)
        raise


def write_many_whole(folder: str, values: Mapping[str, bytes]) -> None:
    """Write many files as `write_whole` does each, durably, with one sync of the file system for all of them.

    For 4,000 new files that takes half of the time. Raises OSError; then some may have been written.
    """
    temporaries: dict[str, str] = {}
    try:
        for name, value in values.items():
            temporaries[name] = _write_temporary(folder, value, sync=False)
        sync_file_system(folder)
        while temporaries:
            name, temporary = next(iter(temporaries.items()))
            os.rename(temporary, f"{folder}/{name}")
            del temporaries[name]
    finally:
        for temporary in temporaries.values():
            os.unlink(temporary)


def _write_temporary(folder: str, value: bytes, *, sync: bool) -> str:
    """Write a file that nobody knows of yet, and return its path. Raises OSError, and leaves nothing behind."""
    temporary = f"{folder}/{TEMPORARY_PREFIX}{next(_numbers)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            written = os.write(handle, value)
            while written < len(value):
                written += os.write(handle, memoryview(value)[written:])
            if sync:
                os.fdatasync(handle)
        finally:
            os.close(handle)
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def is_full(error: OSError) -> bool:
    """Tell whether an error means that no space is left, or that a quota is used up."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def make_folder(path: str | Path, *, sync: bool) -> None:
    """Make a folder, and those above it, where they are missing, each durably. Raises OSError."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass  # made by somebody whose sync may have failed, or not have come: it is synced below all the same
    except FileNotFoundError:
        make_folder(os.path.dirname(path), sync=sync)
        make_folder(path, sync=sync)
        return
    if sync:
        sync_folder(os.path.dirname(path))


def remove_if_there(path: str) -> None:
    """Remove a file. The folder is not synced. Raises OSError."""
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)
