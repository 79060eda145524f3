"""System calls that fail: which, when, how, and what of them has happened all the same."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tests.simulation.disk import Disk
from tests.simulation.nodes import Folder
from tests.simulation.writes import SECTOR

Part: TypeAlias = Literal["nothing", "a part", "all"]
"""What a call that fails has done."""

WRITES = frozenset({"write", "pwrite", "pwritev"})
SYNCS = frozenset({"fsync", "fdatasync", "sync_all"})
MAKES = frozenset({"mkdir", "symlink", "rename", "posix_fallocate"})
READS = frozenset({"read", "pread", "listdir", "scandir", "stat", "readlink"})
REMOVES = frozenset({"unlink", "rmdir"})
CUTS = frozenset({"ftruncate", "truncate"})

_BY_PATH = frozenset(
    {"open", "mkdir", "symlink", "rename", "unlink", "rmdir", "listdir", "scandir", "stat", "readlink"}
)
_POSSIBLE: dict[int, frozenset[str]] = {
    errno.EIO: WRITES | SYNCS | MAKES | READS | REMOVES | CUTS | {"open"},
    errno.EACCES: _BY_PATH,
    errno.EROFS: MAKES | REMOVES | {"open"},
    errno.EMFILE: frozenset({"open", "scandir"}),
    errno.ENOSPC: WRITES | MAKES | {"open"},
    errno.EDQUOT: WRITES | MAKES | {"open"},
}
"""The calls that may give each error."""

_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Rule:
    """Calls that will fail: from the `first` on that the rule is about, `count` of them, or all for None."""

    error: int
    """Its number; 0 stands for a write that writes a part, and does not fail."""
    first: int = 1
    count: int | None = 1
    calls: frozenset[str] | None = None
    """The names of the calls that it is about; None for all."""
    path: str | None = None
    """A regular expression that begins to match at a path's beginning; None for all."""
    sticks: bool = False
    """Whether only calls of the same name in the same folder fail once one did."""
    part: Part = "nothing"
    loses: bool = False
    """Whether a sync that fails makes the kernel forget what it should have written, as Linux does."""

    def __str__(self) -> str:
        """Tell it in a line."""
        name = errno.errorcode.get(self.error, "a short write")
        what = "calls" if self.calls is None else f"calls of {', '.join(sorted(self.calls))}"
        where = f" at {self.path}" if self.path else ""
        times = "all" if self.count is None else str(self.count)
        more = ", of the same kind in the same folder" if self.sticks else ""
        done = {"nothing": "", "a part": ", done in part", "all": ", done all the same"}[self.part]
        lost = ", what was not synced is lost" if self.loses else ""
        return f"{name} for {times} {what}{where} from the {self.first}. on{more}{done}{lost}"


class Fault:
    """A rule in force."""

    def __init__(self, rule: Rule) -> None:
        """Begin to count."""
        self.rule = rule
        self.left = rule.first - 1
        self.failed: list[str] = []
        """The paths of calls that failed."""
        self._matches = re.compile(rule.path).match if rule.path else None
        self._kind: tuple[str, str] | None = None

    @property
    def is_over(self) -> bool:
        """Whether no more calls will fail."""
        return self.rule.count is not None and len(self.failed) >= self.rule.count

    @property
    def is_doubtful(self) -> bool:
        """Whether nobody knows what the disk holds afterwards: not so where there was no room, or a write was short."""
        return self.rule.error not in (0, *_ROOM)

    def strikes(self, disk: Disk, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
        """Tell whether a call fails, and count it."""
        rule = self.rule
        if self.is_over or not _is_possible(rule.error, disk, name, args, options):
            return False
        if rule.calls is not None and name not in rule.calls:
            return False
        paths = paths_of(disk, name, args, options)
        if self._matches is not None and not any(map(self._matches, paths)):
            return False
        kind = name, os.path.dirname(paths[0])  # noqa: PTH120 - of the simulated disk
        if self._kind is not None and kind != self._kind:
            return False
        if self.left:
            self.left -= 1
            return False
        if rule.sticks:
            self._kind = kind
        self.failed.extend(paths)
        return True

    def happen(self, disk: Disk, name: str, act: Callable[..., Any], args: tuple[Any, ...], options: Any) -> Any:
        """Do what is done of a call that fails, and raise its error."""
        rule = self.rule
        path = args[0] if isinstance(args[0], str) else None
        if name in WRITES:
            if not rule.error:
                return _write_some(disk, name, args, *args[3:])
            if rule.part == "all" and rule.error == errno.EIO:
                act(*args, **options)
            elif rule.part == "a part":
                _write_some(disk, name, args)
            if rule.loses and name == "pwritev":
                disk.fail_to_sync(args[0])
        elif name in SYNCS:
            if rule.loses and name != "sync_all":
                disk.fail_to_sync(args[0])
        elif rule.part == "all" and name not in READS and rule.error == errno.EIO:
            result = act(*args, **options)
            if name == "open":
                disk.close(result)
        raise OSError(rule.error, os.strerror(rule.error), path)


def _is_possible(error: int, disk: Disk, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    if error == 0:
        return name in WRITES and len(b"".join(args[1]) if name == "pwritev" else args[1]) > SECTOR
    if name == "stat" and isinstance(args[0], int):
        return False  # what is open is known
    if name not in _POSSIBLE[error]:
        return False
    if name == "open" and error in (*_ROOM, errno.EROFS):
        flags = args[1]
        if not flags & os.O_CREAT:
            return error == errno.EROFS and flags & os.O_ACCMODE != os.O_RDONLY
        if error in _ROOM:
            try:
                disk.stat(args[0], dir_fd=options.get("dir_fd"))
            except OSError:
                return True
            return False
    return not (error in _ROOM and name == "rename")


def _write_some(disk: Disk, name: str, args: tuple[Any, ...], flags: int = 0) -> int:
    """Write the first half and return its length. It is durable only where the flags say so."""
    data = b"".join(args[1]) if name == "pwritev" else bytes(args[1])
    half = data[: -(-len(data) // 2)]
    return disk.write(args[0], half) if name == "write" else disk.pwritev(args[0], [half], args[2], flags)


def paths_of(disk: Disk, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[str, ...]:
    """Return the full paths that a call is about, as they are now."""
    if name == "rename":
        old = _full(disk, args[0], options.get("src_dir_fd"))
        return old, _full(disk, args[1], options.get("dst_dir_fd"))
    where = args[1] if name == "symlink" else args[0]
    if isinstance(where, int):
        opened = disk.descriptors.get(where)
        if opened is None:
            return ("?",)
        path = disk.path_of(opened.node)
        return (f"{path}/",) if isinstance(opened.node, Folder) else (path,)
    return (_full(disk, where, options.get("dir_fd")),)


def _full(disk: Disk, path: str, folder: int | None) -> str:
    if path.startswith("/"):
        return path
    opened = disk.descriptors.get(folder or 0)
    return f"{disk.path_of(opened.node) if opened else '?'}/{path}"
