"""What somebody does to a disk who may do everything, and whose changes are durable at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulation.disk import Disk
from tests.simulation.machine import Machine
from tests.simulation.nodes import File, Folder


class Person:
    """Changes the disk that a machine has at the time."""

    def __init__(self, machine: Machine) -> None:
        """Have moved nothing away."""
        self._machine = machine
        self.count = 0
        """Of names that are new."""

    @property
    def disk(self) -> Disk:
        """The disk as it is now."""
        return self._machine.disk

    @contextmanager
    def as_somebody_else(self) -> Iterator[None]:
        """Do something as a user who may do everything, and for whom there is room."""
        disk = self.disk
        before = disk.blocks, disk.inodes, disk.is_guarded
        disk.blocks, disk.inodes, disk.is_guarded = None, None, False
        yield
        disk.blocks, disk.inodes, disk.is_guarded = before
        if disk.blocks is not None:  # what it took was there: nothing is ever fuller than full
            disk.blocks = max(disk.blocks, disk.used_blocks)
        if disk.inodes is not None:
            disk.inodes = max(disk.inodes, disk.used_inodes)

    def find(self, path: str) -> object:
        """Return what stands at a path, or None."""
        try:
            return self.disk.find(path, None, follow=False)[2]
        except OSError:
            return None

    def sync(self, *paths: str) -> None:
        """Make the names in folders durable."""
        for path in paths:
            node = self.find(path)
            assert isinstance(node, Folder)
            node.sync()

    def move_away(self, path: str) -> str:
        """Move something out of the store, and return where it is kept."""
        if self.find("/elsewhere") is None:
            self.disk.mkdir("/elsewhere")
            self.sync("/")
        self.count += 1
        kept = f"/elsewhere/{self.count}"
        self.disk.rename(path, kept)
        self.sync("/elsewhere")
        return kept

    def put_file(self, path: str) -> None:
        """Put an empty file in a place."""
        self.disk.close(self.disk.open(path, os.O_WRONLY | os.O_CREAT))

    def remove(self, folder: Folder) -> None:
        """Remove a folder with all that is in it."""
        for name, node in list(folder.names.items()):
            if isinstance(node, Folder):
                self.remove(node)
            else:
                self.disk.remove(folder, name, node, name)
        above = folder.parent
        assert above is not None
        self.disk.remove(above, folder.name, folder, folder.name)
        folder.sync()
        above.sync()


def rot(file: File) -> None:
    """Change a byte so that what the file holds is no JSON any more, and no seal is whole."""
    if file.data:
        place = len(file.data) // 2
        before = file.data[place]
        file.data[place] = 0xFF if place % 3 else 0
        if file.data[place] == before:
            file.data[place] ^= 1


def all_folders(folder: Folder) -> list[Folder]:
    """Return a folder and all that are in it."""
    found = [folder]
    for each in found:
        found += [node for node in each.names.values() if isinstance(node, Folder)]
    return found
