"""Stores with instances that hold something, and what they tell of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sessionworker.names import SessionFile
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from tests.contract.words import CREDS, KEY, SUPPORT, commit, create, creds, summary, write
from tests.files.words import start

OFTEN = Limits(lag_seconds=0.01, summary_seconds=0.0, large_value=1000)
"""Limits of a store that writes down with each checkpoint what its instances hold."""

SIZE = len(creds(1))


def holds(store: FileStore, file: SessionFile = CREDS) -> tuple[int | None, int | None]:
    told = summary(store, file)
    return told.files, told.bytes


def filled(folder: Path, **options: Any) -> FileStore:
    """A store with two instances that hold something, all of it in the files."""
    store = start(folder, **options)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b"12345"), write(SUPPORT, creds(1, 2)))
    store.checkpoint()
    return store


def drop_told(store: FileStore) -> tuple[int | None, int | None]:
    [told] = store.drops()
    return told.files, told.bytes
