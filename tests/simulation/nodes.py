"""What lies on the simulated disk, and what of it is durable.

A file knows the writes that are not synced yet, each with what it wrote over, so a sync costs nothing: it forgets them.
A folder has its names twice, as they are and as they are durable.
"""

from __future__ import annotations

import stat
from random import Random
from typing import TypeAlias

from tests.simulation.writes import Written, redo, redo_some, resize, undo

BLOCK = 4096
"""Bytes of which a file occupies whole numbers."""

NAMES_IN_A_BLOCK = 64


class File:
    """A regular file."""

    __slots__ = (
        "changes",
        "data",
        "further",
        "leading",
        "lock",
        "mode",
        "modified",
        "name",
        "number",
        "opened",
        "parent",
    )

    kind = stat.S_IFREG

    def __init__(self, number: int, mode: int, modified: int) -> None:
        """Begin with an empty one, which no folder has yet."""
        self.number = number
        self.mode = mode
        self.modified = modified
        self.name = ""
        self.parent: Folder | None = None
        self.opened = 0
        self.lock: object = None
        self.data = bytearray()
        self.changes: list[Written] = []
        self.leading = 0
        """Blocks from its beginning on that it occupies."""
        self.further: set[int] = set()
        """Blocks behind a hole that it occupies."""

    @property
    def blocks(self) -> int:
        """Blocks that it occupies."""
        return self.leading + len(self.further)

    def missing_blocks(self, offset: int, end: int) -> int:
        """Return how many blocks a write would add."""
        first, last = offset // BLOCK, -(-end // BLOCK)
        if last <= self.leading:
            return 0
        wanted = range(max(first, self.leading), last)
        return len(wanted) - sum(block in self.further for block in wanted) if self.further else len(wanted)

    def occupy(self, offset: int, end: int) -> None:
        """Note that blocks are occupied."""
        first, last = offset // BLOCK, -(-end // BLOCK)
        if first <= self.leading:
            self.leading = max(self.leading, last)
        else:
            self.further.update(range(first, last))
        if self.further:
            while self.leading in self.further:
                self.leading += 1
            self.further = {block for block in self.further if block >= self.leading}

    def release(self, size: int) -> None:
        """Note that what lies behind `size` is not occupied any more."""
        last = -(-size // BLOCK)
        self.leading = min(self.leading, last)
        if self.further:
            self.further = {block for block in self.further if block < last}

    def write(self, offset: int, data: bytes) -> None:
        """Write some bytes, which are not durable yet."""
        content = self.data
        size = len(content)
        end = offset + len(data)
        self.changes.append(Written(offset, bytes(content[offset:end]), data, size))
        if offset > size:
            content.extend(bytes(offset - size))
        content[offset:end] = data

    def resize(self, size: int) -> None:
        """Cut off bytes, or add zeros."""
        content = self.data
        self.changes.append(Written(size, bytes(content[size:]), None, len(content)))
        resize(content, size)

    def sync(self) -> None:
        """Make all of it durable, but for what an earlier sync failed to."""
        if self.changes and any(change.is_lost for change in self.changes):
            for change in self.changes:
                change.is_kept = not change.is_lost
        else:
            self.changes.clear()

    def sync_range(self, offset: int, end: int) -> None:
        """Make the bytes of a range durable, as a write with RWF_DSYNC does: what was written elsewhere is not."""
        changes = self.changes
        if len(changes) == 1 and not changes[0].is_lost:
            changes.clear()
            return
        for change in changes:
            length = len(change.after) if change.after is not None else 0
            if change.offset < end and change.offset + length > offset and not change.is_lost:
                change.is_kept = True
        if all(change.is_kept for change in changes):
            changes.clear()

    def fail_to_sync(self) -> None:
        """Have what is not durable never become so."""
        for change in self.changes:
            change.is_lost = not change.is_kept

    def remains(self, random: Random | None, share: float) -> bytes:
        """Return what a power cut leaves; `random` is None where nothing survives that was not synced.

        Else a change survives with the probability `share`, or some of its sectors do.
        """
        if not self.changes:
            return bytes(self.data)
        data = bytearray(self.data)
        for change in reversed(self.changes):
            undo(data, change)
        for change in self.changes:
            if change.is_kept:
                redo(data, change)
            elif random is not None:
                redo_some(data, change, random, share)
        return bytes(data)


class Link:
    """A symbolic link."""

    __slots__ = ("mode", "modified", "name", "number", "opened", "parent", "target")

    kind = stat.S_IFLNK
    blocks = 0

    def __init__(self, number: int, target: str, modified: int) -> None:
        """Point at `target`."""
        self.number = number
        self.target = target
        self.mode = 0o777
        self.modified = modified
        self.name = ""
        self.parent: Folder | None = None
        self.opened = 0


class Folder:
    """A folder: its names as they are, and as they are durable."""

    __slots__ = (
        "durable",
        "durable_since",
        "is_removed",
        "mode",
        "modified",
        "name",
        "names",
        "number",
        "opened",
        "parent",
        "unsynced",
    )

    kind = stat.S_IFDIR

    def __init__(self, number: int, mode: int, modified: int) -> None:
        """Begin with an empty one, which no other folder has yet."""
        self.number = number
        self.mode = mode
        self.modified = modified
        self.name = ""
        self.parent: Folder | None = None
        self.opened = 0
        self.is_removed = False
        self.names: dict[str, Node] = {}
        self.durable: dict[str, Node] = {}
        self.durable_since: dict[str, int] = {}
        """The number of the latest durable change of each name: one before it changes nothing any more."""
        self.unsynced: list[Naming] = []

    @property
    def blocks(self) -> int:
        """Blocks that it occupies."""
        return max(1, -(-len(self.names) // NAMES_IN_A_BLOCK))

    def sync(self) -> None:
        """Make all names durable."""
        for naming in self.unsynced:
            naming.make_durable()
        self.unsynced = []


Node: TypeAlias = File | Folder | Link


class Naming:
    """One change of names. A rename changes two folders and is one change, never half of it (rename(2))."""

    __slots__ = ("entries", "is_durable", "number")

    def __init__(self, number: int, entries: tuple[tuple[Folder, str, Node | None], ...]) -> None:
        """Make the change, which is not durable yet. None stands for a name that goes."""
        self.number = number
        self.entries = entries
        self.is_durable = False
        for folder, name, node in entries:
            folder.names.pop(name, None)
            if node is not None:
                folder.names[name] = node
                node.name, node.parent = name, folder
            folder.unsynced.append(self)

    def make_durable(self) -> None:
        """Write it to the disk, if it is not there yet."""
        if self.is_durable:
            return
        self.is_durable = True
        if len(self.entries) > 1:
            self._make_way()
        for folder, name, node in self.entries:
            self.put(folder, name, node)

    def put(self, folder: Folder, name: str, node: Node | None) -> None:
        """Change a durable name, unless that was changed by what came after this."""
        if folder.durable_since.get(name, 0) > self.number:
            return
        folder.durable_since[name] = self.number
        folder.durable.pop(name, None)
        if node is not None:
            folder.durable[name] = node

    def _make_way(self) -> None:
        """Make the folder durable that something moves into, if it was made before.

        No file system that we know loses what was moved into a new folder: they write changes of names in their order.
        """
        folder = self.entries[-1][0]
        while (parent := folder.parent) is not None:
            if parent.durable.get(folder.name) is not folder:
                for naming in parent.unsynced:
                    if naming.number < self.number:
                        naming.make_durable()
            folder = parent
