"""Stores with an instance whose files cannot follow."""

from __future__ import annotations

import errno
from contextlib import AbstractContextManager
from pathlib import Path

from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    create,
    creds,
    write,
)
from tests.defects.calls import NAMING, about
from tests.defects.faults import Disk, Fault
from tests.files.words import (
    start,
)

SALES = "^codechat/sales(/|$)"
SUPPORT_KEY = SUPPORT._replace(key=KEY.key)


def value(size: int, number: int = 0) -> bytes:
    """A value of so many bytes."""
    return b'"%0*d"' % (size - 2, number)


def broken(disk: Disk, error: int = errno.EIO) -> AbstractContextManager[Fault]:
    """Let no name be made or taken away in the folder of one instance."""
    return disk.failing(error, about(SALES, *NAMING, "write"))


def with_files(folder: Path, reports: list[str] | None = None, *, limits: Limits = Limits()) -> FileStore:  # noqa: B008 - it is frozen
    """A store with two instances that have files."""
    store = start(folder, reports, limits=limits)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"old"'), write(OTHER_KEY, b"1"), write(SUPPORT, creds(1, 2)))
    store.checkpoint()
    return store
