"""Reading: what memory knows, then the file. A reader changes nothing; it asks for a repair of what it finds broken."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Literal, NamedTuple

from sessionworker.disk import NotAFile
from sessionworker.names import CREDS
from sessionworker.stores.changes import Batch, Change, Delete, SetAside, Unwritten
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.codec import LONG
from sessionworker.stores.files.copies import Copies
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.instance import Instance, Value
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.memory import KnownNames
from sessionworker.stores.files.records import Large
from sessionworker.stores.interface import UNKNOWN, Unknown
from sessionworker.values import is_json


class Reading:
    """Reads session files, in any number of threads."""

    def __init__(
        self,
        catalogue: Catalogue,
        copies: Copies,
        locks: Locks,
        ask: Callable[[Batch], None],
    ) -> None:
        """Have `ask` called with a batch that is to be committed: a repair of something that was found broken."""
        self._catalogue = catalogue
        self._copies = copies
        self._locks = locks
        self._ask = ask

    # From memory

    def recall(self, instance: Instance, key: str) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return a value, None, or UNKNOWN. Waits for nothing."""
        # In the direction in which a checkpoint moves values meanwhile, so that none is missed on its way.
        known = instance.known
        is_absent = known is not None and key not in known  # asked first: a name becomes known after its value
        if key == CREDS and not instance.has_no_creds:
            is_absent = False  # where they are missing, that must be meant: the versions tell
        waiting = waiting_value(instance, key)
        if waiting is not MISSING:
            return UNKNOWN if isinstance(waiting, Large) else waiting
        copy = self._copies.get(instance, key)
        if copy is not None:
            return copy
        return None if is_absent else UNKNOWN

    def may_hold(self, instance: Instance, key: str) -> bool:
        """Tell whether a key may hold something; only without a doubt it does not."""
        return self.recall(instance, key) is not None

    # From the disk

    def read(self, instance: Instance, key: str) -> bytes | None:
        """Return a value, or None. Raises OSError."""
        since = Since(instance, instance.writes)  # before its values are looked at
        recalled = self.recall(instance, key)
        if recalled is not UNKNOWN:
            return recalled
        with self._catalogue.open(instance) as folder:
            return self.read_in(folder, since, key)

    def read_in(self, folder: Folder, since: Since, key: str) -> bytes | None:
        """Return what an instance's open folder holds for a key that memory does not know, or None. Raises OSError."""
        self.learn_names(since.instance, folder)
        try:
            value = self.read_file(since.instance, folder, key)
            if value is None or is_json(value):
                self.remember(since, key, value)
                return value
        except NotAFile:
            pass
        self.ask_for(since, SetAside(key), Delete(key))
        return None

    def read_file(self, instance: Instance, folder: Folder, key: str) -> bytes | None:
        """Return what is there for a key, past what is remembered. Raises OSError, or NotAFile."""
        seen: object = MISSING
        while (waiting := waiting_value(instance, key)) is not MISSING and waiting is not seen:
            if not isinstance(waiting, Large):
                return waiting
            value = folder.read_large(waiting.file_name, key)
            if value is not None:
                return value
            seen = waiting  # seen twice and gone: it became the key's file
        value = folder.read(key)
        if value is None and key in instance.odd_names:
            for odd in instance.odd_names.get(key, ()):
                value = folder.read(key, odd) if value is None else value
            if value is None:  # a checkpoint may have given it our name meanwhile
                value = folder.read(key)
        return value

    def learn_names(self, instance: Instance, folder: Folder) -> None:
        """List an instance's folder, so that a read of a key that does not exist need not ask the disk."""
        if instance.has_known_names():
            return
        with self._locks.memory:
            if instance.has_known_names():
                return
            with self._locks.state:  # before the folder is listed, so that what is saved meanwhile is not missed
                instance.learning = {*instance.unsaved, *instance.saving}
            names = {name: folder.key_of(name) for name in sorted(folder.names())}
            odd: dict[str, tuple[str, ...]] = {}
            for name, key in names.items():
                if key is not None and name != folder.name_of(key) and name not in folder.other_names(key):
                    odd[key] = (*odd.get(key, ()), name)
            known = KnownNames(key for key in names.values() if key is not None)
            is_complete = not any(key is None and name.startswith(LONG) for name, key in names.items())
            with self._locks.state:
                for key in instance.learning:
                    known.add(key)
                instance.learning = None
                instance.odd_names = odd
                instance.is_listed = True
                is_live = self._catalogue.get(instance.group, instance.name) is instance  # not dropped meanwhile
                if is_live and is_complete:
                    self._copies.learn(instance, known)

    def remember(self, since: Since, key: str, value: bytes | None) -> None:
        """Keep a copy of what a file held, if nothing was written to the instance since then."""
        with self._locks.memory:
            if value is not None and since.still_holds:
                self._copies.keep(since.instance, key, value)

    def ask_for(self, since: Since, *changes: Change) -> None:
        """Ask for changes of an instance, if nothing was written to it since then."""
        self._ask(Batch(since.instance.group, since.instance.name, changes, Unwritten(since)))


class Since(NamedTuple):
    """A moment of an instance."""

    instance: Instance
    writes: int

    @property
    def still_holds(self) -> bool:
        """Whether nothing was written to the instance since then."""
        return self.instance.writes == self.writes


class Missing(Enum):
    """Says that nothing waits."""

    MISSING = "missing"


MISSING: Literal[Missing.MISSING] = Missing.MISSING


def waiting_value(instance: Instance, key: str) -> Value | Literal[Missing.MISSING]:
    """Return what waits for a key's file, or MISSING."""
    for values in (instance.unsaved, instance.saving):  # a checkpoint moves values in this direction
        if key in values:
            return values[key]
    return MISSING
