"""The file store: one plain file for each key, in one folder for each instance.

    <store>/codechat/sales/creds       group / instance / key, names escaped as `names` says
    <store>/.sessionworker/            ours: the lock, the token, the journal, dropped instances

A commit is one synced append to the journal, and then the new state in memory, where reads find it. A checkpoint brings
it into the files, the latest value of each key only, and lets go of the journal. What the memory holds beyond that are
copies, bounded, of what the disk says: names and recent values of the instances in use.

One process owns a store, by a lock on a file that the kernel lets go of when the process ends.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from sessionworker.errors import (
    NoSpace,
    NoSuchGroup,
    NoSuchInstance,
    StartError,
    StoreUnavailable,
    WorkerError,
)
from sessionworker.names import SessionFile, decode_name, encode_name
from sessionworker.stores.disk import TEMPORARY_PREFIX, is_full, make_folder, remove_if_there, sync_folder, write_whole
from sessionworker.stores.interface import (
    UNKNOWN,
    Change,
    CreateGroup,
    CreateInstance,
    Delete,
    DropInstance,
    Unknown,
    Write,
)
from sessionworker.stores.journal import SEGMENT_SIZE, Journal
from sessionworker.stores.memory import KnownNames, RecentValues

OURS = ".sessionworker"
"""The folder in the store that is the worker's own."""

LAG_SECONDS = 5.0
"""How long a file may lag behind what was acknowledged for it, while the disk keeps up."""

LARGEST_JOURNAL = 128 * 2**20
"""Bytes that the journal may hold; a commit that would pass it waits for a checkpoint."""

LARGEST_BACKLOG = 64 * 2**20
"""Bytes of values that may wait in memory for their files; a commit that would pass it waits for a checkpoint."""

MOST_KNOWN_NAMES = 4_000_000
"""Names of session files that are remembered, eight bytes each."""


class _Frame(msgspec.Struct, array_like=True):
    """What one record of the journal holds: the time of a commit in milliseconds, and its changes."""

    when: int
    changes: list[Change]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Frame)


class _Instance:
    """An instance, from its creation to its drop. One that is made again under the same name is another one."""

    __slots__ = ("dropped_as", "folder", "group", "is_on_disk", "known", "name", "saving", "unsaved", "writes")

    def __init__(self, group: str, name: str, folder: str, *, is_on_disk: bool) -> None:
        self.group = group
        self.name = name
        self.folder = folder
        self.is_on_disk = is_on_disk
        self.unsaved: dict[str, bytes | None] = {}  # committed and not in its file yet; None: deleted
        self.saving: dict[str, bytes | None] = {}  # the same, and the checkpoint under way is about them
        self.known: KnownNames | None = None if is_on_disk else KnownNames()  # None: the folder was not listed yet
        self.writes = 0
        self.dropped_as = ""


class FileStore:
    """Session files as files. See the module for the layout, and `interface.Store` for the contract."""

    def __init__(
        self,
        folder: Path,
        *,
        sync: bool = True,
        report: Callable[[str], None] = lambda _: None,
        segment_size: int = SEGMENT_SIZE,
    ) -> None:
        """Take ownership of `folder`, made if missing, and bring what the journal holds into the files.

        `sync` tells whether a commit waits for the disk; `report` takes a line for the operator. Raises StartError
        when the folder is owned by another process or cannot be used.
        """
        folder = folder.absolute()
        self._root = str(folder)
        self.ours = folder / OURS
        self._sync = sync
        self._segment_size = segment_size
        self._report = report
        self._groups: dict[str, dict[str, _Instance]] = {}
        self._new_groups: set[str] = set()
        self._to_save: dict[_Instance, None] = {}  # in the order in which they first changed
        self._backlog = 0
        self._moving: dict[str, _Instance] = {}  # dropped, and not moved out of their folders' places yet
        self._recent = RecentValues()
        self._known_names = 0
        self._last_when = 0
        self._refusal: WorkerError | None = None
        self._is_broken = False
        self._state_lock = threading.Lock()  # over the journal's end and the state in memory that belongs to it
        self._checkpoint_lock = threading.Lock()
        self._memory_lock = threading.Lock()  # over what is remembered of the disk
        self._wake = threading.Event()
        self._closing = False
        self._is_closed = False
        try:
            make_folder(self.ours, sync=sync)
            self._lock = os.open(self.ours / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"The store {folder} cannot be used: {error.strerror}.") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._open()
        except BlockingIOError:
            os.close(self._lock)
            raise StartError(f"The store {folder} is in use by another worker.") from None
        except OSError as error:
            os.close(self._lock)
            raise StartError(f"The store {folder} cannot be used: {error.strerror} ({error.filename}).") from None
        except StartError:
            os.close(self._lock)
            raise

    def _open(self) -> None:
        """Learn which groups and instances there are, and finish what a crash left in the journal."""
        for group in self._list_folders(self._root):
            folder = self._path(group)
            self._groups[group] = {
                name: _Instance(group, name, f"{folder}/{encode_name(name)}", is_on_disk=True)
                for name in self._list_folders(folder)
            }
        self._journal = Journal(self.ours / "journal", sync=self._sync, segment_size=self._segment_size)
        replayed = 0
        for payload in self._journal.replay(self._report):
            frame = _decoder.decode(payload)
            self._apply(frame, is_replay=True)
            replayed += len(frame.changes)
        self._journal.open()
        if replayed:
            self._report(
                f"The worker did not end cleanly: {replayed} changes are brought from the journal into the files."
            )
            for instance in self._to_save:
                self._sweep(instance.folder)
            self._checkpoint(even_if_empty=True)

    def close(self) -> None:
        """Bring everything into the files and let go of the store."""
        self._closing = True
        self._wake.set()
        try:
            self.checkpoint()
        except OSError as error:
            self._report(f"The files could not follow: {error.strerror}. The journal is kept for the next start.")
        with self._checkpoint_lock:
            self._is_closed = True
            self._journal.close()
            os.close(self._lock)

    # Reading

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted. Raises NoSuchGroup."""
        try:
            return sorted(self._groups[group])
        except KeyError:
            raise NoSuchGroup from None

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return a value, None, or UNKNOWN; see `interface.Store`. Waits for nothing."""
        return self._recall(self._find(file.group, file.instance), file.key)

    def _recall(self, instance: _Instance, key: str) -> bytes | Literal[Unknown.UNKNOWN] | None:
        # In the direction in which a checkpoint moves values meanwhile, so that none is missed on its way.
        for values in (instance.unsaved, instance.saving):
            if key in values:
                return values[key]
        recent = self._recent.get((instance, key))
        if recent is not None:
            return recent
        known = instance.known
        return None if known is not None and key not in known else UNKNOWN

    def read(self, file: SessionFile) -> bytes | None:
        """Return a value, or None. Raises NoSuchGroup, NoSuchInstance or StoreUnavailable."""
        instance = self._find(file.group, file.instance)
        try:
            if instance.known is None:
                self._learn_names(instance)
            value = self._recall(instance, file.key)
            if value is not UNKNOWN:
                return value
            writes = instance.writes
            value = self._read_file(f"{instance.folder}/{encode_name(file.key)}")
        except OSError as error:
            self._report(f"A session file could not be read: {error.strerror}.")
            raise StoreUnavailable from None
        if value is not None:
            with self._memory_lock:
                if instance.writes == writes:  # else a newer value may be on its way
                    self._recent.put((instance, file.key), value)
        return value

    def _read_file(self, path: str) -> bytes | None:
        try:
            with open(path, "rb", buffering=0) as opened:
                return opened.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _find(self, group: str, name: str) -> _Instance:
        try:
            return self._groups[group][name]
        except KeyError:
            raise NoSuchInstance if group in self._groups else NoSuchGroup from None

    def _learn_names(self, instance: _Instance) -> None:
        """List an instance's folder, so that a read of a key that does not exist need not ask the disk."""
        with self._memory_lock:
            if instance.known is not None:
                return
            is_of_another = self._moving.get(instance.folder, instance) is not instance
            names = [] if is_of_another else self._list_files(instance.folder)
            with self._state_lock:  # no write is applied between the listing and its use
                known = KnownNames(names)
                for key in (*instance.saving, *instance.unsaved):
                    known.add(key)
                if self._known_names + len(known) > MOST_KNOWN_NAMES:
                    self._forget_names()
                self._known_names += len(known)
                instance.known = known

    def _forget_names(self) -> None:
        for instances in self._groups.values():
            for instance in instances.values():
                instance.known = None
        self._known_names = 0

    # Committing

    def commit(self, changes: Sequence[Change]) -> list[WorkerError | None]:
        """Make changes durable, in their order; see `interface.Store`."""
        if self._backlog > LARGEST_BACKLOG or self._journal.size > LARGEST_JOURNAL:
            self._try_checkpoint()
        with self._state_lock:
            outcomes, accepted = self._judge(changes)
            if accepted:
                frame = _Frame(max(self._last_when + 1, time.time_ns() // 1_000_000), accepted)
                error = self._append(frame)
                if error is not None:
                    return [outcome or error for outcome in outcomes]
                self._apply(frame)
        if self._journal.is_full or self._backlog > LARGEST_BACKLOG // 2:
            self._wake.set()
        return outcomes

    def _judge(self, changes: Sequence[Change]) -> tuple[list[WorkerError | None], list[Change]]:
        """Return each change's outcome, and the changes to make: most creations and many deletions change nothing."""
        exists: dict[tuple[str, str], bool] = {}  # where the changes before this one made a difference
        written: set[SessionFile] = set()
        outcomes: list[WorkerError | None] = []
        accepted: list[Change] = []
        for change in changes:
            needs_room = isinstance(change, Write | CreateGroup | CreateInstance)
            is_needed = True
            outcome: WorkerError | None = None
            match change:
                case CreateGroup(group):
                    is_needed = group not in self._groups
                case CreateInstance(group, name):
                    is_needed = not exists.get((group, name), name in self._groups.get(group, ()))
                    exists[group, name] = True
                case DropInstance(group, name):
                    is_needed = exists.get((group, name), name in self._groups.get(group, ()))
                    exists[group, name] = False
                case Write(file, _):
                    if not exists.get((file.group, file.instance), file.instance in self._groups.get(file.group, ())):
                        outcome = NoSuchInstance() if file.group in self._groups else NoSuchGroup()
                    written.add(file)
                case Delete(file):
                    instance = self._groups.get(file.group, {}).get(file.instance)
                    is_needed = file in written or (
                        instance is not None and self._recall(instance, file.key) is not None
                    )
            if outcome is None and is_needed:
                outcome = StoreUnavailable() if self._is_broken else self._refusal if needs_room else None
                if outcome is None:
                    accepted.append(change)
            outcomes.append(outcome)
        return outcomes, accepted

    def _append(self, frame: _Frame) -> WorkerError | None:
        """Write a frame to the journal; on an error nothing of it stays."""
        try:
            self._journal.append(_encoder.encode(frame))
        except OSError as error:
            self._report(f"The journal could not be written: {error.strerror}.")
            try:
                self._journal.undo_append()
            except OSError:
                self._is_broken = True
            # After a failed sync nobody knows what the disk holds (fsync(2)), so nothing is tried again on it.
            if not is_full(error):
                self._is_broken = True
            if self._is_broken:
                self._report("No more changes are accepted. Check the disk, then start the worker again.")
            return NoSpace() if is_full(error) else StoreUnavailable()
        return None

    def _apply(self, frame: _Frame, *, is_replay: bool = False) -> None:
        """Bring the state in memory up to a frame that is in the journal."""
        self._last_when = frame.when
        for number, change in enumerate(frame.changes):
            match change:
                case Write(file, value):
                    if is_replay:  # it may have been dropped later, and moved, before the crash
                        self._make_instance(file.group, file.instance)
                    self._set(self._groups[file.group][file.instance], file.key, value)
                case Delete(file):
                    instance = self._groups.get(file.group, {}).get(file.instance)
                    if instance is not None:
                        self._set(instance, file.key, None)
                case CreateGroup(group):
                    self._make_group(group)
                case CreateInstance(group, name):
                    self._make_instance(group, name)
                case DropInstance(group, name):
                    instance = self._groups.get(group, {}).pop(name, None)
                    if instance is not None:
                        instance.dropped_as = f"{frame.when}-{number}"
                        self._moving.setdefault(instance.folder, instance)
                        self._to_save[instance] = None

    def _make_group(self, group: str) -> None:
        if group not in self._groups:
            self._groups[group] = {}
            self._new_groups.add(group)

    def _make_instance(self, group: str, name: str) -> None:
        self._make_group(group)
        if name not in self._groups[group]:
            folder = self._path(group, name)
            is_on_disk = folder not in self._moving and os.path.isdir(folder)
            instance = self._groups[group][name] = _Instance(group, name, folder, is_on_disk=is_on_disk)
            self._to_save[instance] = None

    def _set(self, instance: _Instance, key: str, value: bytes | None) -> None:
        self._backlog += len(value or b"") - len(instance.unsaved.get(key) or b"")
        instance.writes += 1
        if instance.known is not None:
            instance.known.add(key)
        instance.unsaved[key] = value
        self._to_save[instance] = None

    # Checkpoints

    def maintain(self) -> None:
        """Run a checkpoint every few seconds, or sooner when much waits, until `close` is called."""
        while not self._closing:
            self._wake.wait(LAG_SECONDS)
            self._wake.clear()
            if not self._closing:
                self._try_checkpoint()

    def _try_checkpoint(self) -> None:
        """Run a checkpoint; while it fails, refuse what would make more of them necessary."""
        try:
            self.checkpoint()
        except OSError as error:
            if self._refusal is None:
                self._report(
                    f"The files cannot follow the journal: {error.strerror}. Writes are refused until they can."
                )
            self._refusal = NoSpace() if is_full(error) else StoreUnavailable()
        else:
            if self._refusal is not None:
                self._report("The files follow the journal again. Writes are accepted.")
            self._refusal = None

    def checkpoint(self) -> None:
        """Bring what was committed until now into the files, and let go of its part of the journal. Raises OSError."""
        self._checkpoint(even_if_empty=False)

    def _checkpoint(self, *, even_if_empty: bool) -> None:
        with self._checkpoint_lock:
            if self._is_closed or not (self._to_save or self._new_groups or even_if_empty):
                return
            self._journal.prepare()
            with self._state_lock:
                self._journal.rotate()
                groups, self._new_groups = self._new_groups, set()
                instances, self._to_save = list(self._to_save), {}
                for instance in instances:
                    instance.saving, instance.unsaved = instance.unsaved, {}
            saved = 0
            try:
                for group in groups:
                    make_folder(self._path(group), sync=self._sync)
                for instance in instances:
                    self._save(instance)
                    saved += 1
            except BaseException:
                with self._state_lock:
                    self._take_back(groups, instances[saved:])
                raise
            self._journal.release()

    def _take_back(self, groups: set[str], instances: list[_Instance]) -> None:
        """After a failed checkpoint: have what it did not save be saved by the next one."""
        self._new_groups |= groups
        for instance in instances:
            self._backlog -= sum(len(value or b"") for key, value in instance.saving.items() if key in instance.unsaved)
            instance.unsaved = {**instance.saving, **instance.unsaved}
            instance.saving = {}
        self._to_save = dict.fromkeys([*instances, *self._to_save])

    def _save(self, instance: _Instance) -> None:
        """Bring one instance's folder up to what was committed for it. Raises OSError."""
        place = f"{self.ours}/dropped/{encode_name(instance.group)}/{encode_name(instance.name)}/{instance.dropped_as}"
        was_moved = bool(instance.dropped_as) and os.path.isdir(place)  # and all that the journal held for it with it
        if not was_moved:
            self._save_files(instance)
            if instance.dropped_as:
                self._move(instance, place)
        with self._memory_lock, self._state_lock:
            for key, value in instance.saving.items():
                self._backlog -= len(value or b"")
                if value is None:
                    self._recent.remove((instance, key))
                else:
                    self._recent.put((instance, key), value)
            instance.saving = {}
            if self._moving.get(instance.folder) is instance:
                del self._moving[instance.folder]

    def _save_files(self, instance: _Instance) -> None:
        if not instance.is_on_disk or instance.saving:
            make_folder(instance.folder, sync=self._sync)
            instance.is_on_disk = True
        for key, value in instance.saving.items():
            if value is None:
                remove_if_there(f"{instance.folder}/{encode_name(key)}")
            else:
                write_whole(instance.folder, encode_name(key), value, sync=self._sync)
        if instance.saving and self._sync:
            sync_folder(instance.folder)

    def _move(self, instance: _Instance, place: str) -> None:
        """Move a dropped instance out of the way, whole and at once. Raises OSError."""
        folder = os.path.dirname(place)
        make_folder(folder, sync=self._sync)
        os.rename(instance.folder, place)
        if self._sync:
            sync_folder(folder)
            sync_folder(os.path.dirname(instance.folder))

    # The folder

    def _path(self, *names: str) -> str:
        return "/".join((self._root, *map(encode_name, names)))

    def _list_folders(self, folder: str) -> list[str]:
        with os.scandir(folder) as entries:
            return self._take_over(folder, [entry.name for entry in entries if entry.is_dir()])

    def _list_files(self, folder: str) -> list[str]:
        try:
            return self._take_over(folder, os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _take_over(self, folder: str, file_names: Iterable[str]) -> list[str]:
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

    def _sweep(self, folder: str) -> None:
        """Remove the unfinished files that a crash left in a folder."""
        try:
            entries = os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in entries:
            if name.startswith(TEMPORARY_PREFIX):
                os.unlink(f"{folder}/{name}")
