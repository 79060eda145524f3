"""Finding, adding and removing names on the simulated disk, within the room that it has."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import NoReturn, TypeAlias

from tests.simulation.nodes import BLOCK, NAMES_IN_A_BLOCK, File, Folder, Link, Naming, Node

LONGEST_NAME = 255
MOST_LINKS = 40

Place: TypeAlias = tuple[Folder, str, Node | None]
"""A folder, a name in it, and what has the name."""


def refuse(number: int, path: str | None = None, other: str | None = None) -> NoReturn:
    """Raise an OSError, as a system call does."""
    if other is not None:
        raise OSError(number, os.strerror(number), path, None, other)
    if path is not None:
        raise OSError(number, os.strerror(number), path)
    raise OSError(number, os.strerror(number))


class Tree:
    """Everything from `/` on, and the room that it occupies.

    The user is none that may do everything: permissions are asked, once `chmod` has changed one.
    """

    def __init__(self, now: Callable[[], int], *, blocks: int | None = None, inodes: int | None = None) -> None:
        """Begin with an empty disk of so many blocks and inodes, without end for None. `now` tells nanoseconds."""
        self.now = now
        self.blocks = blocks
        self.inodes = inodes
        self.used_blocks = 1
        self.used_inodes = 1
        self.is_guarded = False
        """Whether permissions are asked."""
        self.last_number = 1
        self.last_naming = 0
        self.root = Folder(1, 0o755, now())
        self.unsynced: dict[File | Folder, None] = {}
        """What has changes that may not be durable."""

    @property
    def used(self) -> int:
        """Bytes that are occupied."""
        return self.used_blocks * BLOCK

    # Finding

    def find(self, path: str, folder: Folder | None, *, follow: bool, depth: int = 0) -> Place:
        """Return what stands at a path, which is looked for in `folder` if it is relative."""
        if path[:1] == "/":
            here = self.root
        elif folder is None:
            raise AssertionError(f"a path without a folder: {path!r}")
        else:
            here = folder
            if not path:
                refuse(errno.ENOENT, path)
        names = path.split("/")
        last = names.pop()
        is_folder = not last
        while not last and names:  # slashes at the end
            last = names.pop()
        for name in names:
            if name not in ("", "."):
                here = self._enter(here, name, path, depth)
        if self.is_guarded and not here.mode & 0o100:
            refuse(errno.EACCES, path)
        if last in ("", "."):
            return here.parent or here, here.name, here
        if last == "..":
            above = here.parent or here
            return above.parent or above, above.name, above
        node = here.names.get(last)
        if node is None:
            _check_name(last, path)
        elif node.__class__ is Link and (follow or is_folder):
            return self._follow(here, node, path, depth)
        elif is_folder and node.__class__ is not Folder:
            refuse(errno.ENOTDIR, path)
        return here, last, node

    def _enter(self, here: Folder, name: str, path: str, depth: int) -> Folder:
        if self.is_guarded and not here.mode & 0o100:
            refuse(errno.EACCES, path)
        if name == "..":
            return here.parent or here
        node = here.names.get(name)
        if node.__class__ is Link:
            assert isinstance(node, Link)
            node = self._follow(here, node, path, depth)[2]
        if isinstance(node, Folder):
            return node
        if node is None:
            _check_name(name, path)
            refuse(errno.ENOENT, path)
        refuse(errno.ENOTDIR, path)

    def _follow(self, here: Folder, link: Node | None, path: str, depth: int) -> Place:
        assert isinstance(link, Link)
        if depth == MOST_LINKS:
            refuse(errno.ELOOP, path)
        try:
            return self.find(link.target, here, follow=True, depth=depth + 1)
        except OSError as error:
            refuse(error.errno or 0, path)

    def existing(self, path: str, folder: Folder | None, *, follow: bool) -> Node:
        """Return what stands at a path. Raises FileNotFoundError."""
        node = self.find(path, folder, follow=follow)[2]
        if node is None:
            refuse(errno.ENOENT, path)
        return node

    @staticmethod
    def path_of(node: Node) -> str:
        """Return the path of something as it is now, or, if it was removed, as it was."""
        names = []
        here: Node | None = node
        while here is not None and here.parent is not None:
            names.append(here.name)
            here = here.parent
        return "/" + "/".join(reversed(names))

    # Room

    def need_room(self, blocks: int, inodes: int = 0, path: str | None = None) -> None:
        """Raise ENOSPC where there is not so much room."""
        if self.blocks is not None and self.used_blocks + blocks > self.blocks and blocks > 0:
            refuse(errno.ENOSPC, path)
        if self.inodes is not None and self.used_inodes + inodes > self.inodes and inodes > 0:
            refuse(errno.ENOSPC, path)

    def growth(self, folder: Folder) -> int:
        """Return how many blocks a folder grows by with one more name."""
        count = len(folder.names)
        return 1 if count and count % NAMES_IN_A_BLOCK == 0 else 0

    def let_go(self, node: Node) -> None:
        """Give back the room of something that has no name any more and is not open."""
        if node.opened == 0:
            self.used_blocks -= node.blocks
            self.used_inodes -= 1
            if not isinstance(node, Link):
                self.unsynced.pop(node, None)

    # Names

    def may_change(self, folder: Folder, path: str) -> None:
        """Raise EACCES where the names of a folder may not be changed."""
        if self.is_guarded and folder.mode & 0o300 != 0o300:
            refuse(errno.EACCES, path)

    def number(self) -> int:
        """Return an inode number that was never used."""
        self.last_number += 1
        return self.last_number

    def add(self, folder: Folder, name: str, node: Node, path: str) -> None:
        """Give something new a name."""
        if folder.is_removed:
            refuse(errno.ENOENT, path)
        self.may_change(folder, path)
        self.need_room(self.growth(folder) + node.blocks, 1, path)
        self.used_blocks += self.growth(folder) + node.blocks
        self.used_inodes += 1
        self.change((folder, name, node))

    def remove(self, folder: Folder, name: str, node: Node, path: str) -> None:
        """Take a name away."""
        self.may_change(folder, path)
        self.change((folder, name, None))
        self.used_blocks -= self.growth(folder)
        if isinstance(node, Folder):
            node.is_removed = True
        self.let_go(node)

    def change(self, *entries: tuple[Folder, str, Node | None]) -> None:
        """Change names, in one step."""
        self.last_naming += 1
        Naming(self.last_naming, entries)
        now = self.now()
        for folder, _, _ in entries:
            folder.modified = now
            self.unsynced[folder] = None

    def move(self, old: Place, new: Place, old_path: str, new_path: str) -> None:
        """Rename, over what the new name has if that is possible; see rename(2)."""
        (old_folder, old_name, node), (new_folder, new_name, there) = old, new
        if node is None:
            refuse(errno.ENOENT, old_path, new_path)
        if isinstance(node, Folder) and _is_in(new_folder, node):
            refuse(errno.EINVAL, old_path, new_path)
        if there is not None and isinstance(there, Folder) and _is_in(old_folder, there):
            refuse(errno.ENOTEMPTY, old_path, new_path)
        if there is node:
            return
        if new_folder.is_removed:
            refuse(errno.ENOENT, old_path, new_path)
        self.may_change(old_folder, old_path)
        self.may_change(new_folder, new_path)
        if isinstance(node, Folder) and there is not None and not isinstance(there, Folder):
            refuse(errno.ENOTDIR, old_path, new_path)
        if isinstance(there, Folder):
            if not isinstance(node, Folder):
                refuse(errno.EISDIR, old_path, new_path)
            if self.is_guarded and not node.mode & 0o200 and old_folder is not new_folder:
                refuse(errno.EACCES, old_path, new_path)
            if there.names:
                refuse(errno.ENOTEMPTY, old_path, new_path)
        elif self.is_guarded and isinstance(node, Folder) and not node.mode & 0o200 and old_folder is not new_folder:
            refuse(errno.EACCES, old_path, new_path)
        before = old_folder.blocks + (new_folder.blocks if new_folder is not old_folder else 0)
        if there is None and new_folder is not old_folder:
            self.need_room(self.growth(new_folder), 0, new_path)
        self.change((old_folder, old_name, None), (new_folder, new_name, node))
        after = old_folder.blocks + (new_folder.blocks if new_folder is not old_folder else 0)
        self.used_blocks += after - before
        if there is not None:
            if isinstance(there, Folder):
                there.is_removed = True
            self.let_go(there)


def _is_in(folder: Folder, above: Folder) -> bool:
    here: Folder | None = folder
    while here is not None:
        if here is above:
            return True
        here = here.parent
    return False


def _check_name(name: str, path: str) -> None:
    """Refuse a name that no file can have. Asked only where none has it."""
    if "\0" in name:
        raise ValueError("embedded null byte")
    if len(name) > LONGEST_NAME // 4 and len(os.fsencode(name)) > LONGEST_NAME:
        refuse(errno.ENAMETOOLONG, path)
    if not name.isascii():
        os.fsencode(name)
