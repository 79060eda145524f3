"""A file store that is copied into.

An instance is written whole into a folder that nobody knows of, and that is renamed to its place. Nothing is synced on
the way: all is, before the mark says that the copy is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sessionworker.disk import open_folder, opened_folder, remove_tree, sync_file_system
from sessionworker.events import Report
from sessionworker.stores.copied import FINISHED, UNFINISHED
from sessionworker.stores.files.contents import write_into
from sessionworker.stores.files.copied import read_mark, write_mark
from sessionworker.stores.files.faults import reason_of
from sessionworker.stores.files.identity import Identity, new_id
from sessionworker.stores.files.labels import write_label
from sessionworker.stores.files.places import NEW
from sessionworker.stores.files.side import FileSide, Lying, is_empty
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KeyRing
from sessionworker.stores.transfer import CopyError, Entry, Listed, Record, in_use


class FileTarget(FileSide):
    """A store that is copied into."""

    def __init__(self, store: FileStore, shown: str) -> None:
        """Copy into `store`, of which nobody else keeps in mind what is in it."""
        super().__init__(store, shown)
        self._ids: dict[tuple[str, str, str], str] = {}
        """By their groups, names and drops: the ids of those that lie there."""
        self._folders: dict[str, str] = {}
        """Those of the groups."""

    def begin(self) -> None:
        """Say that it is a part of a copy; see `stores.transfer`. What was cut off in it is removed."""
        root = self._places.root
        with self._saying():
            if not read_mark(root) and not is_empty(root):
                raise in_use(self.shown)
            write_mark(root, UNFINISHED)
            for lying in list(self._walk()):
                id_ = self._id_of(lying)
                if id_ is None or id_ in self._lying:
                    self._discard(lying.path)
                else:
                    self._note(id_, lying)

    def _note(self, id_: str, lying: Lying) -> None:
        self._lying[id_] = lying
        self._ids[lying[:3]] = id_

    @contextmanager
    def _saying(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CopyError(f"{self.shown} cannot be written: {reason_of(error)}.") from None

    def _walk(self) -> Iterator[Lying]:
        places = self._places
        for folder, group in self._group_folders():
            for file_name in places.folders(folder):
                name = places.instance_at(group, file_name)
                if name is not None:
                    yield Lying(group, name, "", f"{folder}/{file_name}")
        for drop in self._parts.drops.all():
            yield Lying(*drop)

    def _group_folders(self) -> list[tuple[str, str]]:
        found = [(folder, self._places.group_at(folder)) for folder in self._places.folders(".")]
        return [(folder, group) for folder, group in found if group is not None]

    def _id_of(self, lying: Lying) -> str | None:
        with suppress(FileNotFoundError), self._places.open(lying.path) as folder:
            ids = folder.ids()
            return ids[0] if len(ids) == 1 else None
        return None

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""
        with self._saying():
            return sorted({group for _, group in self._group_folders()})

    @staticmethod
    def problems() -> list[str]:
        """Return none."""
        return []

    def records(self) -> list[Listed]:
        """Return all instances that lie in it."""
        with self._saying():
            return sorted(Listed(id_, 0) for id_ in map(self._id_of, self._walk()) if id_ is not None)

    def keep_groups(self, groups: Sequence[str]) -> None:
        """Make the groups that are missing, and remove others."""
        with self._saying():
            there = self._group_folders()
            for folder, group in there:
                if group not in groups:
                    for id_ in [id_ for id_, one in self._lying.items() if (one.group, one.dropped) == (group, "")]:
                        self.remove(id_)
                    self._discard(folder)
            self._folders = {group: folder for folder, group in there}
            for group in groups:
                if group not in self._folders:
                    self._places.keep_names(group)
                    self._folders[group] = self._places.group_path(group)
                    self._places.make(self._folders[group])

    def put(self, record: Record, entries: Iterable[Entry]) -> None:
        """Write an instance whole; see `stores.transfer`."""
        new = f"{NEW}/{record.id}"
        with self._saying():
            try:
                self._places.make(new)
                with self._places.open(new) as folder:
                    folder.tell_id(record.id)
                    Identity(folder).begin(record.id, folder.identity[1], record.group, record.name)
                    write_into(folder, record, entries)
                    write_label(folder, record.label)
                self._make_way(record)
                path = self._path_of(record)
                self._places.move(new, path)
            except BaseException:
                self._places.discard(new)
                raise
        self._note(record.id, Lying(record.group, record.name, record.dropped, path))

    def _make_way(self, record: Record) -> None:
        """Remove what the target has of it, and what lies in its place."""
        other = self._ids.get((record.group, record.name, record.dropped), "")
        for id_ in {record.id, other} & self._lying.keys():
            self.remove(id_)

    def _path_of(self, record: Record) -> str:
        if record.dropped:
            return self._parts.drops.place_of(record.group, record.name, record.dropped)
        self._places.keep_names(record.group, record.name)
        return self._places.instance_path(self._folders[record.group], record.group, record.name)

    def remove(self, id_: str) -> None:
        """Remove an instance."""
        lying = self._lying.pop(id_)
        del self._ids[lying[:3]]
        with self._saying():
            self._discard(lying.path)
            if lying.dropped:
                self._parts.drops.tidy(lying.path)

    def _discard(self, path: str) -> None:
        """Remove a folder: at once from where it lies, since what is in there counts as whole."""
        gone = f"gone-{new_id()}"
        self._places.move(path, f"{NEW}/{gone}")
        with opened_folder(NEW, self._places.root) as new:
            remove_tree(gone, new)

    def finish(self) -> None:
        """Make all durable, and then say that the copy is whole."""
        with self._saying():
            sync_file_system(self._places.root)
            write_mark(self._places.root, FINISHED)


def open_target(path: Path, ring: KeyRing | None, report: Report) -> FileTarget:
    """Open a store that is copied into; nothing is made where it is somebody's. Raises CopyError or StartError."""
    try:
        root = open_folder(str(path.absolute()))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise CopyError(f"{path} cannot be used: {reason_of(error)}.") from None
    else:
        try:
            if not read_mark(root) and not is_empty(root):
                raise in_use(str(path))
        finally:
            os.close(root)
    return FileTarget(FileStore(path, ring=ring, report=report, is_target=True), str(path))
