"""Large values: what was acknowledged is there, in its order, and counted once."""

from __future__ import annotations

import errno
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event, Timer

from sessionworker.errors import StartError, StoreUnavailable
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.defects.queues import open_plain_store, queue_of
from tests.defects.store import (
    CREDS,
    Store,
    checkpoint,
    close,
    create,
    creds,
    delete,
    drop,
    dropping_group,
    file_of,
    groups,
    kill,
    open_store,
    read,
    write,
    write_large,
)
from tests.defects.threads import Beside, Stopped, StoppedAtLine

LARGE = b'"' + b"x" * 2_000_000 + b'"'
KEY = file_of("app-state-sync-version-x")


def replaced(folder: Path) -> Store:
    """A store with an instance that was dropped and made anew, and was given a large value; not in its files yet."""
    store = open_store(folder)
    create(store)
    write(store, CREDS, creds(7))
    checkpoint(store)
    drop(store)
    create(store)
    write_large(store, KEY, LARGE)
    return store


def test_a_large_value_is_there_after_a_crash_anywhere_in_a_checkpoint_and_is_deleted_for_good(folder: Path) -> None:
    for number in count(1):
        root = folder / str(number)
        store = replaced(root)
        with disk_of(root) as disk, disk.crashing(number) as crash:
            checkpoint(store)
        kill(root)
        store = open_store(root)
        assert read(store, KEY) == LARGE, crash.where
        delete(store, KEY)
        close(store)
        store = open_store(root)
        assert read(store, KEY) is None, crash.where
        close(store)
        if not crash.hits:
            assert number > 1
            return


def test_a_large_value_is_there_wherever_the_disk_failed_while_the_journal_was_replayed(folder: Path) -> None:
    for number in count(1):
        root = folder / str(number)
        store = open_store(root)
        create(store)
        write_large(store, KEY, LARGE)
        kill(root)
        said = suppress(StartError, StoreUnavailable)
        with disk_of(root) as disk, disk.failing(errno.EIO, at=number) as fault, said:
            assert read(open_store(root), KEY) == LARGE, fault.where
        kill(root)
        store = open_store(root)
        assert read(store, KEY) == LARGE, fault.where
        close(store)
        if not fault.hits:
            assert number > 1
            return


def test_a_read_that_meets_a_deletion_gives_nothing_older_than_what_was_acknowledged_before(folder: Path) -> None:
    keys = [file_of(f"large-{number}") for number in range(1, 200)]
    store = open_store(folder)
    create(store)
    for key in keys:
        write(store, key, b'"old"')
    with disk_of(folder) as disk:
        saving = Stopped(partial(checkpoint, store), disk, about("^g/a/"))  # while it holds the old values
        for number, key in enumerate(keys, start=1):
            write_large(store, key, LARGE)
            reading = StoppedAtLine(partial(read, store, key), at=number)
            deleting = Beside(partial(delete, store, key))
            assert reading.result() in {LARGE, None}, f"met at its line {number}"
            deleting.result()
            if not reading.has_stopped:
                break
        assert number > 5
        assert not reading.has_stopped
        saving.result()
    close(store)


# Through the queue


def test_bytes_of_large_values_are_counted_out_once_whatever_the_store_makes_of_them(folder: Path) -> None:
    store = open_plain_store(folder)
    create(store)
    with queue_of(store) as queue:
        for _ in range(3):
            sent = queue.send_large(KEY, len(LARGE), lambda: LARGE)
            assert queue.waiting_bytes == len(LARGE)
            queue.wait_for(sent)
            assert sent == [None]
            assert queue.waiting_bytes == 0


def test_a_drop_of_a_group_does_not_overtake_a_large_value_that_came_before_it(folder: Path) -> None:
    store = open_store(folder)
    create(store)
    may_end = Event()

    def read_slowly() -> bytes:
        assert may_end.wait(10)
        return LARGE

    with queue_of(store) as queue:
        sent = queue.send_large(KEY, len(LARGE), read_slowly)
        dropped = queue.send(dropping_group("g"))
        Timer(0.1, may_end.set).start()
        queue.wait_for(sent, dropped)
        assert (sent, dropped) == ([None], [None])
        assert groups(store) == []
