"""The file store: one plain file for each key, in one folder for each instance; see `layout` and `folders`.

A commit is one synced append to the journal, and then the new state in memory, where reads find it. A checkpoint brings
it into the files, the latest value of each key only, and lets go of the journal. What the memory holds beyond that are
copies, bounded, of what the disk says: names and recent values of the instances in use.

One process owns a store, by a lock on a file that the kernel lets go of when the process ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Literal

import msgspec

from sessionworker.errors import (
    NoSpace,
    NoSuchGroup,
    NoSuchVersion,
    StartError,
    StoreUnavailable,
    WorkerError,
)
from sessionworker.names import CREDS, SessionFile, type_of_key
from sessionworker.stores.disk import is_full, make_folder, remove_if_there, sync_folder, write_whole
from sessionworker.stores.drops import Drops
from sessionworker.stores.folders import InstanceFolder, NotAFile, Staged, read_file
from sessionworker.stores.interface import (
    UNKNOWN,
    Change,
    CreateGroup,
    CreateInstance,
    DropInstance,
    DropSummary,
    InstanceSummary,
    Probe,
    RestoreInstance,
    Unknown,
    VersionSummary,
    Write,
    WriteStaged,
)
from sessionworker.stores.journal import SEGMENT_SIZE, Journal
from sessionworker.stores.judge import Judge
from sessionworker.stores.layout import Layout
from sessionworker.stores.memory import RecentValues
from sessionworker.stores.state import Frame, Instance, State
from sessionworker.stores.versions import Keep, Version, parse_version, pinned
from sessionworker.values import is_json, is_json_object, read_creds

LAG_SECONDS = 5.0
"""How long a file may lag behind what was acknowledged for it, while the disk keeps up."""

LARGEST_JOURNAL = 128 * 2**20
"""Bytes that the journal may hold; a commit that would pass it waits for a checkpoint."""

MOST_WAITING_FILES = 6_000
"""Session files that may wait to be written; a commit that would pass it waits. A few seconds' work at the most, so
that a worker that is told to stop can bring them up to date."""

FILES_AT_ONCE = 1_000
"""Session files after which a checkpoint lets waiting commits go on."""

LARGEST_BACKLOG = 64 * 2**20
"""Bytes of values that may wait in memory for their files; a commit that would pass it waits for a checkpoint."""

CREDS_BYTES = 64 * 2**20
"""Bytes of `creds` that are remembered, apart from other recent values."""

LARGEST_CREDS = 2 * 2**20
"""Bytes of the largest `creds` that are remembered."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


class FileStore:
    """Session files as files. See the module for the layout, and `interface.Store` for the contract."""

    def __init__(
        self,
        folder: Path,
        *,
        sync: bool = True,
        report: Callable[[str], None] = lambda _: None,
        observe_sync: Callable[[float], None] = lambda _: None,
        keep: Keep = Keep(),  # noqa: B008 - it is frozen
        keep_drops_days: float = 30,
        segment_size: int = SEGMENT_SIZE,
    ) -> None:
        """Take ownership of `folder`, made if missing, and bring what the journal holds into the files.

        `sync` tells whether a commit waits for the disk; `report` takes a line for the operator, and `observe_sync` the
        seconds that each sync of the journal took. Raises StartError when the folder is owned by another process or
        cannot be used.
        """
        self._layout = Layout(str(folder.absolute()), sync)
        self.ours = Path(self._layout.ours)
        self._segment_size = segment_size
        self._report = report
        self._observe_sync = observe_sync
        self._keep = keep
        self._drops = Drops(self._layout.ours, keep_days=keep_drops_days, sync=sync)
        self.counts: Counter[str] = Counter()
        self._room = threading.Condition()  # notified when less waits
        self._is_maintained = False
        self._staged_numbers = count()
        self._recent = RecentValues()
        self._creds = RecentValues(CREDS_BYTES, LARGEST_CREDS)
        self._refusal: WorkerError | None = None
        self._is_broken = False
        self._state_lock = threading.Lock()  # over the journal's end and the state in memory that belongs to it
        self._checkpoint_lock = threading.RLock()  # over the files
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
        self._state = State(self._layout, self._drops)
        self._judge = Judge(
            self._state, self._layout, self._drops, may_exist=self._may_exist, refuse_now=self._refuse_now
        )
        InstanceFolder(self._layout.ours, sync=self._layout.sync).sweep()
        self._state.last_when = self._read_clock()
        self._journal = Journal(self.ours / "journal", sync=self._layout.sync, segment_size=self._segment_size)
        replayed = 0
        for payload in self._journal.replay(self._report):
            frame = _decoder.decode(payload)
            self._state.apply(frame, is_replay=True)
            replayed += len(frame.changes)
        try:
            self._journal.open()
        except OSError as error:
            if not is_full(error):
                raise
            self._cannot_follow(error)  # the first commit that there is room for opens it
        if replayed:
            self._report(
                f"The worker did not end cleanly: {replayed} changes are brought from the journal into the files."
            )
            for instance in self._state.to_save:
                instance.folder.sweep()
            try:
                self._checkpoint(even_if_empty=True)
            except OSError as error:
                if not is_full(error):
                    raise
                # What the journal holds is in memory too: it can be read, and follows when there is room.
                self._cannot_follow(error)
                return
        shutil.rmtree(self._layout.staging, ignore_errors=True)  # what is left there was not committed

    def close(self) -> None:
        """Bring everything into the files and let go of the store."""
        if self._is_closed:
            return
        self._closing = True
        self._wake.set()
        try:
            self._checkpoint()
        except OSError as error:
            self._report(f"The files could not follow: {error.strerror}. The journal is kept for the next start.")
        with self._checkpoint_lock:
            self._is_closed = True
            self._journal.close()
            os.close(self._lock)

    # Reading

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""
        return sorted(self._state.groups)

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted. Raises NoSuchGroup."""
        try:
            return sorted(self._state.groups[group])
        except KeyError:
            raise NoSuchGroup from None

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return a value, None, or UNKNOWN; see `interface.Store`. Waits for nothing."""
        return self._recall(self._state.find(file.group, file.instance), file.key)

    def _recall(self, instance: Instance, key: str) -> bytes | Literal[Unknown.UNKNOWN] | None:
        # In the direction in which a checkpoint moves values meanwhile, so that none is missed on its way.
        known = instance.known
        is_absent = known is not None and key not in known  # asked first: a name becomes known after its value
        for values in (instance.unsaved, instance.saving):
            if key in values:
                value = values[key]
                return UNKNOWN if isinstance(value, Staged) else value
        recent = self._creds.get(instance) if key == CREDS else self._recent.get((instance, key))
        if recent is not None:
            return recent
        return None if is_absent else UNKNOWN

    def read(self, file: SessionFile) -> bytes | None:
        """Return a value, or None. Raises NoSuchGroup, NoSuchInstance or StoreUnavailable."""
        instance = self._state.find(file.group, file.instance)
        with self._reading():
            if instance.known is None:
                self._learn_names(instance)
            writes = instance.writes  # before its values are looked at, so that one that comes meanwhile is noticed
            recalled = self._recall(instance, file.key)
            if recalled is not UNKNOWN:
                return recalled
            if file.key == CREDS:
                return self._whole_creds(instance, is_json)
            try:
                value = self._read_staged(instance, file.key)
                if value is None:
                    value = instance.folder.read(file.key)
                is_whole = value is None or is_json(value)
            except NotAFile:
                is_whole = False
            if not is_whole:
                self._set_aside(instance, file.key)
                return None
        if value is not None:
            self._remember(instance, file.key, value, writes)
        return value

    def _read_staged(self, instance: Instance, key: str) -> bytes | None:
        """Return a large value that is not in its file yet, or None if it is there or there is none."""
        staged: object = None
        while True:
            found = instance.unsaved.get(key) or instance.saving.get(key)
            if isinstance(found, bytes):
                return found
            if not isinstance(found, Staged) or found is staged:  # seen twice and gone: it became the key's file
                return None
            value = read_file(found.path)
            if value is not None:
                return value
            staged = found

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Say what the disk said in words, and as StoreUnavailable."""
        try:
            yield
        except OSError as error:
            self.counts["read_errors"] += 1
            self._report(f"The store could not be read: {error.strerror}. Check the disk and its permissions.")
            raise StoreUnavailable from None

    def _remember(self, instance: Instance, key: str, value: bytes, writes: int) -> None:
        """Keep a copy of a value that was read after `writes` writes, if there was none since."""
        with self._memory_lock:
            if instance.writes == writes:
                self._keep_copy(instance, key, value)

    def _keep_copy(self, instance: Instance, key: str, value: bytes | None) -> None:
        values, place = (self._creds, instance) if key == CREDS else (self._recent, (instance, key))
        if value is None:
            values.remove(place)
        else:
            values.put(place, value)

    def _learn_names(self, instance: Instance) -> None:
        """List an instance's folder, so that a read of a key that does not exist need not ask the disk."""
        with self._memory_lock:
            if instance.known is not None:
                return
            names = instance.folder.names() if self._state.owns_folder(instance) else []
            with self._state_lock:  # no write is applied between the listing and its use
                self._state.learn_names(instance, names)

    # Values that are broken, and creds

    def check_creds(self, group: str, name: str) -> None:
        """Make sure that a `read` of an instance's `creds` will not fail; see `interface.Store`."""
        instance = self._state.find(group, name)
        with self._reading():
            if instance.known is None:
                self._learn_names(instance)
            self._whole_creds(instance, is_json_object)

    def _whole_creds(self, instance: Instance, is_whole: Callable[[bytes], bool]) -> bytes | None:
        """Return creds that are whole, or None if there are none and should not be any.

        Raises StoreUnavailable where there were creds and none can be had: a client that was told that there are none
        would make a new identity.
        """
        writes = instance.writes
        for values in (instance.unsaved, instance.saving):
            if CREDS in values:
                acknowledged = values[CREDS]
                if not isinstance(acknowledged, bytes):
                    return None
                if is_whole(acknowledged):
                    return acknowledged
                return self._older_creds(instance, "they are no JSON object")
        remembered = self._creds.get(instance)
        if remembered is None and instance.is_new and instance.known is not None and CREDS not in instance.known:
            return None
        if remembered is None and not self._state.owns_folder(instance):
            return None  # what stands in its folder's place is of the instance before
        try:
            value = instance.folder.read(CREDS)
        except OSError as error:
            return self._older_creds(instance, str(error.strerror))
        if value is not None and is_whole(value):
            self._remember(instance, CREDS, value, writes)
            return value
        if value is None and remembered is None:
            versions = instance.folder.versions()
            if not versions or versions[-1].is_deletion:
                return None
        return self._older_creds(instance, "they are missing" if value is None else "they are not whole")

    def _older_creds(self, instance: Instance, problem: str) -> bytes:
        """Bring back the newest good creds in place of broken ones. Raises StoreUnavailable if there are none."""
        where = f"of instance {instance.name!r} in group {instance.group!r}"
        writes = instance.writes
        good = self._creds.get(instance)
        if good is None or not read_creds(good):
            good = self._newest_good_version(instance)
        if good is None:
            self.counts["creds_lost"] += 1
            self._report(
                f"The creds {where} cannot be read ({problem}), and no older version is left. The instance is refused "
                "until its creds are restored from a backup, or the instance is dropped to be paired again."
            )
            raise StoreUnavailable("The credentials of this instance cannot be read. The worker's log says more.")
        self.counts["creds_restored"] += 1
        self._report(f"The creds {where} could not be read ({problem}); the newest good version takes their place.")
        self._remember(instance, CREDS, good, writes)
        with suppress(OSError, StoreUnavailable):
            self._set_aside(instance, CREDS)
            if instance.writes == writes:
                self.commit([Write(SessionFile(instance.group, instance.name, CREDS), good)])
        return good

    def _newest_good_version(self, instance: Instance) -> bytes | None:
        try:
            versions = instance.folder.versions()
        except OSError:
            return None
        for version in reversed(versions):
            with suppress(OSError):
                value = instance.folder.read_version(version)
                if value is not None and read_creds(value):
                    return value
        return None

    def _set_aside(self, instance: Instance, key: str) -> None:
        """Move what stands in a key's place out of the way, unless a good value has come there meanwhile."""
        with self._checkpoint_lock:
            if key in instance.unsaved or instance.dropped_as:
                return  # the next checkpoint writes over it
            try:
                value = instance.folder.read(key)
                is_good = value is None or is_json(value)
            except OSError:
                is_good = False
            if not is_good:
                instance.folder.set_aside(key)
                self.counts["set_aside"] += 1
                self._report(
                    f"A session file of type {type_of_key(key)} of instance {instance.name!r} in group "
                    f"{instance.group!r} was broken. It was moved to the folder .aside there."
                )

    # Committing

    def commit(self, changes: Sequence[Change]) -> list[WorkerError | None]:
        """Make changes durable, in their order; see `interface.Store`."""
        self._wait_for_room()
        kinds = set(map(type, changes))
        if RestoreInstance in kinds:
            self._try_checkpoint()  # so that what is brought back is where it was moved to
        with self._state_lock:
            if DropInstance in kinds:
                self.counts["drops_of_unknown_instances"] += sum(map(self._drops_nothing, changes))
            outcomes, accepted = self._judge.judge(changes)
            if accepted:
                frame = Frame(max(self._state.last_when + 1, time.time_ns() // 1_000_000), accepted)
                error = self._append(frame)
                if error is not None:
                    return [outcome or error for outcome in outcomes]
                self._state.apply(frame)
        if WriteStaged in kinds:
            self._remove_refused(changes, outcomes)
        # Soon where large values may have been superseded, so that their room is free again.
        if WriteStaged in kinds or self._journal.is_full or self._waits_much(share=0.75):
            self._wake.set()
        return outcomes

    def _drops_nothing(self, change: Change) -> bool:
        return isinstance(change, DropInstance) and change.instance not in self._state.groups.get(change.group, ())

    def _refuse_now(self, change: Change) -> WorkerError | None:
        """Return the reason for which the disk does not take a change now, if there is one."""
        if self._is_broken:
            return StoreUnavailable()
        needs_room = isinstance(change, Write | WriteStaged | CreateGroup | CreateInstance | Probe)
        return self._refusal if needs_room else None

    def _may_exist(self, file: SessionFile) -> bool:
        instance = self._state.groups.get(file.group, {}).get(file.instance)
        return instance is not None and self._recall(instance, file.key) is not None

    def stage(self, write: Write) -> Write | WriteStaged:
        """Write a large value to a file that becomes its key's; see `interface.Store`."""
        if self._refusal is not None:
            raise self._refusal
        folder = self._layout.staging
        name = f"{time.time_ns()}-{next(self._staged_numbers)}"
        try:
            make_folder(folder, sync=self._layout.sync)
            write_whole(folder, name, write.value, sync=self._layout.sync)
            if self._layout.sync:
                sync_folder(folder)
        except OSError as error:
            self.counts["staging_errors"] += 1
            self._report(f"A large value could not be stored: {error.strerror}.")
            raise (NoSpace() if is_full(error) else StoreUnavailable()) from None
        return WriteStaged(write.file, name)

    def _remove_refused(self, changes: Sequence[Change], outcomes: Sequence[WorkerError | None]) -> None:
        for change, outcome in zip(changes, outcomes, strict=True):
            if outcome is not None and isinstance(change, WriteStaged):
                with suppress(OSError):
                    remove_if_there(self._layout.staged(change.staged).path)

    def _waits_much(self, share: float = 1.0) -> bool:
        return (
            self._state.backlog > LARGEST_BACKLOG * share
            or self._state.waiting_files > MOST_WAITING_FILES * share
            or self._journal.size > LARGEST_JOURNAL * share
        )

    def _wait_for_room(self) -> None:
        """Wait for the files to follow, if too much waits for them."""
        while self._waits_much():
            if not self._is_maintained:
                self._try_checkpoint()
                return
            if self._refusal is not None or self._closing:
                return
            self._wake.set()
            with self._room:
                self._room.wait(0.05)

    def _append(self, frame: Frame) -> WorkerError | None:
        """Write a frame to the journal; on an error nothing of it stays."""
        begun = time.perf_counter()
        try:
            if not self._journal.is_open:
                self._journal.open()
            self._journal.append(_encoder.encode(frame))
        except OSError as error:
            self.counts["journal_errors"] += 1
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
        self._observe_sync(time.perf_counter() - begun)
        return None

    # Checkpoints

    def maintain(self) -> None:
        """Run a checkpoint every few seconds, or sooner when much waits, until `close` is called."""
        self._is_maintained = True
        while not self._closing:
            self._wake.wait(LAG_SECONDS)
            self._wake.clear()
            if not self._closing:
                self._try_checkpoint()

    def _try_checkpoint(self) -> WorkerError | None:
        """Run a checkpoint; while it fails, refuse what would make more of them necessary. Return the refusal."""
        try:
            self._checkpoint()
        except OSError as error:
            self._cannot_follow(error)
        else:
            if self._refusal is not None:
                self._report("The files follow the journal again. Changes are accepted.")
            self._refusal = None
        return self._refusal

    def _cannot_follow(self, error: OSError) -> None:
        self.counts["checkpoint_errors"] += 1
        if self._refusal is None:
            self._report(
                f"The files cannot follow the journal: {error.strerror}. What was acknowledged is kept in the journal. "
                f"Writes are refused until it works again; it is tried every {LAG_SECONDS:g} s."
            )
        self._refusal = NoSpace() if is_full(error) else StoreUnavailable()

    def checkpoint(self) -> None:
        """Bring what was committed until now into the files, and let go of its part of the journal.

        Raises NoSpace or StoreUnavailable.
        """
        refusal = self._try_checkpoint()
        if refusal is not None:
            raise refusal

    def _checkpoint(self, *, even_if_empty: bool = False) -> None:
        with self._checkpoint_lock:
            is_needed = even_if_empty or not self._state.is_saved or self._journal.is_full
            if self._is_closed or not is_needed:
                return
            self._journal.prepare()
            with self._state_lock:
                self._journal.rotate()
                groups, instances = self._state.begin_checkpoint()
            saved = 0
            try:
                for group in groups:
                    make_folder(self._layout.group(group), sync=self._layout.sync)
                for instance in instances:
                    self._save(instance)
                    saved += 1
                self._remove_gone_groups()
                write_whole(self._layout.ours, "clock", b"%d" % self._state.last_when, sync=self._layout.sync)
            except BaseException:
                with self._state_lock:
                    self._state.take_back(groups, instances[saved:])
                raise
            self._journal.release()
            self._remove_superseded()

    def _remove_superseded(self) -> None:
        with self._state_lock:
            superseded = self._state.take_superseded()
        for staged in superseded:
            with suppress(OSError):
                remove_if_there(staged.path)

    def _save(self, instance: Instance) -> None:
        """Bring one instance's folder up to what was committed for it. Raises OSError."""
        # A drop that came after the checkpoint had begun is the next one's: more writes may stand before it.
        drop = instance.saving_drop
        place = self._drops.place(instance.group, instance.name, drop)
        was_moved = bool(drop) and os.path.isdir(place)  # and all that the journal held for it with it
        if was_moved and self._layout.sync:  # it may have been moved by a checkpoint that failed before it was synced
            sync_folder(os.path.dirname(place))
            sync_folder(os.path.dirname(instance.folder.path))
        if not was_moved:
            if instance.saving_versions:
                self._look_at(instance, instance.folder.add_versions(instance.saving_versions, self._keep))
            if instance.known is None and not drop:
                self._learn_names(instance)  # gives files of session-manager the names that are written to now
            self._save_files(instance)
            if drop:
                instance.folder.move(place)
        with self._memory_lock, self._state_lock:
            for key, value in instance.saving.items():
                self._keep_copy(instance, key, value if isinstance(value, bytes) else None)
            if drop:
                self._creds.remove(instance)
            if was_moved:
                self._state.let_go(instance.saving.values())
            self._state.saved(instance)

    def _save_files(self, instance: Instance) -> None:
        """Write the files of an instance, some at a time: a commit that waits need not wait for all of them."""
        instance.folder.make()
        files = iter(instance.saving.items())
        while some := dict(islice(files, FILES_AT_ONCE)):
            instance.folder.save(some)
            with self._state_lock:
                self._state.let_go(some.values())
            with self._room:
                self._room.notify_all()

    def _look_at(self, instance: Instance, versions: Sequence[Version]) -> None:
        """Count and report what is odd about the versions of creds that came, the first of them known before."""
        where = f"of instance {instance.name!r} in group {instance.group!r}"
        good = [version for version in versions if not version.is_deletion]
        for before, after in pairwise(good):
            if before.identity != after.identity:
                self.counts["identity_changes"] += 1
                self._report(f"The creds {where} are of another identity now. The last ones of the old one are kept.")
            elif after.next_pre_key < before.next_pre_key:
                self.counts["creds_out_of_order"] += 1
                self._report(f"The creds {where} came out of order: older ones over newer ones. Both are kept.")

    def _remove_gone_groups(self) -> None:
        with self._state_lock:
            gone = self._state.take_gone_groups()
        for group in gone:
            with suppress(OSError):  # something of somebody else's is in it
                os.rmdir(self._layout.group(group))
        if gone and self._layout.sync:
            sync_folder(self._layout.root)

    def _read_clock(self) -> int:
        """Return the time of the last commit before the last clean checkpoint: later ones must not be earlier."""
        try:
            return int((self.ours / "clock").read_bytes())
        except (FileNotFoundError, ValueError):
            return 0

    # What an operator sees and does

    def describe(self, group: str) -> list[InstanceSummary]:
        """Return what each instance of a group holds; see `interface.Store`."""
        with self._reading():
            self._try_checkpoint()  # a full disk does not hide what is on it
            return [self._layout.instance(group, name).summary(name) for name in self.instances(group)]

    def versions(self, group: str, name: str) -> list[VersionSummary]:
        """Return the versions of an instance's creds; see `interface.Store`."""
        instance = self._state.find(group, name)
        with self._reading():
            self._try_checkpoint()  # a full disk does not hide what is on it
            versions = instance.folder.versions()
            kept = pinned(versions)
            return [
                VersionSummary(
                    version=version.file_name,
                    when=version.when,
                    identity="" if version.is_deletion else version.identity,
                    bytes=instance.folder.version_size(version),
                    is_pinned=version in kept,
                    is_current=version == versions[-1],
                )
                for version in reversed(versions)
            ]

    def read_version(self, group: str, name: str, version: str) -> bytes:
        """Return the creds of a version; see `interface.Store`."""
        instance = self._state.find(group, name)
        parsed = parse_version(version)
        if parsed is None or parsed.is_deletion:
            raise NoSuchVersion
        with self._reading():
            self._try_checkpoint()  # a full disk does not hide what is on it
            value = instance.folder.read_version(parsed)
        if value is None or not read_creds(value):
            raise NoSuchVersion
        return value

    def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped and can be brought back, newest first."""
        with self._reading():
            self._try_checkpoint()  # a full disk does not hide what is on it
            return self._drops.listed()

    def purge(self) -> int:
        """Let go of what was dropped long enough ago; see `interface.Store`."""
        with self._reading():
            return self._drops.purge()

    def probe(self) -> None:
        """Write something and read it back; see `interface.Store`."""
        try:
            write_whole(self._layout.ours, "probe", b"ok", sync=self._layout.sync)
            (self.ours / "probe").read_bytes()
        except OSError as error:
            raise (NoSpace() if is_full(error) else StoreUnavailable()) from None

    def gauges(self) -> dict[str, float]:
        """Return figures about the store as it is now, by name; sizes in bytes."""
        return {
            "journal_bytes": self._journal.size,
            "backlog_bytes": self._state.backlog,
            "waiting_files": self._state.waiting_files,
            "known_names": self._state.known_names,
            "recent_bytes": self._recent.bytes + self._creds.bytes,
            "groups": len(self._state.groups),
            "instances": sum(map(len, list(self._state.groups.values()))),
        }
