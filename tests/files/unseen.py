"""Stores of which the journal holds something that nobody could be given at the start."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from sessionworker.stores.changes import DropInstance
from sessionworker.stores.files.store import FileStore
from sessionworker.wire import DropSummary
from tests.contract.words import (
    CREDS,
    KEY,
    creds,
    drop,
    restore,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import (
    SEGMENTS,
    count_of,
    start_after_kill,
    with_values_in_the_journal,
)

NEW_NAME = CREDS._replace(instance="new name")
NEW_KEY = NEW_NAME._replace(key=KEY.key)
ACKNOWLEDGED = [creds(2), b'"new"']


def killed_in_a_restore(folder: Path) -> None:
    """Leave an instance that was brought back under another name, of which the journal does not know yet."""
    store = with_values_in_the_journal(folder)
    dropped = drop(store)
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([restore(dropped, NEW_NAME.instance)])


def killed_in_a_drop(folder: Path) -> None:
    """Leave an instance that was dropped, of which the journal does not know yet."""
    store = with_values_in_the_journal(folder)
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([DropInstance("codechat", "sales")])


def started_without(folder: Path, pattern: str, *calls: str, **options: Any) -> FileStore:
    """Start while some folders cannot be looked at; they can be later."""
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(pattern, *calls)):
        store = start_after_kill(folder, **options)
    assert store._catalogue.held
    assert count_of(store, "instances_lost") == 0
    return store


def drop_named(store: FileStore, name: str) -> DropSummary:
    [found] = [one for one in store.drops() if one.instance == name]
    return found
