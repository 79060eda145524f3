"""The file store: one plain file for each key, in one folder for each instance; see `places` and `folder`.

A commit is one synced append to the journal, and then the new state in memory, where reads find it. A checkpoint brings
it into the files, the latest value of each key only, and lets go of the journal. What the memory holds beyond that are
copies, bounded, of what the disk says: names and recent values of the instances in use.

One process owns a store, by a lock on a file that the kernel lets go of when the process ends. Which threads do what,
and under which lock, is said in `locks`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from sessionworker.disk import read_file, remove_if_there, write_new
from sessionworker.errors import NoSuchGroup, NoSuchInstance, StartError, StoreUnavailable
from sessionworker.events import Report
from sessionworker.file_names import OURS
from sessionworker.names import CREDS, SessionFile
from sessionworker.stores.changes import Batch, Entry, PurgeDrop
from sessionworker.stores.files.catalogue import Group
from sessionworker.stores.files.committing import Committing
from sessionworker.stores.files.copied import forget_mark
from sessionworker.stores.files.faults import reason_of, refusal_for
from sessionworker.stores.files.gauges import gauges_of
from sessionworker.stores.files.instance import Instance, why_unreadable
from sessionworker.stores.files.journal import SEGMENT_SIZE
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.parts import open_parts, open_root
from sessionworker.stores.files.places import PROBE
from sessionworker.stores.interface import UNKNOWN, AllValues, Figures, Outcome, Unknown
from sessionworker.stores.rules.drops import is_due
from sessionworker.stores.rules.versions import Keep
from sessionworker.stores.seal import KeyRing
from sessionworker.wire import (
    DropSummary,
    EncryptionSummary,
    EventSummary,
    InstanceSummary,
    StoreOverview,
    VersionSummary,
)

T = TypeVar("T")


class FileStore:
    """Session files as files. See the module, and `interface.Store` for the contract."""

    def __init__(
        self,
        folder: Path,
        *,
        sync: bool = True,
        report: Report = lambda _: None,
        observe_sync: Callable[[float, int], None] = lambda _, __: None,
        observe_checkpoint: Callable[[float], None] = lambda _: None,
        keep: Keep = Keep(),  # noqa: B008 - it is frozen
        limits: Limits = Limits(),  # noqa: B008 - so is this
        segment_size: int = SEGMENT_SIZE,
        ring: KeyRing | None = None,
        is_target: bool = False,
    ) -> None:
        """Take ownership of `folder`, made if missing, and take up what the journal holds.

        `sync` tells whether a commit waits for the disk; `report` takes events for the operator, `observe_sync` the
        seconds that each sync of the journal took, and of how many batches it was, `observe_checkpoint` the seconds of
        each checkpoint; `ring` has the keys that all is sealed with, if it is; `is_target` opens it for a copy to be
        made into it. Raises StartError when the folder is owned by another process, cannot be used, was sealed with a
        key that is not given, or holds a part of a copy.
        """
        self.ours = folder.absolute() / OURS
        """The folder in it that is the worker's own."""
        self._ask: Callable[[Batch], None] = lambda _: None
        path = str(folder.absolute())
        self._root, self._lock = open_root(path, sync=sync, is_target=is_target)
        try:
            self._parts = open_parts(
                path,
                self._root,
                report,
                lambda batch: self._ask(batch),  # noqa: PLW0108 - as it is by then
                sync=sync,
                keep=keep,
                limits=limits,
                segment_size=segment_size,
                ring=ring,
            )
        except OSError as error:
            self._let_go()
            raise StartError(f"The store {folder} cannot be used: {reason_of(error)}.") from None
        except BaseException:
            self._let_go()
            raise
        self._committing = Committing(self._parts, observe_sync)
        self._parts.background.observe = observe_checkpoint
        self._catalogue = self._parts.catalogue
        self.waiting = self._parts.waiting

    def _let_go(self) -> None:
        os.close(self._root)
        os.close(self._lock)

    def on_repair(self, ask: Callable[[Batch], None]) -> None:
        """Have `ask` called with repairs that are to be committed; see `interface.Store`."""
        self._ask = ask

    # Changing

    def prepare(self, batch: Batch) -> Batch:
        """Do what takes long about a batch with large values; see `interface.Store`."""
        return self._parts.large.prepare(batch)

    def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Make changes durable, in their order; see `interface.Store`."""
        return self._committing.commit(entries)

    # Reading

    def read(self, file: SessionFile) -> bytes | None:
        """Return a value, or None; see `interface.Store`."""
        if file.key == CREDS:
            return self._ask_of(file.group, file.instance, self._parts.creds.read)
        return self._ask_of(file.group, file.instance, lambda found: self._parts.reading.read(found, file.key))

    def read_many(self, group: str, instance: str, keys: Sequence[str], most_bytes: int) -> dict[str, bytes | None]:
        """Return what several keys of an instance hold; see `interface.Store`."""
        return self._ask_of(group, instance, lambda found: self._parts.many.read(found, keys, most_bytes))

    def names(self, group: str, instance: str, *, beginning: str, after: str, most: int) -> list[str]:
        """Return the keys of an instance that hold something; see `interface.Store`."""
        return self._ask_of(group, instance, lambda found: self._parts.many.names(found, beginning, after, most))

    def whole(self, group: str, instance: str, most_bytes: int) -> AllValues:
        """Return all that an instance holds; see `interface.Store`."""
        return self._ask_of(group, instance, lambda found: self._parts.many.whole(found, most_bytes))

    def _ask_of(self, group: str, name: str, question: Callable[[Instance], T]) -> T:
        """Ask about an instance whose folder is read; what was said counts only if it still has its place then."""
        while True:
            found = self._catalogue.find(group, name)
            try:
                answer = question(found)
            except OSError as error:
                if self._catalogue.get(group, name) is found:
                    found.unreadable = why_unreadable(error)
                    raise self._parts.faults.read_error(str(found), error, found) from None
            else:
                if self._catalogue.get(group, name) is found:
                    return answer

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return a value, None, or UNKNOWN; see `interface.Store`. Waits for nothing."""
        instance = self._catalogue.get(file.group, file.instance)
        if instance is not None:
            return self._parts.reading.recall(instance, file.key)
        if self._group(file.group).problem:
            return UNKNOWN
        raise NoSuchInstance

    def check_creds(self, group: str, instance: str) -> None:
        """Make sure that a `read` of an instance's creds will not fail; see `interface.Store`."""
        self._ask_of(group, instance, self._parts.creds.check)

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""
        return sorted(self._catalogue.groups)

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted."""
        found = self._group(group)
        if found.problem:
            self._catalogue.load_group(found)
            if found.problem:
                raise StoreUnavailable
        return sorted(found.instances)

    def _group(self, name: str) -> Group:
        try:
            return self._catalogue.groups[name]
        except KeyError:
            raise NoSuchGroup from None

    # For operators

    def describe(self, group: str) -> list[InstanceSummary]:
        """Return what each instance of a group holds, sorted by name."""
        return self._parts.overview.describe(self._group(group))

    def versions(self, group: str, instance: str) -> list[VersionSummary]:
        """Return the versions of an instance's creds, newest first."""
        return self._ask_of(group, instance, self._parts.overview.versions)

    def read_version(self, group: str, instance: str, version: str) -> bytes:
        """Return the creds of a version. Raises NoSuchVersion."""
        return self._ask_of(group, instance, lambda found: self._parts.overview.read_version(found, version))

    def overview(self) -> StoreOverview:
        """Return all groups and instances at a glance; see `interface.Store`."""
        return self._parts.overview.glance()

    def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped and can be brought back, newest first."""
        with self._parts.faults.reading("what was dropped"):
            return self._parts.overview.drops()

    def drops_before(self, when: int) -> list[PurgeDrop]:
        """Return what erases the instances that were dropped before a time, in milliseconds since 1970."""
        now = time.time_ns() // 1_000_000
        with self._parts.faults.reading("what was dropped"):
            drops = [drop for drop in self._parts.drops.all() if is_due(drop.drop, when, now)]
        return [PurgeDrop(drop.group, drop.instance, drop.drop) for drop in drops]

    def encryption(self) -> EncryptionSummary:
        """Return with which keys all is encrypted; see `interface.Store`."""
        with self._parts.faults.reading("what was dropped"):
            return self._parts.rewriting.summary()

    def rewrite(self, *, is_wanted: bool) -> None:
        """Have what is not as it would be written now rewritten, or not any more; see `interface.Store`."""
        if is_wanted:
            self._parts.rewriting.begin()
            self._parts.background.wake()
        else:
            self._parts.rewriting.end()

    def events(self, after: int) -> list[EventSummary]:
        """Return what happened lately; see `interface.Store`."""
        return self._parts.events.after(after)

    def check(self) -> None:
        """Write something and read it back, and ask how the background's work does; see `interface.Store`."""
        problem = self._parts.background.problem
        try:
            with self._parts.locks.probe:
                remove_if_there(PROBE, self._root)
                write_new(PROBE, self._root, b"ok", sync=self._parts.places.is_synced)
                if read_file(PROBE, self._root) != b"ok":
                    problem = "what was written is not read back"
        except OSError as error:
            raise refusal_for(error) from None
        if problem:
            raise StoreUnavailable(f"The store is not well: {problem}.")

    def checkpoint(self) -> None:
        """Bring what was committed until now into the files; see `interface.Store`."""
        self._parts.erasing.go_on(again=True)
        if (refusal := self._parts.background.try_checkpoint()) is not None:
            raise refusal

    def figures(self) -> Figures:
        """Return what the metrics show."""
        return Figures(self._parts.faults.counts.copy(), gauges_of(self._parts, self._committing))

    def room(self) -> dict[str, float]:
        """Return what the disk has left; see `interface.Store`."""
        try:
            disk = os.fstatvfs(self._root)
        except OSError as error:
            raise refusal_for(error) from None
        return {
            "store_free_bytes": disk.f_bavail * disk.f_frsize,
            "store_size_bytes": disk.f_blocks * disk.f_frsize,
            "store_free_inodes": disk.f_favail,
            "store_inodes": disk.f_files,
        }

    # Its life

    def serve(self) -> None:
        """Note that the store is in use, and nothing may be copied into it; see `interface.Store`."""
        forget_mark(self._root, str(self.ours.parent))

    def maintain(self) -> None:
        """Run a checkpoint every few seconds, or sooner when much waits, until `close` is called."""
        self._parts.background.maintain()

    def close(self) -> None:
        """Bring everything into the files and let go of the store."""
        parts = self._parts
        parts.background.close()
        with parts.locks.checkpoint:
            if parts.checkpoints.is_closed:
                return
            parts.erasing.close()
            parts.rewriting.end()
            parts.tallies.close()
            if not parts.background.finish():
                parts.faults.say(
                    "files_left_behind", "Some files could not follow. The journal is kept for the next start."
                )
            parts.checkpoints.write_down(is_last=True)
            parts.checkpoints.is_closed = True
            parts.journal.close()
            self._let_go()
