"""One instance's folder: its session files, older versions of its `creds`, and what was found broken.

creds, pre-key-1, ...      a key each
.versions/                 `creds` as they were, one file a version
.aside/                    what stood in a key's place and could not be its value, for a person to look at
"""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from sessionworker.names import CREDS, decode_name, encode_name, type_of_key
from sessionworker.stores.disk import (
    TEMPORARY_PREFIX,
    make_folder,
    remove_if_there,
    sync_folder,
    write_many_whole,
    write_whole,
)
from sessionworker.stores.interface import InstanceSummary
from sessionworker.stores.versions import Keep, Version, parse_version, to_keep, version_of
from sessionworker.values import read_creds

MANY = 64
"""Files from which on they are written together."""

VERSIONS = ".versions"
ASIDE = ".aside"


class NotAFile(OSError):
    """Something that is no regular file stands where a session file should."""

    def __init__(self) -> None:
        """Say so, as other errors of the disk do."""
        super().__init__(0, "it is not a regular file")


class Staged(NamedTuple):
    """A large value that is in a file already, which becomes the key's own."""

    path: str


class InstanceFolder:
    """Every method may raise OSError."""

    def __init__(self, path: str, *, sync: bool) -> None:
        """Speak of the folder at `path`, which need not exist. `sync` tells whether changes wait for the disk."""
        self.path = path
        self._sync = sync
        self._made: set[str] = set()  # folders that are there durably

    def exists(self) -> bool:
        """Tell whether there is such a folder."""
        return os.path.isdir(self.path)

    def make(self) -> None:
        """Make the folder if it is missing. What stands in its place is moved aside."""
        if os.path.lexists(self.path) and not self.exists():
            group, name = os.path.split(self.path)
            os.rename(self.path, f"{group}/{ASIDE}-{_now()}-{name}"[: len(group) + 200])
        self._make(self.path)

    def _make(self, path: str) -> None:
        if path not in self._made or not os.path.isdir(path):
            make_folder(path, sync=self._sync)
            self._made.add(path)

    def names(self) -> list[str]:
        """Return the keys; see `take_over`."""
        try:
            return take_over(self.path, os.listdir(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read(self, key: str) -> bytes | None:
        """Return what the key's file holds, or None. Raises NotAFile for a folder, a symbolic link and the like."""
        return read_file(f"{self.path}/{encode_name(key)}")

    def save(self, values: Mapping[str, bytes | Staged | None]) -> None:
        """Write, or for None remove, the files of some keys, durably."""
        self.make()
        rest = dict(values)
        if self._sync and len(values) >= MANY:
            many = {key: value for key, value in values.items() if isinstance(value, bytes)}
            with suppress(IsADirectoryError):  # written again below, one by one
                write_many_whole(self.path, {encode_name(key): value for key, value in many.items()})
                rest = {key: value for key, value in values.items() if key not in many}
        for key, value in rest.items():
            try:
                self._put(encode_name(key), value)
            except IsADirectoryError:
                self.set_aside(key)
                self._put(encode_name(key), value)
        if values and self._sync:
            sync_folder(self.path)

    def _put(self, name: str, value: bytes | Staged | None) -> None:
        if value is None:
            remove_if_there(f"{self.path}/{name}")
        elif isinstance(value, bytes):
            write_whole(self.path, name, value, sync=self._sync)
        else:
            with suppress(FileNotFoundError):  # it was put here before a checkpoint failed
                os.rename(value.path, f"{self.path}/{name}")

    def set_aside(self, key: str) -> None:
        """Move what stands in a key's place to where a person can look at it. It is never deleted."""
        make_folder(f"{self.path}/{ASIDE}", sync=self._sync)
        name = encode_name(key)
        with suppress(FileNotFoundError):
            os.rename(f"{self.path}/{name}", f"{self.path}/{ASIDE}/{_now()}-{name}"[: len(self.path) + 200])
            if self._sync:
                sync_folder(self.path)

    def sweep(self) -> None:
        """Remove the unfinished files that a crash left."""
        for folder in (self.path, f"{self.path}/{VERSIONS}"):
            with suppress(FileNotFoundError, NotADirectoryError):
                for name in os.listdir(folder):
                    if name.startswith(TEMPORARY_PREFIX):
                        os.unlink(f"{folder}/{name}")

    def move(self, place: str) -> None:
        """Move the folder, whole and at once. The folder that it moves into is made if missing."""
        parent = os.path.dirname(place)
        make_folder(parent, sync=self._sync)
        os.rename(self.path, place)
        if self._sync:
            sync_folder(parent)
            sync_folder(os.path.dirname(self.path))

    def summary(self, name: str) -> InstanceSummary:
        """Return what the folder of the instance `name` holds."""
        files = size = last_write = 0
        types: Counter[str] = Counter()
        with suppress(FileNotFoundError), os.scandir(self.path) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    files += 1
                    size += status.st_size
                    last_write = max(last_write, status.st_mtime_ns // 1_000_000)
                    types[type_of_key(entry.name)] += 1
        return InstanceSummary(name, files, size, last_write, dict(types))

    # Versions of creds

    def versions(self) -> list[Version]:
        """Return the versions of `creds` that are kept, oldest first."""
        try:
            names = os.listdir(f"{self.path}/{VERSIONS}")
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(version for name in names if (version := parse_version(name)) is not None)

    def read_version(self, version: Version) -> bytes | None:
        """Return the `creds` of a version, or None if they are gone."""
        return read_file(f"{self.path}/{VERSIONS}/{version.file_name}")

    def version_size(self, version: Version) -> int:
        """Return the size of a version in bytes."""
        return os.stat(f"{self.path}/{VERSIONS}/{version.file_name}").st_size

    def add_versions(self, values: Sequence[tuple[int, int, bytes | None]], keep: Keep) -> list[Version]:
        """Keep new versions of `creds`, oldest first, and let go of those that `keep` does not ask for.

        Each value comes with the time and the place of its commit; None is a deletion. Returns the versions in
        question, oldest first: the last one before the new ones, if there is one, and the new ones.
        """
        self.make()
        folder = f"{self.path}/{VERSIONS}"
        self._make(folder)
        existing = self.versions() or self._first_version(folder)
        new: dict[Version, bytes] = {}
        for when, number, value in values:
            creds = read_creds(value) if value is not None else None
            if value is None or creds is not None:
                new[version_of(when, number, creds)] = value or b""
        kept = to_keep([*existing, *new], keep)
        for version in sorted(new):
            if version in kept:
                write_whole(folder, version.file_name, new[version], sync=self._sync)
        if self._sync:
            sync_folder(folder)
        for version in existing:
            if version not in kept:
                remove_if_there(f"{folder}/{version.file_name}")
        before = [version for version in existing if version not in new][-1:]
        return [*before, *sorted(new)]

    def _first_version(self, folder: str) -> list[Version]:
        """Keep the `creds` that were here before versions were kept."""
        try:
            value = self.read(CREDS)
        except OSError:
            return []
        creds = read_creds(value) if value is not None else None
        if value is None or creds is None:
            return []
        version = version_of(os.stat(f"{self.path}/{CREDS}").st_mtime_ns // 1_000_000, 0, creds)
        write_whole(folder, version.file_name, value, sync=self._sync)
        return [version]


def list_folders(path: str) -> list[str]:
    """Return the names of the folders in a folder; see `take_over`."""
    try:
        with os.scandir(path) as entries:
            return take_over(path, [entry.name for entry in entries if entry.is_dir()])
    except FileNotFoundError:
        return []


def take_over(folder: str, file_names: Iterable[str]) -> list[str]:
    """Return the names that file names stand for, after giving each file the name that we would have given it."""
    names = []
    for file_name in file_names:
        name = decode_name(file_name)
        if name is None:
            continue
        if (ours := encode_name(name)) != file_name and not os.path.lexists(f"{folder}/{ours}"):
            os.rename(f"{folder}/{file_name}", f"{folder}/{ours}")
        names.append(name)
    return names


def read_file(path: str) -> bytes | None:
    """Return what a file holds, or None if there is none. Raises NotAFile for what is not a regular file."""
    try:
        # Not through a symbolic link: what it leads to is nobody's session file. Not waiting for a pipe's other end.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if os.path.islink(path):
            raise NotAFile from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):  # before fdopen, which refuses a folder and leaves it open
        os.close(handle)
        raise NotAFile
    with os.fdopen(handle, "rb", buffering=0) as opened:
        return opened.read()


def _now() -> int:
    return time.time_ns() // 1_000_000
