"""One instance's folder, open: what is done here goes with it, wherever it is moved meanwhile.

creds, pre-key-1, ...          a key each
.sessionworker/                ours:
    id-<32 hexadecimal digits>     the instance's id, as the name of an empty file
    versions/                      `creds` as they were, one file a version
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

_ID = "id-"
_OF, _WHOLE = "of", "whole"  # what is proven in it
_BROKEN, _OLD_BROKEN = "broken", ".aside"

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
        try:
            names = os.listdir(self.ours)
        except FileNotFoundError:
            return []
        return [name.removeprefix(_ID) for name in names if name.startswith(_ID)]

    def begin(self, new_id: str, group: str, instance: str) -> None:
        """Give a new folder its id and prove whose it is, durably."""
        make_folder(OURS, self.handle, sync=self.is_synced)
        mark = self.codec.mark
        self._add_id(new_id, mark(_OF, new_id, group, instance) + mark(_WHOLE, new_id))

    def take_over(self, new_id: str, group: str, instance: str) -> None:
        """Give a folder its id, and what 0.1.0 left in it its place. Both are durable then, the id last."""
        make_folder(OURS, self.handle, sync=self.is_synced)
        for old, new in ((OLD_VERSIONS, VERSIONS), (_OLD_BROKEN, _BROKEN)):
            with suppress(FileNotFoundError, NotADirectoryError), opened_folder(old, self.handle):
                if not stands_in(new, self.ours):
                    os.rename(old, new, src_dir_fd=self.handle, dst_dir_fd=self.ours)
        self._add_id(new_id, self.codec.mark(_OF, new_id, group, instance))

    def _add_id(self, new_id: str, marks: bytes) -> None:
        write_new(f"{_ID}{new_id}", self.ours, marks, sync=self.is_synced and bool(marks))
        self.settle()

    def is_of(self, group: str, instance: str) -> bool:
        """Tell whether it is proven to be an instance's, or has no id yet."""
        ids = self.ids() if self.codec.is_bound else []
        return all(self.codec.is_proven(self._marks(id_), _OF, id_, group, instance) for id_ in ids)

    def prove(self, group: str, *instances: str, is_whole: bool = False) -> None:
        """Prove durably that it is an instance's, of whichever of these names, and of no other.

        `is_whole` tells that all in it is as the codec writes it now, which else is told only if it was before.
        """
        whole, before = self.codec.mark(_WHOLE, self.id), self._marks(self.id)
        marks = b"".join(self.codec.mark(_OF, self.id, group, name) for name in dict.fromkeys(instances))
        marks += whole if is_whole or whole in before else b""
        if marks != before:
            with self.unfinished_file(marks, sync=self.is_synced) as temporary:
                os.rename(temporary, f"{_ID}{self.id}", src_dir_fd=self.ours, dst_dir_fd=self.ours)
            self.settle()

    def _marks(self, id_: str) -> bytes:
        return read_file(f"{_ID}{id_}", self.ours) or b""

    def change_id(self, old_id: str, new_id: str) -> None:
        """Put an id in the place of another."""
        os.rename(f"{_ID}{old_id}", f"{_ID}{new_id}", src_dir_fd=self.ours, dst_dir_fd=self.ours)
        if self.is_synced:
            os.fsync(self.ours)

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

    def has(self, key: str) -> bool:
        """Tell whether anything stands in a key's place."""
        return stands_in(self.name_of(key), self.handle)

    def read(self, key: str, file_name: str | None = None) -> bytes | None:
        """Return what a session file holds, or None; `file_name` is its name where it is not the one that we give it.

        Raises NotAFile for a folder, a symbolic link and the like, and for a file whose seal is broken.
        """
        return self._open(read_file(file_name or self.name_of(key), self.handle), key)

    def read_large(self, file_name: str, key: str) -> bytes | None:
        """Return a large value that is not its key's file yet, or None if it is, or was removed."""
        return self._open(read_file(file_name, self.ours), key)

    def _open(self, data: bytes | None, key: str) -> bytes | None:
        return None if data is None else self.codec.open(data, "value", self.id, key)

    def _seal(self, value: bytes, key: str) -> bytes:
        return self.codec.seal(value, "value", self.id, key)

    def rename(self, old: str, new: str) -> None:
        """Give a session file another file name."""
        os.rename(old, new, src_dir_fd=self.handle, dst_dir_fd=self.handle)

    def write(self, values: Mapping[str, bytes]) -> None:
        """Write session files, each whole or not at all. `sync` makes their names durable."""
        if self.is_synced and len(values) >= MANY:
            self._write_together(values)
        else:
            for key, value in values.items():
                with self.unfinished_file(self._seal(value, key), sync=self.is_synced) as temporary:
                    self._become(temporary, self.name_of(key))

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
                self._become(unfinished[key], self.name_of(key))
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
        ours, name = self.ours, self.name_of(key)  # the folder is there: only the file in it may be missing
        if stands_in(file_name, ours):
            self._become(file_name, name)
            return True
        try:  # it may have become one before the checkpoint failed, or the worker ended
            found = os.stat(name, dir_fd=self.handle, follow_symlinks=False).st_size
            return self.codec.size_in(found) == size
        except FileNotFoundError:
            return False

    def _become(self, temporary: str, name: str) -> None:
        try:
            os.rename(temporary, name, src_dir_fd=self.ours, dst_dir_fd=self.handle)
        except IsADirectoryError:
            self.set_aside(name)
            os.rename(temporary, name, src_dir_fd=self.ours, dst_dir_fd=self.handle)

    def remove(self, key: str) -> None:
        """Remove a session file, if it is there. A folder in its place is set aside."""
        name = self.name_of(key)
        try:
            remove_if_there(name, self.handle)
        except IsADirectoryError:
            self.set_aside(name)

    def remove_large(self, file_name: str) -> None:
        """Remove a large value that is no key's."""
        remove_if_there(file_name, self.ours)

    def set_aside(self, name: str) -> bool:
        """Move what stands in a key's place to where a person can look at it; tell whether there was something."""
        make_folder(_BROKEN, self.ours, sync=self.is_synced)
        with opened_folder(_BROKEN, self.ours) as broken:
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
