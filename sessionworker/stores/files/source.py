"""A file store that is copied. What waits in its journal is brought into its files first; else nothing in it changes.

But for what a worker does when an instance is used for the first time: one that has no id yet is given one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from sessionworker.disk import NotAFile, opened_folder, read_file
from sessionworker.errors import WorkerError
from sessionworker.events import Report
from sessionworker.file_names import OURS
from sessionworker.stores.files.catalogue import NotItsFolder
from sessionworker.stores.files.copied import read_mark
from sessionworker.stores.files.faults import reason_of
from sessionworker.stores.files.identity import Identity, new_id
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.places import LOST, SEALS
from sessionworker.stores.files.side import FileSide, Lying, is_empty
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KeyRing
from sessionworker.stores.seals import Statement
from sessionworker.stores.transfer import CopyError, Listed

_is_id = re.compile("[0-9a-f]{32}").fullmatch


class FileSource(FileSide):
    """A store that is copied."""

    def __init__(self, store: FileStore, shown: str) -> None:
        """Bring all that waits into the files of `store`."""
        super().__init__(store, shown)
        self._problems: list[str] = []
        with suppress(WorkerError):  # whose files cannot follow is told one by one
            store.checkpoint()

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""
        return sorted(self._parts.catalogue.groups)

    def problems(self) -> list[str]:
        """Return sentences about what cannot even be listed; `records` comes before."""
        return list(self._problems)

    def records(self) -> list[Listed]:
        """Return all instances; those that were never used are given an id, as a worker does it."""
        catalogue, drops = self._parts.catalogue, self._parts.drops
        self._problems = [f"group {one.name!r}: {one.problem}" for one in catalogue.groups.values() if one.problem]
        self._problems += [f"the folder {path!r}: no key opens its name" for path in sorted(catalogue.not_opened)]
        self._problems += [f"{one}: {one.problem}" for one in catalogue.held.values()]
        try:
            listed = [self._list_live(instance) for instance in catalogue.live()]
            listed += [self._list_dropped(Lying(*drop)) for drop in list(drops.all())]
            if drops.are_unlisted:
                self._problems.append("what was dropped: not all of it can be told")
            lost = self._parts.places.folders(LOST)
        except OSError as error:
            raise CopyError(f"{self.shown} cannot be read: {reason_of(error)}.") from None
        self._problems += [f"the folder {LOST}/{name}: it is of no instance" for name in lost]
        return sorted(one for one in listed if one is not None)

    def _list_live(self, instance: Instance) -> Listed | None:
        lying = Lying(instance.group, instance.name, "", instance.path)
        try:
            self._check_saved(instance)
            with self._parts.catalogue.open(instance) as folder:
                ids, files = folder.ids(), len(folder.names())
            _check_ids(ids)
            if len(ids) == 1 and ids[0] not in self._lying:
                self._parts.catalogue.adopted(instance, ids[0])
            else:
                self._parts.adopting.adopt(instance)
        except OSError as error:
            self._problems.append(f"{lying}: {reason_of(error)}")
            return None
        self._lying[instance.id] = lying._replace(path=instance.path)
        return Listed(instance.id, files)

    def _list_dropped(self, lying: Lying) -> Listed | None:
        try:
            waiting = self._parts.catalogue.dropped.get(lying.path)
            if waiting is not None:
                self._check_saved(waiting)
            with self._parts.places.open(lying.path) as folder:
                identity, ids, files = Identity(folder), folder.ids(), len(folder.names())
                _check_ids(ids)
                if not ids:
                    ids = [new_id()]
                    identity.take_over(ids[0], folder.identity[1], lying.group, lying.name)
                elif len(ids) == 1 and ids[0] in self._lying and not folder.codec.is_bound:  # a copy
                    identity.change(ids[0], new_id())
                    ids = folder.ids()
                if len(ids) > 1 or ids[0] in self._lying:
                    raise NotItsFolder("another one has its id, or it has more than one")
        except OSError as error:
            self._problems.append(f"{lying}: {reason_of(error)}")
            return None
        self._lying[ids[0]] = lying
        return Listed(ids[0], files)

    @staticmethod
    def _check_saved(instance: Instance) -> None:
        if not instance.is_saved:
            raise NotItsFolder("its files cannot follow the journal")


def _check_ids(ids: Sequence[str]) -> None:
    if not all(map(_is_id, ids)):
        raise NotItsFolder("its id is none that a worker gave it")


def open_source(path: Path, ring: KeyRing | None, report: Report) -> FileSource:
    """Open a store that is copied, with whichever keys it says that it has. Raises CopyError or StartError."""
    try:
        with opened_folder(str(path.absolute())) as root:
            if is_empty(root) and not read_mark(root):
                raise CopyError(f"There is nothing in {path}.")
            data = None
            with suppress(NotAFile, NotADirectoryError):
                data = read_file(f"{OURS}/{SEALS}", root)
            statement = msgspec.json.decode(data, type=Statement) if data else Statement()
            ring = statement.for_reading(ring)
    except OSError as error:
        raise CopyError(f"There is no store in {path}: {reason_of(error)}.") from None
    except (msgspec.MsgspecError, UnicodeError):
        pass  # a start is refused
    return FileSource(FileStore(path, ring=ring, report=report), str(path))
