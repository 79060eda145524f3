"""What stands in for the module `os` in a store under simulation.

What is not here raises AttributeError: nothing reaches the real machine by accident.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from tests.simulation.disk import Disk
from tests.simulation.handed_out import Entry, Opened, Scan
from tests.simulation.nodes import Node

CALLS = (
    "chmod",
    "close",
    "fdatasync",
    "fsync",
    "ftruncate",
    "listdir",
    "lseek",
    "mkdir",
    "open",
    "posix_fallocate",
    "pread",
    "pwrite",
    "pwritev",
    "read",
    "readlink",
    "rename",
    "rmdir",
    "stat",
    "statvfs",
    "symlink",
    "sync_all",
    "truncate",
    "unlink",
    "write",
)

_PURE = ("fsdecode", "fsencode", "fspath", "getpid", "strerror", "PathLike", "stat_result", "error", "sep", "name")


class Runner(Protocol):
    """What makes system calls into points to switch at; see `machine`."""

    steps: int
    event: int
    disk: Disk
    ids: Random

    def attend(self, name: str, act: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Make a call at which something else may happen, too."""


class Operating:
    """Stands in for the module `os`."""

    def __init__(self, machine: Runner) -> None:
        """Speak of a machine, and of the disk that it has now."""
        self._machine = machine
        for name in dir(os):
            if name.isupper() or name in _PURE:
                setattr(self, name, getattr(os, name))
        self.environ: dict[str, str] = {}
        self.path = Paths(self)
        self.use(machine.disk)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def use(self, disk: Disk) -> None:
        """Speak of another disk."""
        for name in CALLS:
            setattr(self, name, self._call(name, getattr(disk, name)))
        self.replace = self.rename
        self.remove = self.unlink
        self.fchmod = self.chmod
        self.fstatvfs = self.statvfs
        self._scandir = self._call("scandir", disk.names_in)
        self._status = disk.status

    def _call(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        """Make a system call of one of the disk's methods: a point to switch at, to fail at and to crash at."""
        machine = self._machine

        def call(*args: Any, **options: Any) -> Any:
            if args and args[0].__class__ is not str and args[0].__class__ is not int:
                args = tuple(map(_plain, args))
            elif name == "rename":
                args = args[0], _plain(args[1])
            machine.steps += 1
            if machine.steps < machine.event:
                return act(*args, **options)
            return machine.attend(name, act, args, options)

        return call

    def fstat(self, handle: int) -> os.stat_result:
        """As os.fstat."""
        status: os.stat_result = self.stat(handle)
        return status

    def lstat(self, path: str, *, dir_fd: int | None = None) -> os.stat_result:
        """As os.lstat."""
        status: os.stat_result = self.stat(path, dir_fd=dir_fd, follow_symlinks=False)
        return status

    def scandir(self, path: str | int = ".") -> Scan:
        """As os.scandir. All is read at once."""
        names: dict[str, Node] = self._scandir(path)
        above = f"{os.fspath(path)}/" if not isinstance(path, int) else ""
        return Scan([Entry(self, name, above + name, node) for name, node in names.items()])

    def fdopen(self, handle: int, mode: str = "r", buffering: int = -1) -> Opened:
        """As os.fdopen, for bytes, and always without a buffer."""
        assert "b" in mode, "only bytes are read and written here"
        assert buffering in (-1, 0)
        return Opened(self, handle)

    def urandom(self, size: int) -> bytes:
        """As os.urandom, from the seed."""
        return self._machine.ids.randbytes(size)

    def makedirs(self, path: str, mode: int = 0o777, *, exist_ok: bool = False) -> None:
        """As os.makedirs."""
        above = posixpath.dirname(os.fspath(path))
        if above not in ("", "/") and not self.path.exists(above):
            self.makedirs(above, mode, exist_ok=True)
        try:
            self.mkdir(path, mode)
        except FileExistsError:
            if not exist_ok or not self.path.isdir(path):
                raise


def _plain(argument: Any) -> Any:
    return os.fspath(argument) if isinstance(argument, os.PathLike) else argument


class Paths:
    """Stands in for the module `os.path`."""

    def __init__(self, system: Operating) -> None:
        """Ask `system` where the disk must be asked."""
        self._system = system
        for name in ("basename", "dirname", "isabs", "join", "normpath", "relpath", "split", "splitext", "commonpath"):
            setattr(self, name, getattr(posixpath, name))
        self.abspath = posixpath.normpath

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def _mode(self, path: Any, *, follow: bool) -> int:
        """Return the mode of what stands at a path, or 0: as the real ones, this swallows errors."""
        try:
            status: os.stat_result = self._system.stat(path, follow_symlinks=follow)
        except (OSError, ValueError):
            return 0
        return status.st_mode

    def exists(self, path: Any) -> bool:
        """As os.path.exists."""
        return self._mode(path, follow=True) != 0

    def lexists(self, path: Any) -> bool:
        """As os.path.lexists."""
        return self._mode(path, follow=False) != 0

    def isdir(self, path: Any) -> bool:
        """As os.path.isdir."""
        return stat.S_ISDIR(self._mode(path, follow=True))

    def isfile(self, path: Any) -> bool:
        """As os.path.isfile."""
        return stat.S_ISREG(self._mode(path, follow=True))

    def islink(self, path: Any) -> bool:
        """As os.path.islink."""
        return stat.S_ISLNK(self._mode(path, follow=False))

    def getsize(self, path: Any) -> int:
        """As os.path.getsize."""
        status: os.stat_result = self._system.stat(path)
        return status.st_size
