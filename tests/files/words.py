"""What the tests of the file store know of it and of its folders, besides the words that fit every store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

from sessionworker.errors import WorkerError
from sessionworker.events import Event
from sessionworker.names import SessionFile
from sessionworker.stores.changes import Batch, Write
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from sessionworker.wire import DropSummary
from tests.contract.words import ASKED_FOR, CREDS, KEY, SUPPORT, commit, create, creds, read_all, write

SEGMENT = 4096
"""Bytes of a segment of the journal: small, so that a short test fills several."""

QUICK = Limits(lag_seconds=0.01)
"""Limits of a store whose files follow nearly at once, if somebody does its background work."""

FILES = r"^codechat(/|$)"
"""Where session files are, below the store's folder."""

SEGMENTS = r"^\.sessionworker/journal/\d+\.segment$"
"""Where the journal's records are."""

JOURNAL = r"^\.sessionworker/journal(/|$)"
"""Where the journal is."""

DROPPED = r"^\.sessionworker/dropped(/|$)"
"""Where dropped instances are."""

OURS = ".sessionworker"


# Its life


def start(folder: Path, reports: list[str] | None = None, *, sync: bool = False, **options: Any) -> FileStore:
    """Open a store with small segments; what it tells the operator is added to `reports`."""

    def report(event: Event) -> None:
        if reports is not None and event.name not in ASKED_FOR:
            reports.append(event.text)

    return FileStore(folder, report=report, sync=sync, **{"segment_size": SEGMENT, **options})


def kill(folder: Path) -> None:
    """Close every file that is open below `folder`, as the kernel does for a process that `kill -9` ends."""
    for handle in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the one that listed them
            if f"{handle.readlink()}/".startswith(f"{folder}/"):
                os.close(int(handle.name))


def start_after_kill(folder: Path, reports: list[str] | None = None, **options: Any) -> FileStore:
    """Kill the store in a folder, and start it."""
    kill(folder)
    return start(folder, reports, **options)


def try_checkpoint(store: FileStore) -> None:
    """Bring what was committed into the files as far as the disk allows."""
    with suppress(WorkerError):
        store.checkpoint()


@contextmanager
def maintained(store: FileStore) -> Iterator[None]:
    """Let the store do its background work in a thread; the store is closed at the end."""
    thread = Thread(target=store.maintain, daemon=True)
    thread.start()
    try:
        yield
    finally:
        store.close()
        thread.join(20)
    assert not thread.is_alive()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds, which it must within 20 seconds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.002)


def error_of(call: Callable[[], object], *kinds: type[Exception]) -> Exception | None:
    """Make a call, and return the error of these kinds that it raised, if it did."""
    try:
        call()
    except kinds as error:
        return error
    return None


def with_values_in_the_journal(folder: Path) -> FileStore:
    """A store whose instance has older values in its files, and newer ones in the journal alone."""
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"old"'), write(SUPPORT, creds(1, 2)))
    store.checkpoint()
    commit(store, write(CREDS, creds(2)), write(KEY, b'"new"'), write(SUPPORT, creds(2, 2)))
    return store


def tried(call: Callable[[], object]) -> object:
    """Make a call, and return what it came to: a value, or why it was refused."""
    try:
        return call()
    except WorkerError as refusal:
        return type(refusal)


# Changes


def with_an_old_value(store: FileStore, number: int) -> None:
    """Make an instance whose values are in its files, and remembered."""
    create(store)
    commit(store, write(CREDS, creds(1, number)), write(KEY, b'"old"'))
    store.checkpoint()
    assert read_all(store, CREDS, KEY) == [creds(1, number), b'"old"']


def write_large(store: FileStore, file: SessionFile, value: bytes) -> None:
    """Write a value as those are written that are too large to stand beside others."""
    commit(store, store.prepare(Batch(file.group, file.instance, (Write(file.key, value),))))


# Its folders


def open_files() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def own_folder(folder: Path) -> Path:
    """The folder in a store, or in an instance's folder, that is the worker's own."""
    return folder / OURS


def folder_of(folder: Path, file: SessionFile = CREDS) -> Path:
    """The folder of a session file's instance."""
    return folder / file.group / file.instance


def folder_of_drop(folder: Path, dropped: DropSummary) -> Path:
    """The folder of a dropped instance."""
    [found] = (own_folder(folder) / "dropped").rglob(f"*{dropped.drop}")
    return found


def ids_in(instance_folder: Path) -> list[str]:
    """The ids that an instance's folder has."""
    return sorted(path.name.split("-")[1] for path in own_folder(instance_folder).glob("id-*"))


def id_file_of(instance_folder: Path) -> Path:
    """The file that names the one id that an instance's folder has."""
    [found] = own_folder(instance_folder).glob("id-*")
    return found


def id_of(instance_folder: Path) -> str:
    """The one id that an instance's folder has."""
    [found] = ids_in(instance_folder)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes, but for those that go away meanwhile."""
    found = {}
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError, IsADirectoryError):
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def session_files(folder: Path) -> dict[str, bytes]:
    """Every file in a store that is not the worker's own, with its bytes."""
    return {name: value for name, value in contents(folder).items() if f"/{OURS}/" not in f"/{name}"}


def journal_segments(folder: Path) -> list[Path]:
    """The files of the journal that records were appended to, oldest first; those that are ready are none."""
    return sorted((own_folder(folder) / "journal").glob("*.segment"))


def gauge(store: FileStore, name: str) -> float:
    """One of the figures that the metrics show."""
    return store.figures().gauges[name]


def count_of(store: FileStore, name: str) -> int:
    """How often something went wrong, or was odd."""
    return store.figures().counts.get(name, 0)
