"""One instance's folder, open: what is done here goes with it, wherever it is moved meanwhile.

creds, pre-key-1, ...          a key each
.sessionworker/                ours:
    id-<32 hexadecimal digits>-... the instance's id, as the name of an empty file; see `identity`
    versions/                      `creds` as they were, one file a version
    broken/                        what stood in a key's place and could not be its value, for a person to look at
    new-..., large-...             files under way
.versions/, .aside/            what 0.1.0 called versions/ and broken/

Every method may raise OSError. Names of files are given as they are on the disk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from typing import Self

from sessionworker.disk import (
    make_folder,
    open_folder,
    opened_folder,
    read_file,
    remove_if_there,
    removed_on_error,
    stands_in,
    sync_file_system,
    write_new,
)
from sessionworker.file_names import LONGEST_FILE_NAME, OURS
from sessionworker.stores.files.unfinished import UnfinishedNames
from sessionworker.stores.rules.versions import Version, parse_version

MANY = 64
"""Files from which on they are written together."""

ID = "id-"
VERSIONS, OLD_VERSIONS = "versions", ".versions"
BROKEN, OLD_BROKEN = "broken", ".aside"

_numbers = count()


class Folder:
    """An instance's folder, for a block or until `close`."""

    def __init__(self, path: str, root: int, unfinished: UnfinishedNames, *, sync: bool) -> None:
        """Open the folder at `path`, which is looked for in `root`. `sync` tells whether changes wait for the disk."""
        self.handle = open_folder(path, root)
        self._unfinished = unfinished
        self.is_synced = sync
        self._ours = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        os.close(self.handle)
        if self._ours >= 0:
            os.close(self._ours)

    @property
    def identity(self) -> tuple[int, int]:
        """The device and the inode."""
        status = os.fstat(self.handle)
        return status.st_dev, status.st_ino

    @property
    def ours(self) -> int:
        """The folder in it that is the worker's own."""
        if self._ours < 0:
            self._ours = open_folder(OURS, self.handle)
        return self._ours

    # The id

    def ids(self) -> list[str]:
        """Return the ids that it has: none before it was first used, one since."""
        try:
            names = os.listdir(self.ours)
        except FileNotFoundError:
            return []
        return list(dict.fromkeys(name.removeprefix(ID).partition("-")[0] for name in names if name.startswith(ID)))

    def settle(self) -> None:
        """Make its id durable: whoever wrote it down may have ended before that was."""
        if self.is_synced:
            os.fsync(self.ours)
            os.fsync(self.handle)

    # Session files

    def names(self) -> list[str]:
        """Return the names of all that is in it."""
        return os.listdir(self.handle)

    def read(self, name: str) -> bytes | None:
        """Return what a session file holds, or None. Raises NotAFile for a folder, a symbolic link and the like."""
        return read_file(name, self.handle)

    def read_large(self, name: str) -> bytes | None:
        """Return a large value that is not its key's file yet, or None if it is, or was removed."""
        return read_file(name, self.ours)

    def rename(self, old: str, new: str) -> None:
        """Give a session file another name."""
        os.rename(old, new, src_dir_fd=self.handle, dst_dir_fd=self.handle)

    def write(self, values: Mapping[str, bytes]) -> None:
        """Write session files, each whole or not at all. `sync` makes their names durable."""
        if self.is_synced and len(values) >= MANY:
            self._write_together(values)
        else:
            for name, value in values.items():
                with self._unfinished_file(value, sync=self.is_synced) as temporary:
                    self._become(temporary, name)

    def _write_together(self, values: Mapping[str, bytes]) -> None:
        """Write many files with one sync of the file system for all: 4,000 new ones take half of the time."""
        ours = self.ours
        unfinished: dict[str, str] = {}
        try:  # not a block for each: two context managers a file cost three times what the rest does
            for name, value in values.items():
                temporary = self._unfinished.new()
                write_new(temporary, ours, value, sync=False)
                unfinished[name] = temporary
            sync_file_system(self.handle)
            for name in values:
                self._become(unfinished[name], name)
                del unfinished[name]
        finally:
            for temporary in unfinished.values():
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=ours)

    @contextmanager
    def _unfinished_file(self, value: bytes, *, sync: bool) -> Iterator[str]:
        """Write a file for a block that gives it another name; on an error it is removed."""
        temporary = self._unfinished.new()
        write_new(temporary, self.ours, value, sync=sync)
        with removed_on_error(temporary, self.ours):
            yield temporary

    def write_large(self, value: bytes) -> str:
        """Write a large value to a file, durably, and return its name; `put_large` makes it a key's own."""
        name = self._unfinished.large()
        write_new(name, self.ours, value, sync=self.is_synced)
        with removed_on_error(name, self.ours):
            if self.is_synced:
                os.fsync(self.ours)
        return name

    def put_large(self, file_name: str, name: str, size: int) -> bool:
        """Let a large value of so many bytes become a session file; tell whether it is one then."""
        ours = self.ours  # which is there: only the file in it may be missing
        if stands_in(file_name, ours):
            self._become(file_name, name)
            return True
        try:  # it may have become one before the checkpoint failed, or the worker ended
            return os.stat(name, dir_fd=self.handle, follow_symlinks=False).st_size == size
        except FileNotFoundError:
            return False

    def _become(self, temporary: str, name: str) -> None:
        try:
            os.rename(temporary, name, src_dir_fd=self.ours, dst_dir_fd=self.handle)
        except IsADirectoryError:
            self.set_aside(name)
            os.rename(temporary, name, src_dir_fd=self.ours, dst_dir_fd=self.handle)

    def remove(self, name: str) -> None:
        """Remove a session file, if it is there. A folder in its place is set aside."""
        try:
            remove_if_there(name, self.handle)
        except IsADirectoryError:
            self.set_aside(name)

    def remove_large(self, file_name: str) -> None:
        """Remove a large value that is no key's."""
        remove_if_there(file_name, self.ours)

    def set_aside(self, name: str) -> bool:
        """Move what stands in a key's place to where a person can look at it; tell whether there was something."""
        make_folder(BROKEN, self.ours, sync=self.is_synced)
        with opened_folder(BROKEN, self.ours) as broken:
            kept = f"{time.time_ns() // 1_000_000}-{next(_numbers)}-{name}"
            while len(kept.encode(errors="surrogateescape")) > LONGEST_FILE_NAME:
                kept = kept[:-1]
            try:
                os.rename(name, kept, src_dir_fd=self.handle, dst_dir_fd=broken)
            except FileNotFoundError:
                return False
            if self.is_synced:
                os.fsync(broken)
        return True

    def sync(self) -> None:
        """Make the names of session files durable."""
        if self.is_synced:
            os.fsync(self.handle)

    def sweep(self, needed: Iterable[str]) -> None:
        """Remove the unfinished files that an earlier worker left, but for large values that are needed."""
        for name in os.listdir(self.ours):
            if self._unfinished.is_left_over(name) and name not in needed:
                remove_if_there(name, self.ours)

    # Versions of creds

    def versions(self) -> list[Version]:
        """Return the versions of `creds` that are kept, oldest first."""
        with self._versions() as folder:
            names = os.listdir(folder) if folder is not None else []
        return sorted(version for name in names if (version := parse_version(name)) is not None)

    def read_version(self, version: Version) -> bytes | None:
        """Return the `creds` of a version, or None if they are gone."""
        with self._versions() as folder:
            return read_file(version.file_name, folder) if folder is not None else None

    def version_sizes(self) -> dict[Version, int]:
        """Return the size of each version in bytes."""
        sizes: dict[Version, int] = {}
        with self._versions() as folder:
            for name in os.listdir(folder) if folder is not None else ():
                version = parse_version(name)
                if version is not None:
                    with suppress(FileNotFoundError):  # let go of meanwhile
                        sizes[version] = os.stat(name, dir_fd=folder).st_size
        return sizes

    @contextmanager
    def _versions(self) -> Iterator[int | None]:
        try:
            handle = open_folder(f"{OURS}/{VERSIONS}", self.handle)
        except FileNotFoundError:
            try:
                handle = open_folder(OLD_VERSIONS, self.handle)
            except FileNotFoundError:
                yield None
                return
        try:
            yield handle
        finally:
            os.close(handle)

    def keep_versions(self, remove: Iterable[Version], add: Mapping[Version, bytes]) -> None:
        """Let go of some versions, which makes room, and then keep others, durably."""
        folder = self._open_ours(VERSIONS)
        try:
            for version in remove:
                remove_if_there(version.file_name, folder)
            for version, value in add.items():
                with self._unfinished_file(value, sync=self.is_synced) as temporary:
                    os.rename(temporary, version.file_name, src_dir_fd=self.ours, dst_dir_fd=folder)
            if self.is_synced:
                os.fsync(folder)
        finally:
            os.close(folder)

    def _open_ours(self, name: str) -> int:
        """Open a folder in the worker's own, which is made if it is missing; `settle` made durable what there was."""
        try:
            return open_folder(name, self.ours)
        except FileNotFoundError:
            make_folder(name, self.ours, sync=self.is_synced)
            return open_folder(name, self.ours)
