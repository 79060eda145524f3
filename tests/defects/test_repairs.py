"""Broken `creds` that are mended while a client changes them: the client's change stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

from sessionworker.errors import WorkerError
from tests.defects.faults import disk_of
from tests.defects.store import (
    CREDS,
    Entry,
    Store,
    checkpoint,
    close,
    create,
    creating,
    creds,
    do,
    dropping,
    file_of,
    kill,
    open_store,
    read,
    run_repairs,
    write,
    writing,
)
from tests.defects.threads import Beside, Stopped


def open_broken(folder: Path) -> Store:
    """Open a store in which the creds of an instance are torn, and an older version is there."""
    store = open_store(folder)
    create(store)
    write(store, CREDS, creds(1))
    close(store)
    (folder / "g" / "a" / "creds").write_bytes(b'{"regis')
    store = open_store(folder)
    assert read(store, file_of("session-1")) is None  # it knows the names of the files now
    return store


def overtaken_by_a_read(folder: Path, *changes: Entry) -> Iterator[tuple[Store, Path]]:
    """Commit changes that stop at each of their calls of the disk in turn, while the broken creds are read."""
    for number in count(1):
        place = folder / str(number)
        store = open_broken(place)
        with disk_of(place) as disk:
            changing = Stopped(partial(do, store, *changes), disk, at=number)
            reading = Beside(partial(read, store, CREDS))
            changing.result()
            with suppress(WorkerError):  # while there is no instance, or none of its creds can be had
                reading.result()
        run_repairs(store)
        yield store, place
        kill(place)
        if changing.where is None:
            return


def test_an_older_version_is_not_restored_over_creds_that_were_acknowledged_meanwhile(folder: Path) -> None:
    for store, place in overtaken_by_a_read(folder, writing(CREDS, creds(2))):
        assert read(store, CREDS) == creds(2)
        kill(place)
        assert read(open_store(place), CREDS) == creds(2)


def test_an_old_identity_is_not_restored_into_an_instance_that_was_made_anew_meanwhile(folder: Path) -> None:
    for store, place in overtaken_by_a_read(folder, dropping("g", "a"), creating("g", "a")):
        assert read(store, CREDS) is None
        checkpoint(store)
        kill(place)
        assert read(open_store(place), CREDS) is None
