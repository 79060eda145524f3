"""The calls about what files hold: open, read, write, sync. Words and errors are those of the module `os`."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Any

from tests.simulation.nodes import BLOCK, File, Folder, Link, Node
from tests.simulation.tree import Tree, refuse

FIRST_DESCRIPTOR = 1000
"""Far from the real ones, so that one that is given to the wrong side is noticed."""

UMASK = 0o022

_WRITES = (os.O_WRONLY, os.O_RDWR)


class Descriptor:
    """Something that is open."""

    __slots__ = ("flags", "node", "position")

    def __init__(self, node: Node, flags: int) -> None:
        """Begin at the first byte."""
        self.node = node
        self.flags = flags
        self.position = 0


class Contents(Tree):
    """The calls, each under the name that `os` has for it."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        """See Tree."""
        super().__init__(*arguments, **more)
        self.descriptors: dict[int, Descriptor] = {}
        self._free: list[int] = []

    # Descriptors

    def _hand_out(self, node: Node, flags: int) -> int:
        number = self._free.pop() if self._free else FIRST_DESCRIPTOR + len(self.descriptors)
        self.descriptors[number] = Descriptor(node, flags)
        node.opened += 1
        return number

    def _opened(self, handle: int) -> Descriptor:
        found = self.descriptors.get(handle)
        if found is None:
            refuse(errno.EBADF)
        return found

    def _usable(self, handle: int) -> Descriptor:
        """Return something that is open for more than its path."""
        opened = self._opened(handle)
        if opened.flags & os.O_PATH:
            refuse(errno.EBADF)
        return opened

    def _folder(self, handle: int | None) -> Folder | None:
        if handle is None:
            return None
        node = self._opened(handle).node
        if not isinstance(node, Folder):
            refuse(errno.ENOTDIR)
        return node

    def _file(self, handle: int, *, to_write: bool) -> tuple[Descriptor, File]:
        opened = self._usable(handle)
        mode = opened.flags & os.O_ACCMODE
        if (to_write and mode not in _WRITES) or (not to_write and mode == os.O_WRONLY):
            refuse(errno.EBADF)
        node = opened.node
        if not isinstance(node, File):
            refuse(errno.EISDIR)
        return opened, node

    def open(self, path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        makes = flags & os.O_CREAT
        is_new = makes and flags & os.O_EXCL
        parent, name, node = self.find(path, self._folder(dir_fd), follow=not (flags & os.O_NOFOLLOW or is_new))
        if node is None:
            if not makes:
                refuse(errno.ENOENT, path)
            if path.endswith("/"):
                refuse(errno.EISDIR, path)
            node = File(self.number(), mode & ~UMASK, self.now())
            self.add(parent, name, node, path)
            return self._hand_out(node, flags)
        if is_new:
            refuse(errno.EEXIST, path)
        if flags & os.O_DIRECTORY and not isinstance(node, Folder):
            refuse(errno.ENOTDIR, path)
        if isinstance(node, Link) and not flags & os.O_PATH:
            refuse(errno.ELOOP, path)
        to_write = flags & os.O_ACCMODE in _WRITES
        if isinstance(node, Folder) and (to_write or makes or flags & os.O_TRUNC):
            refuse(errno.EISDIR, path)
        if self.is_guarded and not flags & os.O_PATH:
            wanted = {os.O_RDONLY: 0o400, os.O_WRONLY: 0o200, os.O_RDWR: 0o600}[flags & os.O_ACCMODE]
            if node.mode & wanted != wanted:
                refuse(errno.EACCES, path)
        if flags & os.O_TRUNC and isinstance(node, File):
            self._resize(node, 0)
        return self._hand_out(node, flags)

    def close(self, handle: int) -> None:
        node = self._opened(handle).node
        del self.descriptors[handle]
        self._free.append(handle)
        node.opened -= 1
        if isinstance(node, File) and node.lock == handle:
            node.lock = None
        if node.opened == 0 and node.parent is not None and node.parent.names.get(node.name) is not node:
            self.let_go(node)

    def flock(self, handle: int, *, exclusive: bool) -> None:
        node = self._opened(handle).node
        assert isinstance(node, File), "only files are locked here"
        if exclusive and node.lock not in (None, handle):
            refuse(errno.EWOULDBLOCK)
        node.lock = handle if exclusive else None

    # Reading

    def read(self, handle: int, size: int) -> bytes:
        opened, file = self._file(handle, to_write=False)
        data = bytes(file.data[opened.position : opened.position + size])
        opened.position += len(data)
        return data

    def pread(self, handle: int, size: int, offset: int) -> bytes:
        return bytes(self._file(handle, to_write=False)[1].data[offset : offset + size])

    def lseek(self, handle: int, offset: int, whence: int) -> int:
        opened = self._usable(handle)
        size = len(opened.node.data) if isinstance(opened.node, File) else 0
        position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: opened.position, os.SEEK_END: size}[whence]
        if position < 0:
            refuse(errno.EINVAL)
        opened.position = position
        return position

    # Writing

    def write(self, handle: int, data: bytes) -> int:
        opened, file = self._file(handle, to_write=True)
        opened.position = _offset(opened, file, opened.position)
        written = self._write(file, opened.position, bytes(data))
        opened.position += written
        if opened.flags & os.O_DSYNC:
            file.sync()
        return written

    def pwrite(self, handle: int, data: bytes, offset: int) -> int:
        opened, file = self._file(handle, to_write=True)
        return self._write(file, _offset(opened, file, offset), bytes(data))

    def pwritev(self, handle: int, buffers: Sequence[bytes], offset: int, flags: int = 0) -> int:
        opened, file = self._file(handle, to_write=True)
        offset = _offset(opened, file, offset)
        written = self._write(file, offset, b"".join(buffers))
        if flags & os.RWF_DSYNC:
            file.sync_range(offset, offset + written)
        return written

    def _write(self, file: File, offset: int, data: bytes) -> int:
        if not data:
            return 0
        missing = file.missing_blocks(offset, offset + len(data))
        if missing:
            if self.blocks is not None and self.used_blocks + missing > self.blocks:
                data = self._what_fits(file, offset, data)
                missing = file.missing_blocks(offset, offset + len(data))
            self.used_blocks += missing
            file.occupy(offset, offset + len(data))
        file.write(offset, data)
        file.modified = self.now()
        self.unsynced[file] = None
        return len(data)

    def _what_fits(self, file: File, offset: int, data: bytes) -> bytes:
        """Return the part of data for which there is room: a write on a full disk is a short one at first."""
        assert self.blocks is not None
        end = offset
        for start in range(offset - offset % BLOCK, offset + len(data), BLOCK):
            if self.used_blocks + file.missing_blocks(offset, start + 1) > self.blocks:
                break
            end = start + BLOCK
        if end <= offset:
            refuse(errno.ENOSPC)
        return data[: end - offset]

    def ftruncate(self, handle: int, size: int) -> None:
        opened = self._usable(handle)
        if not isinstance(opened.node, File) or opened.flags & os.O_ACCMODE not in _WRITES:
            refuse(errno.EINVAL)
        self._resize(opened.node, size)

    def truncate(self, path: str, size: int) -> None:
        node = self.existing(path, None, follow=True)
        if not isinstance(node, File):
            refuse(errno.EISDIR, path)
        if self.is_guarded and not node.mode & 0o200:
            refuse(errno.EACCES, path)
        self._resize(node, size)

    def _resize(self, file: File, size: int) -> None:
        if size == len(file.data):
            return
        before = file.blocks
        if size < len(file.data):
            file.release(size)
        file.resize(size)
        self.used_blocks += file.blocks - before
        file.modified = self.now()
        self.unsynced[file] = None

    def posix_fallocate(self, handle: int, offset: int, size: int) -> None:
        file = self._file(handle, to_write=True)[1]
        end = offset + size
        missing = file.missing_blocks(offset, end)
        self.need_room(missing)
        self.used_blocks += missing
        file.occupy(offset, end)
        if end > len(file.data):
            file.resize(end)
            self.unsynced[file] = None

    # Syncing

    def fsync(self, handle: int) -> None:
        self._sync(self._usable(handle).node)

    fdatasync = fsync

    def _sync(self, node: Node) -> None:
        if not isinstance(node, Link):
            node.sync()
            self.unsynced.pop(node, None)

    def fail_to_sync(self, handle: int) -> None:
        """Have what is not durable of a file never become so, as after a failed fsync(2)."""
        node = self._opened(handle).node
        if isinstance(node, File):
            node.fail_to_sync()

    def sync_all(self, _: object = None) -> None:
        """Make everything durable, as sync(2) and syncfs(2) do; the latter is given something that is open."""
        for node in self.unsynced:
            node.sync()
        self.unsynced.clear()


def _offset(opened: Descriptor, file: File, offset: int) -> int:
    """Return where something is written: with O_APPEND at the end, whatever is asked for (pwrite(2), "Bugs")."""
    return len(file.data) if opened.flags & os.O_APPEND else offset
