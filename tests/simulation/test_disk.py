"""The simulated disk does what a real one does."""

from __future__ import annotations

import errno
import os
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.crashes import after_crash
from tests.simulation.disk import Disk

REAL: Any = os

NAMES = st.sampled_from(["a", "b", "c"])
TIDY = st.one_of(
    NAMES,
    st.tuples(NAMES, NAMES).map("/".join),
    st.tuples(NAMES, NAMES, NAMES).map("/".join),
    st.sampled_from([".", "a/..", "b/.", "a/../b", "a//b", "x" * 256, "a/" + "ü" * 128, "ç/.x"]),
)
SHORT = TIDY.filter(lambda path: len(path) < 100)  # where two paths are wrong, either error will do
PATHS = TIDY | st.sampled_from(["a/", "b/c/"])
FLAGS = st.builds(
    lambda mode, others: mode | sum(others),
    st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR]),
    st.sets(st.sampled_from([os.O_CREAT, os.O_EXCL, os.O_TRUNC, os.O_NOFOLLOW, os.O_APPEND])),
)
FOLDER_FLAGS = st.sampled_from([os.O_RDONLY | os.O_DIRECTORY, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, os.O_PATH])
HANDLES = st.integers(0, 3)
DATA = st.sampled_from([b"", b"x", b"0123456789", b"y" * 700, b"z" * 5000])
OFFSETS = st.sampled_from([0, 1, 5, 600, 9000])

STEPS = st.one_of(
    st.tuples(st.just("open"), TIDY, FLAGS, st.none() | HANDLES),
    st.tuples(st.just("open"), PATHS, FOLDER_FLAGS, st.none() | HANDLES),
    st.tuples(st.just("close"), HANDLES),
    st.tuples(st.just("mkdir"), TIDY, st.none() | HANDLES),
    st.tuples(st.sampled_from(["unlink", "rmdir", "readlink"]), TIDY, st.none() | HANDLES),
    st.tuples(st.sampled_from(["stat", "lstat"]), PATHS, st.none() | HANDLES),
    st.tuples(st.just("rename"), SHORT, SHORT, st.none() | HANDLES, st.none() | HANDLES),
    st.tuples(st.just("symlink"), NAMES | st.just("a/b"), TIDY, st.none() | HANDLES),
    st.tuples(st.just("write"), HANDLES, DATA),
    st.tuples(st.sampled_from(["pwrite", "pwritev"]), HANDLES, DATA, OFFSETS),
    st.tuples(st.just("read"), HANDLES, OFFSETS),
    st.tuples(st.just("pread"), HANDLES, OFFSETS, OFFSETS),
    st.tuples(st.just("lseek"), HANDLES, OFFSETS, st.sampled_from([os.SEEK_SET, os.SEEK_CUR])),
    st.tuples(st.sampled_from(["fsync", "fdatasync", "fstat", "listdir open"]), HANDLES),
    st.tuples(st.just("listdir"), PATHS),
    st.tuples(st.just("ftruncate"), HANDLES, OFFSETS),
    st.tuples(st.just("truncate"), PATHS, OFFSETS),
    st.tuples(st.just("posix_fallocate"), HANDLES, OFFSETS, OFFSETS.filter(bool)),
)


class Side:
    """Either of the two: calls of `os`, below a folder of its own, with its own descriptors."""

    def __init__(self, system: Any, root: str) -> None:
        self._system = system
        self._root = root
        self._handles: list[int] = []

    def close(self) -> None:
        for handle in self._handles:
            self._system.close(handle)

    def do(self, step: tuple[Any, ...]) -> object:
        """Make one call and return its result, or the number of its error."""
        try:
            return self._do(*step)
        except LookupError:
            return "no such folder is open"
        except OSError as error:
            return errno.errorcode[error.errno or 0]

    def _path(self, path: str, folder: int | None) -> str:
        return path if folder is not None else f"{self._root}/{path}"

    def _handle(self, place: int) -> int:
        return self._handles[place] if place < len(self._handles) else 999_999

    def _folder(self, place: int | None) -> int | None:
        return None if place is None else self._handles[place]

    def _status(self, status: os.stat_result) -> object:
        is_folder = status.st_mode & 0o170000 == 0o040000
        return status.st_mode, None if is_folder else (status.st_size, status.st_nlink)

    def _do(self, call: str, *args: Any) -> object:
        system = self._system
        match call, *args:
            case "open", path, flags, folder:
                if len(self._handles) == 4:
                    return "too many"
                folder = self._folder(folder)
                self._handles.append(system.open(self._path(path, folder), flags, 0o700, dir_fd=folder))
            case "mkdir", path, folder:
                folder = self._folder(folder)
                system.mkdir(self._path(path, folder), 0o700, dir_fd=folder)
            case (("unlink" | "rmdir" | "readlink"), path, folder):
                folder = self._folder(folder)
                return getattr(system, call)(self._path(path, folder), dir_fd=folder)
            case (("stat" | "lstat"), path, folder):
                folder = self._folder(folder)
                follow = call == "stat"
                return self._status(system.stat(self._path(path, folder), dir_fd=folder, follow_symlinks=follow))
            case "rename", old, new, of, to:
                of, to = self._folder(of), self._folder(to)
                system.rename(self._path(old, of), self._path(new, to), src_dir_fd=of, dst_dir_fd=to)
            case "symlink", target, path, folder:
                folder = self._folder(folder)
                system.symlink(target, self._path(path, folder), dir_fd=folder)
            case "listdir", path:
                return sorted(system.listdir(self._path(path, None)))
            case "truncate", path, size:
                system.truncate(self._path(path, None), size)
            case _:
                return self._do_to_what_is_open(call, *args)
        return None

    def _do_to_what_is_open(self, call: str, *args: Any) -> object:
        system = self._system
        match call, *args:
            case "close", place:
                if place < len(self._handles):
                    system.close(self._handles.pop(place))
            case (("write" | "read" | "fsync" | "fdatasync" | "ftruncate" | "lseek" | "pread" | "posix_fallocate"), *_):
                return getattr(system, call)(self._handle(args[0]), *args[1:])
            case "pwrite", place, data, offset:
                return system.pwrite(self._handle(place), data, offset)
            case "pwritev", place, data, offset:
                return system.pwritev(self._handle(place), [data, b"", data[:3]], offset, os.RWF_DSYNC)
            case "fstat", place:
                return self._status(system.stat(self._handle(place)))
            case "listdir open", place:
                return sorted(system.listdir(self._handle(place)))
        return None


def show(system: Any, path: str) -> object:
    """All that stands below a path, with what the files hold."""
    kind = system.stat(path, follow_symlinks=False).st_mode & 0o170000
    if kind == 0o120000:
        return system.readlink(path)
    if kind == 0o040000:
        return {name: show(system, f"{path}/{name}") for name in sorted(system.listdir(path))}
    handle = system.open(path, os.O_RDONLY)
    try:
        return system.read(handle, 10**6)
    finally:
        system.close(handle)


def now() -> int:
    return 1_700_000_000 * 10**9


def make_disk(**more: Any) -> Disk:
    return Disk(now, **more)


@settings(deadline=None, max_examples=400)
@given(steps=st.lists(STEPS, max_size=40))
def test_it_does_what_a_real_file_system_does(steps: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        disk = make_disk()
        disk.mkdir("/r", 0o700)
        ours, real = Side(disk, "/r"), Side(REAL, folder)
        try:
            for step in steps:
                assert ours.do(step) == real.do(step), step
            assert show(disk, "/r") == show(REAL, folder)
        finally:
            ours.close()
            real.close()
        check_room(disk)


def check_room(disk: Disk) -> None:
    """The counters agree with what is there."""
    fresh = after_crash(disk, "kill", Random(1))
    fresh.sync_all()
    assert not fresh.descriptors
    nodes = [fresh.root]
    for node in nodes:
        nodes += getattr(node, "names", {}).values()
    assert fresh.used_blocks == sum(node.blocks for node in nodes)
    assert fresh.used_inodes == len(nodes)
    again = after_crash(fresh, "power cut", Random(1))
    assert show(again, "/") == show(fresh, "/")
    assert again.used_inodes == fresh.used_inodes
