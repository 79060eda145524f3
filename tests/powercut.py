"""A file system that forgets: records the system calls of a program, and gives back what a crash after each leaves.

What a crash may leave, in the order of how much it forgets:

    kill        everything that was written: the process died, the machine did not
    power cut   only what was synced: data by fsync or RWF_DSYNC of the file, names by fsync of their folder
    torn        anything between the two: some of the unsynced writes, the first half of one, some of the unsynced names

A name that was synced may stand for a file whose data was not: the file is then empty, as POSIX allows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sessionworker.stores import disk


@dataclass
class File:
    """A file's bytes, on the disk and in memory."""

    durable: bytearray = field(default_factory=bytearray)
    cached: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes]] = field(default_factory=list)

    def write(self, offset: int, data: bytes) -> None:
        _put(self.cached, offset, data)
        self.unsynced.append((offset, data))

    def truncate(self, size: int) -> None:
        del self.cached[size:]
        self.cached.extend(bytes(size - len(self.cached)))

    def sync(self) -> None:
        self.durable = bytearray(self.cached)
        self.unsynced = []


@dataclass(eq=False)
class Naming:
    """One change of names; a rename is one change of two folders, never half of it (rename(2))."""

    entries: list[tuple[Folder, str, File | Folder | None]]
    is_synced: bool = False


@dataclass(eq=False)
class Folder:
    """A folder's names, on the disk and in memory."""

    durable: dict[str, File | Folder] = field(default_factory=dict)
    cached: dict[str, File | Folder] = field(default_factory=dict)
    unsynced: list[Naming] = field(default_factory=list)

    def sync(self) -> None:
        for naming in self.unsynced:
            if not naming.is_synced:
                naming.is_synced = True
                for folder, name, node in naming.entries:
                    _set(folder.durable, name, node)
        self.unsynced = []


def _set(names: dict[str, File | Folder], name: str, node: File | Folder | None) -> None:
    names.pop(name, None)
    if node is not None:
        names[name] = node


Operation = tuple[Any, ...]


class Disk:
    """The state that a sequence of recorded operations leads to."""

    def __init__(self, root: Path) -> None:
        self.root = Folder()
        self._path = str(root)
        self._files: dict[int, File] = {}

    def do(self, operation: Operation) -> None:
        match operation:
            case ("mkdir", path):
                self._link(path, Folder())
            case ("create", path, number):
                self._files[number] = File()
                self._link(path, self._files[number])
            case ("truncate", number, size):
                self._files[number].truncate(size)
            case ("write", number, offset, data, is_synced):
                self._files[number].write(offset, data)
                if is_synced:
                    self._files[number].sync()
            case ("sync", number):
                self._files[number].sync()
            case ("sync folder", path):
                folder = self._find(path)
                assert isinstance(folder, Folder)
                folder.sync()
            case ("sync all",):
                for each in _folders(self.root):
                    each.sync()
                for file in self._files.values():
                    file.sync()
            case ("unlink" | "rmdir", path):
                self._name((*self._parent(path), None))
            case ("rename", old, new):
                node = self._find(old)
                self._name((*self._parent(old), None), (*self._parent(new), node))
            case ("acknowledged", _):
                pass
            case _:
                raise AssertionError(operation)

    def _link(self, path: str, node: File | Folder) -> None:
        self._name((*self._parent(path), node))

    def _name(self, *entries: tuple[Folder, str, File | Folder | None]) -> None:
        naming = Naming(list(entries))
        for folder, name, node in entries:
            _set(folder.cached, name, node)
            folder.unsynced.append(naming)

    def _parent(self, path: str) -> tuple[Folder, str]:
        folder = self._find(os.path.dirname(path))
        assert isinstance(folder, Folder)
        return folder, os.path.basename(path)

    def _find(self, path: str) -> File | Folder:
        node: File | Folder = self.root
        for name in Path(path).relative_to(self._path).parts:
            assert isinstance(node, Folder)
            node = node.cached[name]
        return node

    def leave(self, target: Path, how: str, random: Random) -> None:
        """Write to `target` what a crash leaves now."""
        survivors: set[Naming] = set()
        if how == "torn":
            for folder in _folders(self.root):
                survivors.update(folder.unsynced[: random.randrange(len(folder.unsynced) + 1)])
        _leave(self.root, target, how, random, survivors)


def _folders(folder: Folder) -> Iterator[Folder]:
    yield folder
    for node in folder.cached.values():
        if isinstance(node, Folder):
            yield from _folders(node)


def _leave(folder: Folder, target: Path, how: str, random: Random, survivors: set[Naming]) -> None:
    target.mkdir(exist_ok=True)
    names = dict(folder.cached if how == "kill" else folder.durable)
    for naming in folder.unsynced:
        if naming in survivors and not naming.is_synced:
            for changed, name, node in naming.entries:
                if changed is folder:
                    _set(names, name, node)
    for name, node in names.items():
        if isinstance(node, Folder):
            _leave(node, target / name, how, random, survivors)
        else:
            (target / name).write_bytes(_remains(node, how, random))


def _remains(file: File, how: str, random: Random) -> bytes:
    if how == "kill":
        return bytes(file.cached)
    remains = bytearray(file.durable)
    if how == "torn":
        for offset, data in file.unsynced:
            if random.random() < 0.5:
                _put(remains, offset, data[: random.randrange(len(data) + 1)])
    return bytes(remains)


def _put(data: bytearray, offset: int, more: bytes) -> None:
    data.extend(bytes(max(0, offset - len(data))))
    data[offset : offset + len(more)] = more


@contextmanager
def recording(root: Path, monkeypatch: Any) -> Iterator[list[Operation]]:
    """Record what is done to files below `root` by this thread's calls of the `os` module."""
    operations: list[Operation] = []
    numbers: dict[str, int] = {}  # of each path
    handles: dict[int, tuple[str, int | None]] = {}
    positions: dict[int, int] = {}
    real = {name: getattr(os, name) for name in _RECORDED}

    def inside(path: Any) -> bool:
        return str(path).startswith(f"{root}/") or str(path) == str(root)

    def open_(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        existed = os.path.exists(path)
        handle: int = real["open"](path, flags, mode, **more)
        if inside(path):
            name = str(path)
            if os.path.isdir(name):
                handles[handle] = (name, None)
            else:
                if not existed:
                    numbers[name] = len(operations)
                    operations.append(("create", name, numbers[name]))
                elif flags & os.O_TRUNC:
                    operations.append(("truncate", numbers[name], 0))
                handles[handle] = (name, numbers[name])
                positions[handle] = 0
        return handle

    def close(handle: int) -> None:
        handles.pop(handle, None)
        real["close"](handle)

    def write(handle: int, data: Any) -> int:
        written: int = real["write"](handle, data)
        if handle in handles:
            operations.append(("write", handles[handle][1], positions[handle], bytes(data)[:written], False))
            positions[handle] += written
        return written

    def pwrite(handle: int, data: Any, offset: int) -> int:
        written: int = real["pwrite"](handle, data, offset)
        if handle in handles:
            operations.append(("write", handles[handle][1], offset, bytes(data)[:written], False))
        return written

    def pwritev(handle: int, buffers: Any, offset: int, flags: int = 0) -> int:
        written: int = real["pwritev"](handle, buffers, offset, flags)
        if handle in handles:
            data = b"".join(buffers)[:written]
            # Two steps: a cut between them leaves a part of the data at most.
            operations.append(("write", handles[handle][1], offset, data, False))
            if flags & os.RWF_DSYNC:
                operations.append(("sync", handles[handle][1]))
        return written

    def sync(name: str) -> Callable[[int], None]:
        def call(handle: int) -> None:
            real[name](handle)
            if handle in handles:
                path, number = handles[handle]
                operations.append(("sync folder", path) if number is None else ("sync", number))

        return call

    def ftruncate(handle: int, size: int) -> None:
        real["ftruncate"](handle, size)
        if handle in handles:
            operations.append(("truncate", handles[handle][1], size))

    def mkdir(path: Any, mode: int = 0o777, **more: Any) -> None:
        real["mkdir"](path, mode, **more)
        if inside(path):
            operations.append(("mkdir", str(path)))

    def unlink(path: Any, **more: Any) -> None:
        real["unlink"](path, **more)
        if inside(path):
            numbers.pop(str(path), None)
            operations.append(("unlink", str(path)))

    def rmdir(path: Any, **more: Any) -> None:
        real["rmdir"](path, **more)
        if inside(path):
            operations.append(("rmdir", str(path)))

    def rename(old: Any, new: Any, **more: Any) -> None:
        real["rename"](old, new, **more)
        if inside(old):
            old, new = str(old), str(new)
            for path in [name for name in numbers if name == old or name.startswith(f"{old}/")]:
                numbers[new + path[len(old) :]] = numbers.pop(path)
            operations.append(("rename", old, new))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_)
        patch.setattr(os, "close", close)
        patch.setattr(os, "write", write)
        patch.setattr(os, "pwrite", pwrite)
        patch.setattr(os, "pwritev", pwritev)
        patch.setattr(os, "fsync", sync("fsync"))
        patch.setattr(os, "fdatasync", sync("fdatasync"))
        patch.setattr(os, "ftruncate", ftruncate)
        patch.setattr(os, "mkdir", mkdir)
        patch.setattr(os, "unlink", unlink)
        patch.setattr(os, "rmdir", rmdir)
        patch.setattr(os, "rename", rename)
        patch.setattr(disk, "sync_file_system", lambda _: operations.append(("sync all",)))
        yield operations


_RECORDED = (
    "open",
    "close",
    "write",
    "pwrite",
    "pwritev",
    "fsync",
    "fdatasync",
    "ftruncate",
    "mkdir",
    "unlink",
    "rmdir",
    "rename",
)
