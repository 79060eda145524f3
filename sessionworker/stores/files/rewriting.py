"""Rewriting what is not as it is written now: sealed with another key, or plain.

It is done beside everything else, a few files at a time. An instance is done when that is proven in its folder, so
whoever begins anew goes on with what is left. When nothing is left, the store says that it has one key alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice

from sessionworker.disk import NotAFile
from sessionworker.errors import NoSpace, WorkerError
from sessionworker.names import CREDS
from sessionworker.stores.changes import Batch, Delete, SetAside
from sessionworker.stores.files.broken_files import BrokenFiles
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.creds import CredsReading
from sessionworker.stores.files.faults import Faults, reason_of
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.identity import Identity
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.inventory import Inventory, check_names, is_written_anew, others_in
from sessionworker.stores.files.journal import Journal
from sessionworker.stores.files.labels import Labels
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import DROPPED, PURGED, Places
from sessionworker.stores.files.reading import Reading, Since
from sessionworker.stores.files.sealing import Sealing
from sessionworker.stores.files.state import State
from sessionworker.stores.files.version_files import VersionFiles
from sessionworker.wire import EncryptionSummary

AT_ONCE = 200
"""Files that are written together."""

MOST_ASKED = 100
"""Instances that are to be adopted at a time."""

MOST_IDLE = 10
"""How often all that is left is looked through in vain, a turn each, before a person is told."""
MOST_NAMED = 3
"""Instances that are named then, one by one."""

MOST_BYTES = 8 * 2**20
"""Bytes of values after which what was read is written."""


@dataclass
class Progress:
    """How far it has come."""

    total: int = 0
    """Instances that there are, those that were dropped included."""
    done: int = 0
    """Those that are as they would be written now."""


class Rewriting:
    """Rewrites the instances of one store. Any thread may ask for it; the background does it."""

    def __init__(
        self,
        places: Places,
        catalogue: Catalogue,
        inventory: Inventory,
        labels: Labels,
        sealing: Sealing,
        reading: Reading,
        creds: CredsReading,
        state: State,
        journal: Journal,
        locks: Locks,
        faults: Faults,
        ask: Callable[[Batch], None],
        note: Callable[[], None],
    ) -> None:
        """Begin with nobody who has asked for it.

        `ask` takes batches that are to be committed, `note` writes down anew what is written down for the next start.
        """
        self._places = places
        self._catalogue = catalogue
        self._inventory = inventory
        self._labels = labels
        self._sealing = sealing
        self._reading = reading
        self._creds = creds
        self._state = state
        self._journal = journal
        self._locks = locks
        self._faults = faults
        self._ask = ask
        self._note = note
        self._steps: Iterator[None] | None = None
        self._whole: set[tuple[str, tuple[int, int] | None]] = set()  # by their paths, and the folders there
        self._adopting: set[Instance] = set()
        self._asked = 0
        self._problems: dict[str, str] = {}
        self._doubts: list[str] = []
        self.progress = Progress()
        self.idle = 0
        """How often in a row it was so: what is left waits for a commit, or for a checkpoint."""
        self._is_turn_over = False

    @property
    def is_running(self) -> bool:
        """Whether somebody asked for it, and it is not over."""
        return self._steps is not None

    def begin(self) -> None:
        """Ask for it."""
        with self._locks.checkpoint:
            self.idle = 0  # who asks again wakes the background: a long pause would never be over
            if self._steps is None and self._sealing.is_mixed:
                self._adopting, self._problems, self.idle = set(), {}, 0
                self._whole, self._doubts = set(), []
                self._steps = self._rewrite_all()

    def end(self) -> None:
        """Have it stop."""
        with self._locks.checkpoint:
            if isinstance(self._steps, Generator):
                self._steps.close()
            self._steps = None

    def summary(self) -> EncryptionSummary:
        """Return how far it has come. Where nobody is at it, all instances are looked at. Raises OSError."""
        if not self.is_running:
            self._count()
        statement, progress = self._sealing.statement, self.progress
        return EncryptionSummary(
            key=self._sealing.key,
            keys=list(statement.keys),
            plain=statement.plain,
            is_rewriting=self.is_running,
            instances=progress.total,
            done=progress.done,
        )

    def _count(self) -> None:
        instances, done = self._inventory.instances(), 0
        for instance in instances:
            with suppress(OSError), self._places.open(instance.path) as folder:
                done += not self._sealing.is_mixed or Identity(folder).is_whole
        self.progress = Progress(len(instances), done)

    def go_on(self, seconds: float) -> None:
        """Rewrite some files, if somebody asked for it. Called by the background."""
        end = time.monotonic() + seconds
        with self._locks.checkpoint:
            is_full = any(instance.refusal is NoSpace for instance in list(self._state.apart))
            if is_full or self._journal.spares.is_short or self._journal.spares.missing():
                return  # what there is of room is for what was acknowledged
            for _ in self._steps or ():
                if self._is_turn_over or time.monotonic() > end:
                    return
            self._steps = None

    def _rewrite_all(self) -> Iterator[None]:
        while True:
            self._is_turn_over = False
            instances = self._inventory.instances()
            left = [instance for instance in instances if not self._is_done(instance)]
            self.progress = Progress(len(instances), len(instances) - len(left))
            if not left and self._finish():
                return
            self.idle += 1
            if self.idle > MOST_IDLE:  # what is left waits for a person
                self._say_what_is_left(left)
                return
            self._asked = 0
            for instance in left:
                try:
                    if (yield from self._rewrite(instance)):
                        self.progress.done += 1
                        self.idle = 0
                except OSError as error:
                    self._problems[instance.path] = reason_of(error)
                yield
            if self._asked:
                self.idle = 0
            self._is_turn_over = self.idle > 0
            yield

    def _is_done(self, instance: Instance) -> bool:
        with suppress(OSError):
            return (instance.path, self._places.identity(instance.path)) in self._whole
        return False

    def _rewrite(self, instance: Instance) -> Generator[None, None, bool]:
        """Rewrite an instance; tell whether all in it is as it would be written now. Raises OSError."""
        is_live = self._catalogue.get(instance.group, instance.name) is instance
        if is_live and not instance.is_adopted:
            self._ask_to_adopt(instance)
            return False
        if not is_live:
            with self._locks.changing:  # nobody moves it meanwhile
                instance = self._inventory.renew(instance)
        with self._catalogue.open(instance) if is_live else self._places.open(instance.path) as folder:
            identity, path = Identity(folder), instance.path
            is_whole = identity.is_whole and not self._sealing.takes_plain and not others_in(folder)
            if not is_whole:
                if not instance.is_saved or not folder.id:  # a checkpoint comes first
                    return False
                identity.begin_to_write()
                if folder.id not in self._catalogue.held:
                    folder.sweep(())
                yield from self._rewrite_files(instance, folder)
                with self._changing(instance):
                    VersionFiles(folder).rewrite()
                    BrokenFiles(folder).rewrite()
                    self._labels.rewrite(folder)
                    check_names(folder)
                    is_whole = not others_in(folder) and instance.is_saved
                    if is_whole:
                        identity.note_whole()
            if is_whole:
                self._whole.add((path, folder.identity))
        return is_whole

    def _ask_to_adopt(self, instance: Instance) -> None:
        """Have an instance adopted by the committer, which finds out or makes its id."""
        if instance not in self._adopting and self._asked < MOST_ASKED and not instance.problem:
            self._asked += 1
            self._adopting.add(instance)
            self._ask(Batch(instance.group, instance.name, ()))

    def _rewrite_files(self, instance: Instance, folder: Folder) -> Iterator[None]:
        left = iter(others_in(folder))
        while some := list(islice(left, AT_ONCE)):
            values: dict[str, bytes] = {}
            gone = []
            with self._changing(instance):
                for name, key in some:
                    is_anew = key in values or is_written_anew(folder, key)  # and this one was not removed yet
                    if is_anew and name not in folder.other_names(key):
                        folder.set_aside(name)
                        continue
                    value = None if is_anew else self._read(instance, folder, key, name)
                    if value is not None:
                        values[key] = value
                    if is_anew or value is not None:
                        gone.append(name)
                    if sum(map(len, values.values())) > MOST_BYTES:
                        folder.replace(gone, values)
                        values, gone = {}, []
                folder.replace(gone, values)
            yield

    def _read(self, instance: Instance, folder: Folder, key: str, name: str) -> bytes | None:
        """Return what a session file holds; where it is broken, have that seen to as if a client had asked."""
        try:
            return folder.read(key, name)
        except NotAFile:
            is_live = self._catalogue.get(instance.group, instance.name) is instance
            if is_live and key == CREDS:
                with suppress(WorkerError):
                    self._creds.check(instance)
            elif is_live:
                self._reading.ask_for(Since(instance, instance.writes), SetAside(key), Delete(key))
            return None

    @contextmanager
    def _changing(self, instance: Instance) -> Iterator[None]:
        with self._locks.state:
            self._state.begin_save(instance)
        try:
            yield
        finally:
            with self._locks.state:
                self._state.end_save(instance)

    def _finish(self) -> bool:
        """Say that there is one key alone, if nothing else may be left anywhere; tell whether that is so."""
        if self._journal.has_older or self._places.folders(PURGED) or self._state.apart or self._catalogue.held:
            self._doubts = ["The journal, or what was purged, could not be let go yet."]
            return False
        with self._locks.changing:  # what is moved in between is in neither place
            self._doubts = list(self._inventory.doubts())
            if self._doubts or not all(map(self._is_done, self._inventory.instances())):
                return False
            groups = self._catalogue.groups.values()
            self._places.sync(".", DROPPED, *(folder for group in groups for folder in group.folders))
            self._note()
            self._sealing.settle()
        self._faults.say("rewritten", f"All that is stored is {self._sealing.now}.", level="info")
        return True

    def _say_what_is_left(self, left: list[Instance]) -> None:
        for doubt in () if left else self._doubts[:MOST_NAMED]:
            self._faults.say("rewriting_stuck", doubt, level="warn")
        for instance in left[:MOST_NAMED]:
            problem = instance.problem or self._problems.get(instance.path, "its files do not follow, or are broken")
            self._faults.say(
                "rewriting_stuck", f"What {instance} holds could not be rewritten: {problem}.", instance, level="warn"
            )
