"""What operators call instances: a small file in the folder of each that has a label. It goes where that goes.

It is written whole and renamed, as a drop is a rename, and then known: the journal has no record of it. So a worker
that knows no labels finds a file in its own folder that it leaves alone.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress

from sessionworker.disk import NotAFile, read_file, remove_if_there
from sessionworker.errors import LabelNotAllowed, StoreUnavailable, WorkerError
from sessionworker.names import check_label
from sessionworker.stores.changes import LabelInstance
from sessionworker.stores.files.adopting import Adopting
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import Places

LABEL = "label"


class Labels:
    """Labels of one store. What tells one may be called by any thread, what changes one by the committer."""

    def __init__(self, places: Places, catalogue: Catalogue, adopting: Adopting, locks: Locks) -> None:
        """Look into the folders of `catalogue`."""
        self._places = places
        self._catalogue = catalogue
        self._adopting = adopting
        self._locks = locks
        self._of_dropped: dict[str, str] = {}  # by their paths, of drops that the catalogue does not know

    def of(self, instance: Instance) -> str:
        """Return an instance's label, or nothing. Its folder is looked at once. Raises OSError."""
        label, times = instance.label, instance.times_labelled
        if label is None:
            with self._catalogue.open(instance) as folder:
                label = read_label(folder)
            with self._locks.state:
                if instance.times_labelled == times:  # else it may be an older one
                    instance.label = label
        return label

    def of_dropped(self, path: str) -> str:
        """Return the label of an instance that was dropped and of which the catalogue knows nothing. Raises OSError.

        It is read once: nobody gives a drop another label, and no other drop is ever at its path.
        """
        label = self._of_dropped.get(path)
        if label is None:
            with self._places.open(path) as folder:
                label = self._of_dropped[path] = read_label(folder)
        return label

    def keep_only(self, paths: Collection[str]) -> None:
        """Forget drops that lie at other paths than these, which are all that there are."""
        for path in list(self._of_dropped):
            if path not in paths:
                self._of_dropped.pop(path, None)

    def make(self, change: LabelInstance) -> WorkerError | None:
        """Give an instance a label, durably, or take it away. Returns why that is refused, or raises OSError."""
        instance = self._catalogue.seek(change.group, change.instance)
        if not isinstance(instance, Instance):
            return instance
        if instance.problem:
            return StoreUnavailable()
        if not instance.is_adopted:
            self._adopting.adopt(instance)
        self._catalogue.settle(instance.path)
        with self._catalogue.open(instance) as folder:
            self._write(instance, folder, change.label)
        return None

    def hand_on(self, old: Instance, new: Instance) -> None:
        """Give one that has taken another's place that one's label, if it has none; as far as that can be done.

        A label that is lost with the machine, or on a full disk, is no reason to refuse what keeps an account alive.
        """
        with suppress(OSError):
            label = self.of(old)
            with self._catalogue.open(new) as folder:
                if label and not read_label(folder) and folder.ids():
                    self._write(new, folder, label)

    def _write(self, instance: Instance, folder: Folder, label: str) -> None:
        known = None  # as long as nobody can tell which one is there
        try:
            write_label(folder, label)
            known = label
        finally:
            with self._locks.state:
                instance.label = known
                instance.times_labelled += 1

    def rewrite(self, folder: Folder) -> None:
        """Write a label as it is written now, if it is not. Raises OSError. Called by the background."""
        with self._locks.changing:  # or an older one would be written over one that was just acknowledged
            data = _read(folder)
            if data is not None and not folder.codec.is_current(data) and (label := read_label(folder)):
                write_label(folder, label)


def read_label(folder: Folder) -> str:
    """Return the label that lies in an instance's folder; nothing where it is none, or is sealed to something else."""
    with suppress(NotAFile, UnicodeDecodeError, LabelNotAllowed):
        data = _read(folder)
        if data is not None:
            return check_label(folder.codec.open(data, LABEL, folder.id).decode())
    return ""


def _read(folder: Folder) -> bytes | None:
    with suppress(FileNotFoundError):  # one that was never used has no folder of ours in it
        return read_file(LABEL, folder.ours)
    return None


def write_label(folder: Folder, label: str) -> None:
    """Let a label lie in an instance's folder, durably, or none. Raises OSError."""
    if label:
        data = folder.codec.seal(label.encode(), LABEL, folder.id)
        with folder.unfinished_file(data, sync=folder.is_synced) as temporary:
            os.rename(temporary, LABEL, src_dir_fd=folder.ours, dst_dir_fd=folder.ours)
    else:
        remove_if_there(LABEL, folder.ours)
    if folder.is_synced:
        os.fsync(folder.ours)
