"""What is asked of a file system, each with its durability.

Folders are open descriptors here, and names lie in them: a folder that is moved meanwhile takes along what is done in
it, and no symbolic link leads anywhere. Renaming alone keeps a file whole for readers. For it to be whole after a power
cut, its data must be synced before the rename, and the folder that holds the name after it (fsync(2), rename(2)).

Every function may raise OSError, and then leaves nothing half done behind but where it says so. "No such file" is an
answer only where the folder is known to be there, which an open one is.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
# Not through a symbolic link: what it leads to is nobody's session file. Not waiting for a pipe's other end.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# Python has no names for these
_libc = ctypes.CDLL(None, use_errno=True)
_syncfs = _libc.syncfs
_RENAME_EXCHANGE = 2


class NotAFile(OSError):
    """Something that is no regular file stands where one should."""

    def __init__(self) -> None:
        """Say so, as other errors of the disk do."""
        super().__init__(errno.EINVAL, "it is not a regular file")


def is_full(error: BaseException) -> bool:
    """Tell whether an error means that no space is left, or that a quota is used up."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


# Folders


def open_folder(path: str, folder: int | None = None) -> int:
    """Open the folder at `path`, which is looked for in `folder` if it is relative. The caller closes it."""
    return os.open(path, _FOLDER, dir_fd=folder)


@contextmanager
def opened_folder(path: str, folder: int | None = None) -> Iterator[int]:
    """Open a folder for a block."""
    handle = open_folder(path, folder)
    try:
        yield handle
    finally:
        os.close(handle)


def make_folder(name: str, folder: int, *, sync: bool) -> None:
    """Make a folder if it is missing, durably: one that is there may have been made by somebody who did not sync."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=folder)
    if sync:
        os.fsync(folder)


def make_folders(path: str, *, sync: bool) -> None:
    """Make the folder at an absolute path, and those above it, where they are missing, each durably."""
    above, name = os.path.split(path)
    try:
        folder = os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        make_folders(above, sync=sync)
        folder = os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        make_folder(name, folder, sync=sync)
    finally:
        os.close(folder)


def sync_file_system(folder: int) -> None:
    """Make everything durable that was written to the file system of a folder, as syncfs(2) does."""
    if _syncfs(folder) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def remove_tree(name: str, folder: int) -> None:
    """Remove a file, or a folder with all that is in it; on an error some of it is gone already."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        with opened_folder(name, folder) as handle:
            for _ in emptying(handle):
                pass
        os.rmdir(name, dir_fd=folder)


def emptying(folder: int) -> Iterator[None]:
    """Remove all that is in a folder, one thing with each step; on an error some of it is gone already."""
    for name in os.listdir(folder):
        try:
            os.unlink(name, dir_fd=folder)
        except IsADirectoryError:
            with opened_folder(name, folder) as handle:
                yield from emptying(handle)
            os.rmdir(name, dir_fd=folder)
        yield


def exchange(name: str, other: str, folder: int) -> None:
    """Have each of two names in a folder stand for what the other one stood for, at once. The folder is not synced.

    Not every file system can do that (renameat2(2)).
    """
    if not hasattr(_libc, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if _libc.renameat2(folder, os.fsencode(name), folder, os.fsencode(other), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


# Files


def read_file(name: str, folder: int) -> bytes | None:
    """Return what a file holds, or None if there is none. Raises NotAFile for a folder, a symbolic link and so on."""
    try:
        handle = os.open(name, _FILE, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError:
        if stat.S_ISREG(os.lstat(name, dir_fd=folder).st_mode):
            raise
        raise NotAFile from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise NotAFile
        value = os.read(handle, status.st_size + 1)  # one byte more: an answer without it says that this is all
        while len(value) != status.st_size and (more := os.read(handle, 2**20)):
            value += more
        return value
    finally:
        os.close(handle)


def write_new(name: str, folder: int, value: bytes, *, sync: bool) -> None:
    """Write a file under a name that nobody knows of yet. The folder is not synced."""
    handle = os.open(name, _NEW_FILE, 0o600, dir_fd=folder)
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
        _remove_what_is_left(name, folder)
        raise


@contextmanager
def removed_on_error(name: str, folder: int) -> Iterator[None]:
    """Remove a file if a block fails, as far as possible: what is left would take room until the next start."""
    try:
        yield
    except BaseException:
        _remove_what_is_left(name, folder)
        raise


def _remove_what_is_left(name: str, folder: int) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def remove_if_there(name: str, folder: int) -> None:
    """Remove a file. The folder is not synced."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def stands_in(name: str, folder: int) -> bool:
    """Tell whether anything stands under a name, a dangling symbolic link included."""
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True
