"""The words in which the tests of the defects speak of the store: all that they know of its interface and its folders.

A word that changes something raises what refused it, most often a WorkerError.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest

from sessionworker.errors import WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores import files
from sessionworker.stores.files import FileStore
from sessionworker.stores.interface import (
    Change,
    CreateGroup,
    CreateInstance,
    Delete,
    DropGroup,
    DropInstance,
    DropSummary,
    RestoreInstance,
    VersionSummary,
    Write,
)

Store: TypeAlias = FileStore
Entry: TypeAlias = Change
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


def open_store(folder: Path, reports: list[str] | None = None, **options: Any) -> Store:
    """Open a store; what it tells the operator is added to `reports`."""
    report = reports.append if reports is not None else lambda _: None
    return FileStore(folder, report=report, **{"sync": False, "segment_size": SEGMENT, **options})


def kill(folder: Path) -> None:
    """Close every file that is open below `folder`, as the kernel does for a process that `kill -9` ends."""
    for handle in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the one that listed them
            if str(handle.readlink()).startswith(f"{folder}/"):
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
        patch.setattr(files, "LAG_SECONDS", lag)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with suppress(Exception):  # what a test is about it does before
                close(store)
            thread.join(10)
    assert not thread.is_alive()


@contextmanager
def few_may_wait(files_: int) -> Iterator[None]:
    """Let a commit wait as soon as that many session files wait to be written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "MOST_WAITING_FILES", files_)
        yield


# Changes


def writing(file: SessionFile, value: bytes) -> Entry:
    return Write(file, value)


def deleting(file: SessionFile) -> Entry:
    return Delete(file)


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
    return store.commit(entries)


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
    do(store, store.stage(Write(file, value)))


def delete(store: Store, file: SessionFile) -> None:
    do(store, deleting(file))


def drop(store: Store, group: str = "g", instance: str = "a") -> None:
    do(store, dropping(group, instance))


def drop_group(store: Store, group: str = "g") -> None:
    do(store, dropping_group(group))


def restore(store: Store, dropped: Drop, name: str | None = None) -> None:
    do(store, restoring(dropped, name))


def purge(store: Store) -> None:
    """Let go of what was dropped long enough ago; of all, in a store that was opened with `keep_drops_days=0`."""
    time.sleep(0.02)  # the time of a commit is ahead of the clock where commits follow closely
    store.purge()


def run_repairs(store: Store) -> None:
    """Do what reads have asked for since this was called before: today they do it themselves."""


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
    return store.gauges()["known_names"]


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
    return folder / group / instance / ".versions"


def append_what_nobody_knows(store: Store) -> None:
    """Append a record to the journal as a newer worker might, with a kind of change that this one does not have."""
    store._journal.append(msgspec.msgpack.encode([1, [["BulkWrite", "x"]]]))
