"""What calls of `os` hand out: entries of a folder, and what is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Self

from tests.simulation.nodes import File, Folder, Link, Node


class Entry:
    """As os.DirEntry."""

    __slots__ = ("_node", "_system", "name", "path")

    def __init__(self, system: Any, name: str, path: str, node: Node) -> None:
        """Speak of one name in a folder."""
        self._system = system
        self.name = name
        self.path = path
        self._node = node

    def __fspath__(self) -> str:
        """Return the path, as os.fspath asks for it."""
        return self.path

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """As there."""
        if isinstance(self._node, Link) and follow_symlinks:
            return bool(self._system.path.isdir(self.path))
        return isinstance(self._node, Folder)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """As there."""
        if isinstance(self._node, Link) and follow_symlinks:
            return bool(self._system.path.isfile(self.path))
        return isinstance(self._node, File)

    def is_symlink(self) -> bool:
        """As there."""
        return isinstance(self._node, Link)

    def inode(self) -> int:
        """As there."""
        return self._node.number

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """As there."""
        if "/" in self.path:
            status: os.stat_result = self._system.stat(self.path, follow_symlinks=follow_symlinks)
        else:
            status = self._system._status(self._node)
        return status


class Scan:
    """As what os.scandir returns."""

    def __init__(self, entries: list[Entry]) -> None:
        """Give out entries."""
        self._entries = iter(entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Entry]:
        return self

    def __next__(self) -> Entry:
        return next(self._entries)

    def close(self) -> None:
        """As there."""
        self._entries = iter(())


class Opened:
    """As what os.fdopen returns without a buffer."""

    def __init__(self, system: Any, handle: int) -> None:
        """Own a descriptor."""
        self._system = system
        self._handle = handle
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def fileno(self) -> int:
        """As there."""
        return self._handle

    def read(self, size: int = -1) -> bytes:
        """As there: with no size, until the end."""
        if size >= 0:
            data: bytes = self._system.read(self._handle, size)
            return data
        parts = []
        while part := self._system.read(self._handle, 2**20):
            parts.append(part)
        return b"".join(parts)

    readall = read

    def write(self, data: bytes) -> int:
        """As there."""
        written: int = self._system.write(self._handle, data)
        return written

    def close(self) -> None:
        """As there."""
        if not self.closed:
            self.closed = True
            self._system.close(self._handle)
