"""A file system in memory: the system calls that a store makes, with the words and the errors of the module `os`.

Every call is made of pure Python and acts at once. Whoever wants faults, crashes and other threads between the calls
puts them there; see `machine`.
"""

from __future__ import annotations

import errno
import os
import stat

from tests.simulation.contents import UMASK, Contents
from tests.simulation.nodes import BLOCK, File, Folder, Link, Node
from tests.simulation.tree import refuse

DEVICE = 77
USER, USERS = 1000, 1000


class Disk(Contents):
    """The calls about names, each under the name that `os` has for it, beside those about contents."""

    def mkdir(self, path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        parent, name, node = self.find(path, self._folder(dir_fd), follow=False)
        if node is not None:
            refuse(errno.EEXIST, path)
        self.add(parent, name, Folder(self.number(), mode & ~UMASK, self.now()), path)

    def symlink(self, target: str, path: str, *, dir_fd: int | None = None) -> None:
        parent, name, node = self.find(path, self._folder(dir_fd), follow=False)
        if node is not None:
            refuse(errno.EEXIST, target, path)
        self.add(parent, name, Link(self.number(), target, self.now()), path)

    def readlink(self, path: str, *, dir_fd: int | None = None) -> str:
        node = self.existing(path, self._folder(dir_fd), follow=False)
        if not isinstance(node, Link):
            refuse(errno.EINVAL, path)
        return node.target

    def unlink(self, path: str, *, dir_fd: int | None = None) -> None:
        parent, name, node = self.find(path, self._folder(dir_fd), follow=False)
        if node is None:
            refuse(errno.ENOENT, path)
        self.may_change(parent, path)
        if isinstance(node, Folder):
            refuse(errno.EISDIR, path)
        self.remove(parent, name, node, path)

    def rmdir(self, path: str, *, dir_fd: int | None = None) -> None:
        parent, name, node = self.find(path, self._folder(dir_fd), follow=False)
        if node is None:
            refuse(errno.ENOENT, path)
        if _ends_in_dots(path):
            refuse(errno.ENOTEMPTY if path.endswith("..") else errno.EINVAL, path)
        if not isinstance(node, Folder):
            refuse(errno.ENOTDIR, path)
        self.may_change(parent, path)
        if node.names:
            refuse(errno.ENOTEMPTY, path)
        if node is self.root:
            refuse(errno.EBUSY, path)
        self.remove(parent, name, node, path)

    def rename(self, old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        source = self.find(old, self._folder(src_dir_fd), follow=False)
        target = self.find(new, self._folder(dst_dir_fd), follow=False)
        if _ends_in_dots(old) or _ends_in_dots(new):
            refuse(errno.EBUSY, old, new)
        self.move(source, target, old, new)

    replace = rename

    # Looking

    def listdir(self, path: str | int) -> list[str]:
        return list(self.names_in(path))

    def names_in(self, path: str | int) -> dict[str, Node]:
        """Return what is in a folder, by its names."""
        node = self._usable(path).node if isinstance(path, int) else self.existing(path, None, follow=True)
        shown = None if isinstance(path, int) else path
        if not isinstance(node, Folder):
            refuse(errno.ENOTDIR, shown)
        if self.is_guarded and not node.mode & 0o400 and shown is not None:
            refuse(errno.EACCES, shown)
        return node.names

    def stat(self, path: str | int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        if isinstance(path, int):
            return self.status(self._opened(path).node)
        return self.status(self.existing(path, self._folder(dir_fd), follow=follow_symlinks))

    def status(self, node: Node) -> os.stat_result:
        """Return what stat(2) tells."""
        size = (
            len(node.data)
            if isinstance(node, File)
            else BLOCK
            if isinstance(node, Folder)
            else len(node.target.encode())
        )
        links = 2 if isinstance(node, Folder) else 1
        if node.parent is not None and node.parent.names.get(node.name) is not node:
            links = 0
        seconds = node.modified // 10**9
        fields = (node.kind | node.mode, node.number, DEVICE, links, USER, USERS, size, *[seconds] * 3)
        times = {f"st_{name}time_ns": node.modified for name in "amc"}
        return os.stat_result(fields, {**times, "st_blocks": node.blocks * (BLOCK // 512), "st_blksize": BLOCK})

    def chmod(self, path: str | int, mode: int, *, dir_fd: int | None = None) -> None:
        if isinstance(path, int):
            node = self._opened(path).node
        else:
            node = self.existing(path, self._folder(dir_fd), follow=True)
        node.mode = stat.S_IMODE(mode)
        self.is_guarded = True

    def statvfs(self, path: str | int) -> os.statvfs_result:
        if isinstance(path, int):
            self._opened(path)
        else:
            self.existing(path, None, follow=True)
        blocks = self.blocks if self.blocks is not None else 2**30
        inodes = self.inodes if self.inodes is not None else 2**30
        free, free_inodes = max(0, blocks - self.used_blocks), max(0, inodes - self.used_inodes)
        figures = (BLOCK, BLOCK, blocks, free, free, inodes, free_inodes, free_inodes, 0, 255)
        return os.statvfs_result(figures)


def _ends_in_dots(path: str) -> bool:
    return path.rstrip("/").rpartition("/")[2] in (".", "..")
