"""A file store as one side of a copy: what both sides have in common; see `source`, `target` and `stores.transfer`.

Nobody else has the store open meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import NamedTuple

from sessionworker.disk import opened_folder
from sessionworker.file_names import OURS
from sessionworker.stores.files.catalogue import NotItsFolder
from sessionworker.stores.files.contents import entries_in, files_in, should_have_creds
from sessionworker.stores.files.faults import reason_of
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.identity import Identity
from sessionworker.stores.files.labels import read_label
from sessionworker.stores.files.places import DROPPED, LOST, PURGED
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.transfer import Entry, Opened, Record, Unreadable, called

_NO_GROUPS = {OURS, "lost+found"}


class Lying(NamedTuple):
    """Where an instance lies, and what it is called."""

    group: str
    name: str
    dropped: str
    path: str

    def __str__(self) -> str:
        """Say which one it is."""
        return called(self.group, self.name, self.dropped)


class FileSide:
    """What both sides of a copy have in common."""

    def __init__(self, store: FileStore, shown: str) -> None:
        """Look into `store`."""
        self.shown = shown
        self._store = store
        self._parts = store._parts  # noqa: SLF001 - the store without what serves it
        self._places = replace(self._parts.places, is_synced=False)
        self._lying: dict[str, Lying] = {}

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    @contextmanager
    def opened(self, id_: str) -> Iterator[Opened | None]:
        """Give what an instance holds; see `stores.transfer`."""
        lying = self._lying.get(id_)
        if lying is None:
            yield None
            return
        with _telling(lying):
            folder = self._open(id_, lying)
        with folder:
            with _telling(lying):
                files = files_in(folder)
                last_write = max((file.when for file in files), default=0)
                has_creds, label = should_have_creds(folder, files), read_label(folder)
            record = Record(id_, lying.group, lying.name, lying.dropped, last_write, has_creds, label)
            yield Opened(record, _told(lying, entries_in(folder, files, last_write)))

    def _open(self, id_: str, lying: Lying) -> Folder:
        folder = self._places.open(lying.path)
        try:
            _check(folder, id_, lying)
            folder.tell_id(id_)
        except BaseException:
            folder.close()
            raise
        return folder


def _check(folder: Folder, id_: str, lying: Lying) -> None:
    if folder.ids() != [id_] or not Identity(folder).is_of(lying.group, lying.name):
        raise NotItsFolder


@contextmanager
def _telling(lying: Lying) -> Iterator[None]:
    """Say of which instance it is that it cannot be read."""
    try:
        yield
    except OSError as error:
        raise Unreadable(f"{lying}: {reason_of(error)}") from None
    except Unreadable as problem:
        raise Unreadable(f"{lying}: {problem}") from None


def _told(lying: Lying, entries: Iterator[Entry]) -> Iterator[Entry]:
    with _telling(lying):
        yield from entries


def is_empty(root: int) -> bool:
    """Tell whether a folder holds nothing that anybody stored. Raises OSError."""
    if not _NO_GROUPS.issuperset(os.listdir(root)):
        return False
    for path in (DROPPED, PURGED, LOST):
        with suppress(FileNotFoundError), opened_folder(path, root) as folder:
            if os.listdir(folder):
                return False
    return True
