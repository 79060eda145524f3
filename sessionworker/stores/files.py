"""The file store: one plain file for each key, in one folder for each instance.

    <store>/codechat/sales/creds       group / instance / key, names escaped as `names` says
    <store>/.sessionworker/            ours: the lock, the token

One process owns a store, by a lock on a file that the kernel lets go of when the process ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from sessionworker.errors import (
    NoSpace,
    NoSuchGroup,
    NoSuchInstance,
    StartError,
    StoreUnavailable,
    WorkerError,
)
from sessionworker.names import SessionFile, decode_name, encode_name
from sessionworker.stores.disk import TEMPORARY_PREFIX, is_full, sync_folder, write_whole
from sessionworker.stores.interface import Change, CreateGroup, CreateInstance, Delete, DropInstance, Write

OURS = ".sessionworker"
"""The folder in the store that is the worker's own."""


class FileStore:
    """Session files as files. See the module for the layout, and `interface.Store` for the contract."""

    def __init__(self, folder: Path, *, sync: bool = True, report: Callable[[str], None] = lambda _: None) -> None:
        """Take ownership of `folder`, made if missing, and tidy what a crash left.

        `sync` tells whether a commit waits for the disk; `report` takes a line for the operator. Raises StartError
        when the folder is owned by another process or cannot be used.
        """
        self._root = str(folder)
        self.ours = folder / OURS
        self._sync = sync
        self._report = report
        self._groups: dict[str, set[str]] = {}
        try:
            self.ours.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.ours / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"The store {folder} cannot be used: {error.strerror}.") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StartError(f"The store {folder} is in use by another worker.") from None
        try:
            self._look_around()
        except OSError as error:
            os.close(self._lock)
            raise StartError(f"The store {folder} cannot be read: {error.strerror} ({error.filename}).") from None

    def close(self) -> None:
        """Let go of the store."""
        os.close(self._lock)

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted. Raises NoSuchGroup."""
        try:
            return sorted(self._groups[group])
        except KeyError:
            raise NoSuchGroup from None

    def read(self, file: SessionFile) -> bytes | None:
        """Return a value, or None. Raises NoSuchGroup, NoSuchInstance or StoreUnavailable."""
        self._check_instance(file.group, file.instance)
        try:
            with open(self._path(*file), "rb", buffering=0) as opened:
                return opened.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._report(f"A session file could not be read: {error.strerror}.")
            raise StoreUnavailable from None

    def commit(self, changes: Sequence[Change]) -> list[WorkerError | None]:
        """Make changes durable, in their order; see `interface.Store`."""
        outcomes: list[WorkerError | None] = []
        to_sync: dict[str, list[int]] = {}
        for number, change in enumerate(changes):
            try:
                folder = self._apply(change)
            except OSError as error:
                outcomes.append(self._failure(error))
            except WorkerError as error:
                outcomes.append(error)
            else:
                outcomes.append(None)
                if folder is not None and self._sync:
                    to_sync.setdefault(folder, []).append(number)
        for folder, numbers in to_sync.items():
            try:
                sync_folder(folder)
            except FileNotFoundError:
                continue  # dropped by a later change of the same commit
            except OSError as error:
                for number in numbers:
                    outcomes[number] = self._failure(error)
        return outcomes

    def _apply(self, change: Change) -> str | None:
        """Apply one change; return the folder whose names it changed."""
        match change:
            case Write(file, value):
                self._check_instance(file.group, file.instance)
                folder = self._path(file.group, file.instance)
                write_whole(folder, encode_name(file.key), value, sync=self._sync)
                return folder
            case Delete(file):
                try:
                    os.unlink(self._path(*file))
                except (FileNotFoundError, NotADirectoryError):
                    return None
                return self._path(file.group, file.instance)
            case CreateGroup(group):
                if group in self._groups:
                    return None
                os.makedirs(self._path(group), mode=0o700, exist_ok=True)
                self._groups[group] = set()
                return self._root
            case CreateInstance(group, instance):
                if instance in self._groups.get(group, ()):
                    return None
                os.makedirs(self._path(group), mode=0o700, exist_ok=True)
                os.makedirs(self._path(group, instance), mode=0o700, exist_ok=True)
                if self._sync and group not in self._groups:
                    sync_folder(self._root)
                self._groups.setdefault(group, set()).add(instance)
                return self._path(group)
            case DropInstance(group, instance):
                if instance not in self._groups.get(group, ()):
                    return None
                shutil.rmtree(self._path(group, instance))
                self._groups[group].discard(instance)
                return self._path(group)

    def _failure(self, error: OSError) -> WorkerError:
        self._report(f"A change could not be stored: {error.strerror}.")
        return NoSpace() if is_full(error) else StoreUnavailable()

    def _check_instance(self, group: str, instance: str) -> None:
        if instance not in self._groups.get(group, ()):
            raise NoSuchInstance if group in self._groups else NoSuchGroup

    def _path(self, *names: str) -> str:
        return "/".join((self._root, *map(encode_name, names)))

    def _look_around(self) -> None:
        """Learn which groups and instances there are, sweep unfinished writes, and take over foreign names."""
        for group in self._tidy(self._root, folders=True):
            self._groups[group] = set(self._tidy(self._path(group), folders=True))
            for instance in self._groups[group]:
                self._tidy(self._path(group, instance), folders=False)

    def _tidy(self, folder: str, *, folders: bool) -> list[str]:
        """Return the names in a folder, after giving each file the name that we would have given it."""
        names = []
        for entry in list(os.scandir(folder)):
            if entry.name.startswith(TEMPORARY_PREFIX):
                os.unlink(entry.path)
                continue
            name = decode_name(entry.name)
            if name is None or entry.is_dir() != folders:
                continue
            if (ours := encode_name(name)) != entry.name and not os.path.lexists(f"{folder}/{ours}"):
                os.rename(entry.path, f"{folder}/{ours}")
            names.append(name)
        return names
