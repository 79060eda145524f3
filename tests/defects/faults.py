"""A disk that fails, stops, fills up or crashes at a chosen call.

The functions of `os` are wrapped for one folder. A call is known by its function and by the paths that it is about,
relative to that folder, however it names them: a path, an open file, or a name in an open folder (`dir_fd`).
"""

from __future__ import annotations

import errno
import io
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from sessionworker.errors import WorkerError
from tests.defects.calls import FUNCTIONS, Call, Place, Wanted, anything

T = TypeVar("T")

_TWO_NAMES = {"link", "rename", "replace"}


class Crash(BaseException):
    """The process ends here: no handler of errors sees it."""


class Rule(Protocol):
    """What is done about calls."""

    def meet(self, call: Call) -> None:
        """Meet a call before it is made."""


@dataclass
class Fault:
    """Calls that fail: all that are wanted, or the one whose number is given, or that one and all after it."""

    error: int | BaseException
    wanted: Wanted
    at: int = 0
    lasts: bool = False
    calls: int = 0
    hits: int = 0
    where: Place | None = None
    """The place of the first that failed."""

    def meet(self, call: Call) -> None:
        """Fail, if it is one of those."""
        if not self.wanted(call):
            return
        self.calls += 1
        if not self.at or self.calls == self.at or (self.lasts and self.calls > self.at):
            self.hits += 1
            self.where = self.where or call.place
            if isinstance(self.error, BaseException):
                raise self.error
            raise OSError(self.error, os.strerror(self.error), "/".join(call.paths[:1]))


@dataclass
class Recording:
    """Calls that were made."""

    calls: list[Call] = field(default_factory=list)

    def meet(self, call: Call) -> None:
        """Note it."""
        self.calls.append(call)


@dataclass
class Full:
    """A disk on which what needs another block is refused; what overwrites, reads, renames or removes works."""

    root: str

    def meet(self, call: Call) -> None:
        """Refuse what needs room."""
        if _needs_room(call, f"{self.root}/{call.paths[0]}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), call.paths[0])


class Stop:
    """The call of one thread that waits until it is let go, by its number among those that are wanted."""

    def __init__(self, wanted: Wanted, at: int, seconds: float = 10) -> None:
        self.where: Place | None = None
        """Where it has stopped."""
        self.is_reached = threading.Event()
        """Set when the thread has come there, or to its end."""
        self.may_go_on = threading.Event()
        self._wanted = wanted
        self._left = at
        self._seconds = seconds
        self._thread = 0

    def watch(self, call: Callable[[], Any], disk: Disk) -> Any:
        """Make a call, in the thread that is to stop."""
        self._thread = threading.get_ident()
        try:
            with disk.ruled(self):
                return call()
        finally:
            self.is_reached.set()

    def meet(self, call: Call) -> None:
        """Wait, if it is that one."""
        if threading.get_ident() == self._thread and self._wanted(call):
            self._left -= 1
            if self._left == 0:
                self.where = call.place
                self.is_reached.set()
                self.may_go_on.wait(self._seconds)  # and no longer: no test hangs


class Disk:
    """The disk below one folder, as the store sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = os.path.abspath(folder)  # noqa: PTH100 - as `os` will be asked
        self._rules: list[Rule] = []

    @contextmanager
    def ruled(self, rule: Rule) -> Iterator[None]:
        """Let a rule hold."""
        self._rules.append(rule)
        try:
            yield
        finally:
            self._rules.remove(rule)

    @contextmanager
    def failing(
        self, error: int | BaseException, wanted: Wanted = anything, *, at: int = 0, lasts: bool = False
    ) -> Iterator[Fault]:
        """Let calls fail; see `Fault`."""
        fault = Fault(error, wanted, at, lasts)
        with self.ruled(fault):
            yield fault

    def full(self) -> AbstractContextManager[None]:
        """Leave no room; see `Full`."""
        return self.ruled(Full(self._root))

    @contextmanager
    def crashing(self, at: int, wanted: Wanted = anything) -> Iterator[Fault]:
        """Let the process end before one of its calls: nothing that comes after it is done. The crash ends here."""
        fault = Fault(Crash(), wanted, at, lasts=True)
        with self.ruled(fault):
            try:
                yield fault
            except Crash:
                assert fault.hits

    @contextmanager
    def recording(self) -> Iterator[list[Call]]:
        """Note the calls that are made."""
        recording = Recording()
        with self.ruled(recording):
            yield recording.calls

    def wrapped(self, function: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that asks the rules before it does what `real` does."""

        def call(*arguments: Any, **named: Any) -> Any:
            paths = self._paths(function, arguments, named) if self._rules and arguments else ()
            if paths:
                met = Call(function, paths, arguments)
                for rule in list(self._rules):
                    rule.meet(met)
            return real(*arguments, **named)

        return call

    def _paths(self, function: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[str, ...]:
        wanted = [self._path(arguments[0], named.get("src_dir_fd", named.get("dir_fd")))]
        if function in _TWO_NAMES and len(arguments) > 1:
            wanted.append(self._path(arguments[1], named.get("dst_dir_fd")))
        return tuple(path for path in wanted if path is not None)

    def _path(self, path: Any, folder: int | None) -> str | None:
        """Return the path below our folder that is meant, or None if it is not there."""
        try:
            if isinstance(path, int):
                found = os.readlink(f"/proc/self/fd/{path}").removesuffix(" (deleted)")  # noqa: PTH115
            else:
                beginning = os.readlink(f"/proc/self/fd/{folder}") if folder is not None else ""  # noqa: PTH115
                found = os.path.abspath(os.path.join(beginning, os.fsdecode(path)))  # noqa: PTH100, PTH118
        except OSError:
            return None
        return found[len(self._root) + 1 :] if f"{found}/".startswith(f"{self._root}/") else None


@contextmanager
def disk_of(folder: Path) -> Iterator[Disk]:
    """Wrap the functions of `os` for a folder, which need not exist."""
    disk = Disk(folder)
    opened = io.open
    by_name = disk.wrapped("open", opened)

    def opening(file: Any, *rest: Any, **named: Any) -> Any:
        """Open as `Path.read_bytes` does; for a file that is open already this asks the disk for nothing."""
        return (opened if isinstance(file, int) else by_name)(file, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        for name in FUNCTIONS:
            patch.setattr(os, name, disk.wrapped(name, getattr(os, name)))
        patch.setattr(io, "open", opening)
        yield disk


def rehearse(folder: Path, prepare: Callable[[Path], T], act: Callable[[T], object]) -> list[Place]:
    """Return the places at which `act` calls the disk when nothing fails, given what `prepare` returns."""
    subject = prepare(folder)
    with disk_of(folder) as disk, disk.recording() as calls:
        act(subject)
    return list(dict.fromkeys(call.place for call in calls))


@contextmanager
def noting(problems: list[str], where: object) -> Iterator[None]:
    """Add what goes wrong in one round of many to `problems`: which of them go wrong says more than the first."""
    try:
        yield
    except (AssertionError, OSError, WorkerError) as error:
        problems.append(f"{where}: {type(error).__name__} {str(error).splitlines()[:1]}")


def _needs_room(call: Call, path: str) -> bool:
    match call.function, call.arguments:
        case (("mkdir" | "symlink"), _):
            return not os.access(path, os.F_OK, follow_symlinks=False)
        case "open", _:
            return call.opens_for_writing and not os.access(path, os.F_OK, follow_symlinks=False)
        case "write", (handle, data, *_):
            return _grows(handle, os.lseek(handle, 0, os.SEEK_CUR) + len(data))
        case "pwrite", (handle, data, offset, *_):
            return _grows(handle, offset + len(data))
        case "pwritev", (handle, buffers, offset, *_):
            return _grows(handle, offset + sum(map(len, buffers)))
        case "posix_fallocate", (handle, offset, length):
            return _grows(handle, offset + length)
    return False


def _grows(handle: int, end: int) -> bool:
    status = os.fstat(handle)
    return stat.S_ISREG(status.st_mode) and end > status.st_size
