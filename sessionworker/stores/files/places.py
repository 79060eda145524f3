"""Where things lie in a store. Paths are relative to its folder.

codechat/Loja São/creds        group / instance / key, named as `file_names` says; see `folder`
.sessionworker/                ours:
    lock, token                    who has the store; what clients must send
    journal/                       what is not in its files yet
    dropped/                       instances that were dropped; see `drops`
    purged/                        erased: what is in it goes
    lost/                          values of instances whose folders are nowhere, for a person to look at
    new/                           folders that are being made
    probe                          what a health check writes
    events                         what happened lately; see `stores.rules.events`
    summary                        what each instance holds; see `tallies`
    seals                          with which keys all of this is sealed; see `sealing`
    copy                           whether all of a copy is there; see `copied`
    replacing                      which instance is taking the place of which; see `replacing`
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field

from sessionworker.disk import (
    make_folder,
    opened_folder,
    read_file,
    remove_if_there,
    remove_tree,
    removed_on_error,
    stands_in,
    write_new,
)
from sessionworker.file_names import OURS
from sessionworker.stores.files.codec import Codec
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.identity import Identity
from sessionworker.stores.files.unfinished import UnfinishedNames

JOURNAL = f"{OURS}/journal"
DROPPED = f"{OURS}/dropped"
PURGED = f"{OURS}/purged"
LOST = f"{OURS}/lost"
NEW = f"{OURS}/new"
PROBE = f"{OURS}/probe"

EVENTS, SUMMARY, SEALS, REPLACING = "events", "summary", "seals", "replacing"
"""The names of files in it that are replaced as a whole."""

_FOLDERS = (JOURNAL, DROPPED, PURGED, LOST, NEW)


@dataclass(frozen=True)
class Places:
    """The folder of one store, open."""

    root: int
    codec: Codec
    """How names and values lie here."""
    unfinished: UnfinishedNames
    is_synced: bool
    """Whether what is changed waits for the disk."""
    _doubts: dict[str, tuple[str, tuple[int, int] | None]] = field(default_factory=dict)

    # Paths of groups and instances, and their names

    def group_path(self, group: str) -> str:
        """Return the path that we give a group."""
        return self.codec.encode_name(group, "group")

    def group_at(self, path: str) -> str | None:
        """Return the name of the group that a path means, or None."""
        return self.codec.decode_name(path, "group")

    def instance_path(self, folder: str, group: str, name: str) -> str:
        """Return the path that we give an instance of a group in a folder, which is the group's."""
        return f"{folder}/{self.codec.encode_name(name, 'instance', group)}"

    def instance_at(self, group: str, file_name: str) -> str | None:
        """Return the name of the instance that a name in a folder of a group means, or None."""
        return self.codec.decode_name(file_name, "instance", group)

    def keep_names(self, group: str, *instances: str) -> None:
        """See that the paths of a group and of its instances can be decoded, before folders have them.

        Raises OSError.
        """
        self.codec.keep_name(group, "group")
        for name in instances:
            self.codec.keep_name(name, "instance", group)

    # Folders

    def make_ours(self) -> None:
        """Make the worker's own folders, where they are missing. Raises OSError."""
        with suppress(FileExistsError):
            os.mkdir(OURS, 0o700, dir_fd=self.root)
        self.sync(".")
        there = self.folders(OURS)
        for path in _FOLDERS:
            if os.path.basename(path) not in there:
                self.make(path)
        self.sync(OURS)

    def make(self, path: str) -> None:
        """Make a folder if it is missing, durably; the one above it is there. Raises OSError."""
        with opened_folder(_above(path), self.root) as folder:
            make_folder(os.path.basename(path), folder, sync=self.is_synced)
        self.trust(path)

    def move(self, old: str, new: str) -> None:
        """Rename a folder, at once and whole. `sync_above` makes it durable. Raises OSError."""
        os.rename(old, new, src_dir_fd=self.root, dst_dir_fd=self.root)

    def sync(self, *folders: str) -> None:
        """Make the names in some folders durable. Raises OSError."""
        for path in dict.fromkeys(folders) if self.is_synced else ():
            with opened_folder(path, self.root) as folder:
                os.fsync(folder)

    def sync_above(self, *paths: str) -> None:
        """Make the names at the end of some paths durable. Raises OSError."""
        self.sync(*map(_above, paths))

    def identity(self, path: str) -> tuple[int, int] | None:
        """Return the device and the inode of what stands at a path, or None. Raises OSError."""
        try:
            status = os.lstat(path, dir_fd=self.root)
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def respell(self, old: str, new: str) -> None:
        """Give a folder another name beside its old one; where that fails, both are in doubt. Raises OSError."""
        identity = self.identity(old)
        try:
            self.move(old, new)
        except OSError:
            self.doubt(old, new, identity)
            raise

    def doubt(self, path: str, other: str, identity: tuple[int, int] | None) -> None:
        """Note that a move failed: a folder is taken to be at `path`, and may be at `other`, now or after a crash."""
        self._doubts[path] = other, identity
        self._doubts.pop(other, None)

    @property
    def in_doubt(self) -> list[str]:
        """The paths of folders that may be elsewhere."""
        return list(self._doubts)

    def is_elsewhere(self, path: str) -> bool:
        """Tell whether a folder, or one above it, is taken to be elsewhere, to which it could not be moved back yet."""
        others = {other for other, _ in list(self._doubts.values())}
        return not others.isdisjoint(_steps(path))

    def put_back(self, path: str) -> None:
        """Move a folder, and each one above it, to where it is taken to be, if a failed move left it elsewhere.

        Raises OSError.
        """
        for place in _steps(path):
            other, identity = self._doubts.get(place, ("", None))
            if other and not stands_in(place, self.root) and identity and self.identity(other) == identity:
                self.move(other, place)

    def settle(self, path: str) -> None:
        """Make durable what a failed move left at a path, or at that of a folder above it. Raises OSError.

        Nothing may be said before that rests on what is there, or is not.
        """
        for place in _steps(path):
            if any(place in {path, other} for path, (other, _) in self._doubts.items()):
                self.sync_above(place)
                self.trust(place)

    def settle_in(self, folder: str) -> None:
        """Make durable what failed moves left in a folder, or took out of it again. Raises OSError.

        Else the folder could be gone after a power cut with what it no longer holds.
        """
        for path, (other, _) in list(self._doubts.items()):
            if path.startswith(f"{folder}/") or other.startswith(f"{folder}/"):
                self.sync_above(path)
                self.trust(path)

    def trust(self, *paths: str) -> None:
        """Note that it is durable what lies at some paths."""
        for path, (other, _) in list(self._doubts.items()):
            if path in paths or other in paths:
                del self._doubts[path]

    def folders(self, path: str) -> list[str]:
        """Return the names of the folders in a folder; symbolic links are none. Raises OSError."""
        with opened_folder(path, self.root) as folder, os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def discard(self, path: str) -> None:
        """Remove something of ours that was not finished, as far as possible."""
        with suppress(OSError), opened_folder(_above(path), self.root) as folder:
            remove_tree(os.path.basename(path), folder)

    def read_ours(self, name: str, largest: int) -> bytes | None:
        """Return what a file of ours holds; None for none, or one of more bytes than `largest`. Raises OSError."""
        data = None
        with opened_folder(OURS, self.root) as ours, suppress(FileNotFoundError):
            if os.lstat(name, dir_fd=ours).st_size <= largest:
                data = read_file(name, ours)
        return None if data is None else self.codec.open(data, "ours", name)

    def replace_ours(self, name: str, value: bytes) -> None:
        """Write a file of ours, whole or not at all: after a power cut it is the new one or the old. Raises OSError."""
        with opened_folder(OURS, self.root) as ours:
            unfinished = f"{name}.new"
            remove_if_there(unfinished, ours)
            write_new(unfinished, ours, self.codec.seal(value, "ours", name), sync=self.is_synced)
            with removed_on_error(unfinished, ours):
                os.rename(unfinished, name, src_dir_fd=ours, dst_dir_fd=ours)

    def open(self, path: str) -> Folder:
        """Open an instance's folder. Raises OSError."""
        return Folder(path, self.root, self.codec, self.unfinished, sync=self.is_synced)

    def make_instance(self, path: str, id_: str, group: str, name: str) -> os.stat_result:
        """Make an instance's folder, empty but for its id; return its status then. Raises OSError."""
        new = f"{NEW}/{id_}"
        identity = 0, 0
        try:
            self.make(new)
            with self.open(new) as folder:
                identity = folder.identity
                Identity(folder).begin(id_, identity[1], group, name)
                status = os.fstat(folder.handle)
            self.keep_names(group, name)
            self.move(new, path)
            self.sync_above(path)
            self.trust(path)
        except BaseException:
            self._take_back(path, identity, new)
            self.discard(new)
            raise
        return status

    def _take_back(self, path: str, identity: tuple[int, int], new: str) -> None:
        """After a failure: move a folder back that is in its place all the same, as far as possible."""
        with suppress(OSError), self.open(path) as folder:
            if folder.identity == identity:
                self.move(path, new)


def _steps(path: str) -> list[str]:
    """Return a path, and that of each folder above it, the store's own left out; from the top."""
    names = path.split("/")
    return ["/".join(names[: count + 1]) for count in range(len(names))]


def _above(path: str) -> str:
    return os.path.dirname(path) or "."
