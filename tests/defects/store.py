"""The words in which the tests of the defects speak of the store: all that they know of its interface and its folders.

A word that changes something raises what refused it, most often a WorkerError.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest

from sessionworker.errors import NoSuchDrop, WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores import changes
from sessionworker.stores.changes import (
    Batch,
    CreateGroup,
    CreateInstance,
    Delete,
    DropGroup,
    DropInstance,
    RestoreInstance,
    Write,
)
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from sessionworker.wire import DropSummary, VersionSummary

Entry: TypeAlias = changes.Entry
Drop: TypeAlias = DropSummary

SEGMENT = 4096
"""Bytes of a segment of the journal: small, so that a short test fills several."""

CREDS = SessionFile("g", "a", "creds")
"""The `creds` of the instance that most tests are about."""

JOURNAL = r"^\.sessionworker/journal(/|$)"
"""Where the journal is, below the store's folder."""


def creds(next_pre_key: int, registration: int = 1) -> bytes:
    """Make the `creds` of one identity for each `registration`."""
    return b'{"registrationId":%d,"nextPreKeyId":%d}' % (registration, next_pre_key)


def file_of(key: str, instance: str = "a") -> SessionFile:
    """A session file of an instance of the group that most tests are about."""
    return SessionFile("g", instance, key)


# Its life


class Store(FileStore):
    """A file store, and what its readers have asked to be repaired."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.repairs: list[Batch] = []
        self.turn = threading.Lock()
        """Held by whoever commits: one at a time."""
        self.on_repair(self.repairs.append)


def open_store(folder: Path, reports: list[str] | None = None, **options: Any) -> Store:
    """Open a store; what it tells the operator is added to `reports`."""
    report = reports.append if reports is not None else lambda _: None
    return Store(folder, report=lambda event: report(event.text), **{"sync": False, "segment_size": SEGMENT, **options})


def kill(folder: Path) -> None:
    """Close every file that is open below `folder`, as the kernel does for a process that `kill -9` ends."""
    for handle in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the one that listed them
            if f"{handle.readlink()}/".startswith(f"{folder}/"):
                os.close(int(handle.name))


def close(store: Store) -> None:
    """Bring everything into the files, and let go of the store."""
    store.close()


def checkpoint(store: Store) -> None:
    """Bring what was committed into the files."""
    store.checkpoint()


def try_checkpoint(store: Store) -> None:
    """Do so as far as the disk allows."""
    with suppress(WorkerError, OSError):
        checkpoint(store)


@contextmanager
def run_background(store: Store, *, lag: float = 0.02) -> Iterator[None]:
    """Let the store do its background work in a thread, every `lag` seconds; the store is closed at the end."""

    def work() -> None:
        with suppress(Exception):  # as in the worker's threads: whether it ended is seen by what does not come any more
            store.maintain()

    with pytest.MonkeyPatch.context() as patch:
        limits = replace(store._parts.limits, lag_seconds=lag)
        patch.setattr(store._parts.background, "_limits", limits)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with suppress(Exception):  # what a test is about it does before
                close(store)
            thread.join(10)
    assert not thread.is_alive()


FEW_MAY_WAIT = {"limits": Limits(waiting_files=10)}
"""An option for a store in which a commit waits as soon as so few session files wait to be written."""


# Changes


def writing(file: SessionFile, value: bytes) -> Entry:
    return Batch(file.group, file.instance, (Write(file.key, value),))


def deleting(file: SessionFile) -> Entry:
    return Batch(file.group, file.instance, (Delete(file.key),))


def creating(group: str, instance: str) -> Entry:
    return CreateInstance(group, instance)


def creating_group(group: str) -> Entry:
    return CreateGroup(group)


def dropping(group: str, instance: str) -> Entry:
    return DropInstance(group, instance)


def dropping_group(group: str) -> Entry:
    return DropGroup(group)


def restoring(drop: Drop, name: str | None = None) -> Entry:
    return RestoreInstance(drop.group, drop.instance, drop.drop, name or drop.instance)


def commit(store: Store, *entries: Entry) -> list[WorkerError | None]:
    """Make changes in one commit, and return for each what refused it, or None."""
    with store.turn:
        return [one if isinstance(one, WorkerError) else None for one in store.commit(entries)]


def do(store: Store, *entries: Entry) -> None:
    """Make changes in one commit. Raises what refused the first of them that was refused."""
    for refusal in commit(store, *entries):
        if refusal is not None:
            raise refusal


def is_done(store: Store, entry: Entry) -> bool:
    """Make a change, and tell whether it was acknowledged."""
    return commit(store, entry) == [None]


def create(store: Store, group: str = "g", instance: str = "a") -> None:
    do(store, creating(group, instance))


def write(store: Store, file: SessionFile, value: bytes) -> None:
    do(store, writing(file, value))


def write_large(store: Store, file: SessionFile, value: bytes) -> None:
    """Write a value as those are written that are too large to stand beside others."""
    do(store, store.prepare(Batch(file.group, file.instance, (Write(file.key, value),))))


def delete(store: Store, file: SessionFile) -> None:
    do(store, deleting(file))


def drop(store: Store, group: str = "g", instance: str = "a") -> None:
    do(store, dropping(group, instance))


def drop_group(store: Store, group: str = "g") -> None:
    do(store, dropping_group(group))


def restore(store: Store, dropped: Drop, name: str | None = None) -> None:
    do(store, restoring(dropped, name))


def purge(store: Store) -> None:
    """Erase all that was dropped."""
    with suppress(NoSuchDrop):  # it was brought back meanwhile
        do(store, *store.drops_before(2**60))


def run_repairs(store: Store) -> None:
    """Do what reads have asked for since this was called before."""
    asked, store.repairs[:] = list(store.repairs), []
    commit(store, *asked)


# Questions


def read(store: Store, file: SessionFile) -> bytes | None:
    return store.read(file)


def check_creds(store: Store, group: str = "g", instance: str = "a") -> None:
    """Ask what is asked before a client is told that its instance is there. Raises what refuses it."""
    store.check_creds(group, instance)


def versions(store: Store, group: str = "g", instance: str = "a") -> list[VersionSummary]:
    return store.versions(group, instance)


def read_version(store: Store, version: VersionSummary, group: str = "g", instance: str = "a") -> bytes:
    return store.read_version(group, instance, version.version)


def drops(store: Store) -> list[Drop]:
    return store.drops()


def groups(store: Store) -> list[str]:
    return store.groups()


def instances(store: Store, group: str = "g") -> list[str]:
    return store.instances(group)


def known_names(store: Store) -> float:
    """How many names of session files count towards those that may be remembered."""
    return store.figures().gauges["cached_key_names"]


# Its folders


def own_folder(folder: Path) -> Path:
    """The folder in a store that is the worker's own."""
    return folder / ".sessionworker"


def journal_files(folder: Path) -> list[Path]:
    """The files of the journal, those included that are ready for use."""
    return sorted((own_folder(folder) / "journal").iterdir())


def segments(folder: Path) -> list[Path]:
    """The files of the journal that records were appended to, oldest first."""
    return [path for path in journal_files(folder) if path.suffix == ".segment"]


def clock_file(folder: Path) -> Path:
    """The file that says when the last commit was."""
    return own_folder(folder) / "clock"


def versions_folder(folder: Path, group: str = "g", instance: str = "a") -> Path:
    """The folder that holds the older `creds` of an instance, a file each."""
    return folder / group / instance / ".sessionworker" / "versions"


def append_what_nobody_knows(store: Store) -> None:
    """Append a record to the journal as a newer worker might, with a kind of change that this one does not have."""
    store._parts.journal.append(msgspec.msgpack.encode([["id", "g/a", [[99, "x"]]]]))
