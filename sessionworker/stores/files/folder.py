"""One instance's folder, open: what is done here goes with it, wherever it is moved meanwhile.

creds, pre-key-1, ...          a key each
.sessionworker/                ours:
    id-<32 hexadecimal digits>-... the instance's id, as the name of a file; see `identity`
    versions/                      `creds` as they were, one file a version
    label                          what operators call it, if they do; see `labels`
    broken/                        what stood in a key's place and could not be its value, for a person to look at
    new-..., large-...             files under way
.versions/, .aside/            what 0.1.0 called versions/ and broken/

Every method may raise OSError. Names and values lie on the disk as a `codec` writes them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from typing import Self

from sessionworker.disk import (
    NotAFile,
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
from sessionworker.stores.files.codec import Codec
from sessionworker.stores.files.unfinished import UnfinishedNames

MANY = 64
"""Files from which on they are written together."""
VERSIONS, OLD_VERSIONS = "versions", ".versions"
BROKEN, OLD_BROKEN = "broken", ".aside"
ID = "id-"
_numbers = count()


class Folder:
    """An instance's folder, for a block or until `close`."""

    def __init__(self, path: str, root: int, codec: Codec, unfinished: UnfinishedNames, *, sync: bool) -> None:
        """Open the folder at `path`, which is looked for in `root`. `sync` tells whether changes wait for the disk."""
        self.handle = open_folder(path, root)
        self.codec = codec
        self.is_synced = sync
        self._unfinished = unfinished
        self._ours = -1
        self._id: str | None = None

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

    @property
    def id(self) -> str:
        """The id that its names and values are bound to; empty if it has none yet."""
        if self._id is None:
            self._id = next(iter(self.ids()), "") if self.codec.is_bound else ""
        return self._id

    def tell_id(self, id_: str) -> None:
        """Say which id it has: the folder is not asked then."""
        self._id = id_

    def ids(self) -> list[str]:
        """Return the ids that it has: none before it was first used, one since."""
        return list(self.id_files())

    def id_files(self) -> dict[str, str]:
        """Return the ids that it has, and the name of the file for each."""
        try:
            names = os.listdir(self.ours)
        except FileNotFoundError:
            return {}
        return {name.removeprefix(ID).partition("-")[0]: name for name in names if name.startswith(ID)}

    def settle(self) -> None:
        """Make its id durable: whoever wrote it down may have ended before that was."""
        if self.is_synced:
            os.fsync(self.ours)
            os.fsync(self.handle)

    # Session files

    def names(self) -> list[str]:
        """Return the file names of all that is in it."""
        return os.listdir(self.handle)

    def name_of(self, key: str) -> str:
        """Return the file name that we give a key."""
        return self.codec.encode_name(key, "key", self.id)

    def key_of(self, file_name: str) -> str | None:
        """Return the key that a file name stands for, or None."""
        return self.codec.decode_name(file_name, "key", self.id)

    def other_names(self, key: str) -> list[str]:
        """Return the file names that a key may have besides, while the store goes from one way to another."""
        return self.codec.other_names(key, "key", self.id)

    def standing(self, key: str) -> str | None:
        """Return the file name of what stands in a key's place, or None."""
        names = (self.name_of(key), *self.other_names(key))
        return next((name for name in names if stands_in(name, self.handle)), None)

    def read(self, key: str, file_name: str | None = None) -> bytes | None:
        """Return what a session file holds, or None; `file_name` is its name where it is not one that we give it.

        Raises NotAFile for a folder, a symbolic link and the like, and for a file whose seal is broken.
        """
        data = read_file(file_name or self.name_of(key), self.handle)
        if data is None and file_name is None and (others := self.other_names(key)):
            found = (read_file(name, self.handle) for name in (*others, self.name_of(key)))  # which it may have by now
            data = next((each for each in found if each is not None), None)
        return self._open(data, key)

    def read_large(self, file_name: str, key: str) -> bytes | None:
        """Return a large value that is not its key's file yet, or None if it is, or was removed."""
        return self._open(read_file(file_name, self.ours), key)

    def _open(self, data: bytes | None, key: str) -> bytes | None:
        return None if data is None else self.codec.open(data, "value", self.id, key)

    def _seal(self, value: bytes, key: str) -> bytes:
        return self.codec.seal(value, "value", self.id, key)

    def respell(self, file_name: str, key: str) -> None:
        """Give a session file the name that we give it. Raises NotAFile where it is broken."""
        if self.codec.is_bound:
            value = self.read(key, file_name)
            if value is not None:
                self.replace([file_name], {key: value})
        else:
            os.rename(file_name, self.name_of(key), src_dir_fd=self.handle, dst_dir_fd=self.handle)

    def replace(self, names: Iterable[str], values: Mapping[str, bytes]) -> None:
        """Write session files anew, durably, and only then remove those that had other names."""
        self._write(values)
        self.sync()
        self._remove(names)
        self.sync()

    def write(self, values: Mapping[str, bytes]) -> None:
        """Write session files, each whole or not at all. `sync` makes their names durable."""
        self._write(values)
        for key in values:
            self._remove(self.other_names(key))

    def _write(self, values: Mapping[str, bytes]) -> None:
        if self.is_synced and len(values) >= MANY:
            self._write_together(values)
        else:
            for key, value in values.items():
                with self.unfinished_file(self._seal(value, key), sync=self.is_synced) as temporary:
                    self._become(temporary, key)

    def _write_together(self, values: Mapping[str, bytes]) -> None:
        """Write many files with one sync of the file system for all: 4,000 new ones take half of the time."""
        ours = self.ours
        unfinished: dict[str, str] = {}
        try:  # not a block for each: two context managers a file cost three times what the rest does
            for key, value in values.items():
                temporary = self._unfinished.new()
                write_new(temporary, ours, self._seal(value, key), sync=False)
                unfinished[key] = temporary
            sync_file_system(self.handle)
            for key in values:
                self._become(unfinished[key], key)
                del unfinished[key]
        finally:
            for temporary in unfinished.values():
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=ours)

    @contextmanager
    def unfinished_file(self, data: bytes, *, sync: bool) -> Iterator[str]:
        """Write a file for a block that gives it another name; on an error it is removed."""
        temporary = self._unfinished.new()
        write_new(temporary, self.ours, data, sync=sync)
        with removed_on_error(temporary, self.ours):
            yield temporary

    def write_large(self, value: bytes, key: str) -> str:
        """Write a large value to a file, durably, and return its name; `put_large` makes it the key's own."""
        name = self._unfinished.large()
        write_new(name, self.ours, self._seal(value, key), sync=self.is_synced)
        with removed_on_error(name, self.ours):
            if self.is_synced:
                os.fsync(self.ours)
        return name

    def put_large(self, file_name: str, key: str, size: int) -> bool:
        """Let a large value of so many bytes become a session file; tell whether it is one then."""
        ours = self.ours  # which is there: only the file in it may be missing
        if stands_in(file_name, ours):
            if self.codec.is_bound and self._unfinished.is_left_over(file_name):
                self._seal_again(file_name, key)
            else:
                self._become(file_name, key)
            self._remove(self.other_names(key))
            return True
        name = self.standing(key)  # it may have become one before the checkpoint failed, or the worker ended
        if name is None:
            return False
        found = os.stat(name, dir_fd=self.handle, follow_symlinks=False).st_size
        return self.codec.size_in(found, name) == size

    def _seal_again(self, file_name: str, key: str) -> None:
        """Let a large value of an earlier start become a session file: there may be another key since then."""
        try:
            value = self.read_large(file_name, key)
        except NotAFile:
            self._become(file_name, key)  # whoever reads it sees to that
        else:
            self._write({key: value or b""})
            self.sync()  # the journal names the large file alone
            self.remove_large(file_name)

    def _become(self, temporary: str, key: str) -> None:
        name = self.name_of(key)
        self.codec.keep_name(key, "key", self.id)
        try:
            os.rename(temporary, name, src_dir_fd=self.ours, dst_dir_fd=self.handle)
        except IsADirectoryError:
            self.set_aside(name)
            os.rename(temporary, name, src_dir_fd=self.ours, dst_dir_fd=self.handle)

    def remove(self, key: str) -> None:
        """Remove a session file, if it is there. A folder in its place is set aside."""
        self._remove([self.name_of(key), *self.other_names(key)])

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
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
