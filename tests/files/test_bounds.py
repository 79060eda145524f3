"""Its bounds: how long a file lags behind, and how much may wait, in the journal and in memory."""

from __future__ import annotations

import errno
import threading
import time
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import Entry
from sessionworker.stores.files.limits import Limits
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    delete,
    drop,
    purge,
    read_and_recall,
    refusals,
    restore,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import (
    QUICK,
    SEGMENT,
    SEGMENTS,
    gauge,
    journal_segments,
    maintained,
    own_folder,
    session_files,
    start,
    start_after_kill,
    wait_for,
)

NOT_SOON = Limits(lag_seconds=3600)
"""Limits of a store whose background work comes when it is woken, and not by itself."""


def key(number: int) -> SessionFile:
    return CREDS._replace(key=f"k{number}")


def value(size: int, number: int = 0) -> bytes:
    """A value of so many bytes."""
    return b'"%0*d"' % (size - 2, number)


# Of time


def test_a_file_lags_behind_for_a_moment_only(folder: Path) -> None:
    store = start(folder, limits=QUICK)
    with maintained(store):
        create(store)
        for number in range(3):
            commit(store, write(KEY, b"%d" % number))
            expected = {f"codechat/sales/{KEY.key}": b"%d" % number}
            wait_for(lambda: session_files(folder) == expected, "the file follows")  # noqa: B023 - it is asked at once


def test_without_background_work_the_files_wait_for_the_bounds_alone(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b"1"))
    assert session_files(folder) == {}
    assert read_and_recall(store, KEY) == b"1"
    store.close()


# Of the journal


@pytest.mark.parametrize(
    ("limits", "changes"),
    [
        (Limits(lag_seconds=3600, checkpoint_bytes=2 * SEGMENT), [write(KEY, value(2 * SEGMENT))]),
        (Limits(lag_seconds=3600, waiting_bytes=4000), [write(KEY, value(1100))]),
        (Limits(lag_seconds=3600, waiting_files=4), [write(key(number), b"1") for number in range(2)]),
    ],
    ids=["the journal is as long as it should be", "a quarter of the bytes waits", "and of the files"],
)
def test_when_much_waits_the_background_work_begins_at_once(folder: Path, limits: Limits, changes: list[Entry]) -> None:
    store = start(folder, limits=limits)
    with maintained(store):
        create(store)
        for change in changes:
            assert session_files(folder) == {}
            commit(store, change)
        wait_for(lambda: len(session_files(folder)) == len(changes), "the files follow")


def test_what_was_purged_is_erased_at_once(folder: Path) -> None:
    store = start(folder, limits=NOT_SOON)
    with maintained(store):
        create(store)
        commit(store, write(KEY, value(2 * SEGMENT)))
        commit(store, purge(drop(store)))
        wait_for(lambda: not list((own_folder(folder) / "purged").iterdir()), "it is erased")


def test_the_journal_is_bounded_and_a_commit_that_would_pass_it_waits_for_the_files(folder: Path) -> None:
    store = start(folder, limits=Limits(lag_seconds=3600, journal_bytes=20_000))
    create(store)
    largest = 0
    for number in range(60):
        commit(store, write(KEY, value(900, number)))
        largest = max(largest, sum(path.stat().st_size for path in journal_segments(folder)))
        assert gauge(store, "journal_bytes") < 20_000 + 1000 + SEGMENT
    assert 20_000 < largest < 20_000 + 3 * SEGMENT
    assert read_and_recall(store, KEY) == value(900, 59)
    store.close()


def test_the_journal_is_bounded_while_somebody_does_the_background_work(folder: Path) -> None:
    store = start(folder, limits=Limits(lag_seconds=3600, journal_bytes=20_000))
    with maintained(store):
        create(store)
        for number in range(200):
            commit(store, write(KEY, value(900, number)))
            assert gauge(store, "journal_bytes") < 20_000 + 1000 + SEGMENT
        assert read_and_recall(store, KEY) == value(900, 199)


def test_when_the_journal_is_full_and_cannot_be_let_go_of_writes_are_refused_but_no_deletion(folder: Path) -> None:
    store = start(folder, limits=Limits(lag_seconds=3600, journal_bytes=20_000))
    create(store)
    commit(store, write(key(1), b"1"))
    store.checkpoint()
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(SEGMENTS, "unlink", "stat")):
        outcomes = [refusals(store, write(KEY, value(900, number))) for number in range(40)]
        assert outcomes[:10] == [[None]] * 10
        assert outcomes[-1] == [StoreUnavailable]
        assert gauge(store, "journal_bytes") < 20_000 + 1000 + SEGMENT
        commit(store, delete(key(1)))
        assert read_and_recall(store, KEY) == value(900, outcomes.index([StoreUnavailable]) - 1)
    commit(store, write(KEY, value(900, 50)))
    store.close()
    assert session_files(folder) == {f"codechat/sales/{KEY.key}": value(900, 50)}


def test_the_journal_s_files_are_let_go_and_used_again(folder: Path) -> None:
    store = start(folder)
    create(store)
    most = 0
    for round_ in range(10):
        for number in range(20):
            commit(store, write(key(number), value(900, round_)))
        store.checkpoint()
        most = max(most, len(list((own_folder(folder) / "journal").iterdir())))
        assert gauge(store, "journal_bytes") < 100
    for _ in range(3):  # with nothing to do, as many as it takes at most are let go
        commit(store, write(KEY, b"1"))
        store.checkpoint()
    assert most <= 9
    assert len(list((own_folder(folder) / "journal").iterdir())) <= 4
    store.close()


# Of what waits in memory


def test_the_values_that_wait_for_their_files_are_bounded(folder: Path) -> None:
    store = start(folder, limits=Limits(waiting_bytes=20_000))
    create(store)
    most_waiting = 0
    for number in range(60):
        commit(store, write(key(number), value(1000)))
        assert gauge(store, "unwritten_value_bytes") == gauge(store, "unwritten_files") * 1000
        most_waiting = max(most_waiting, number + 1 - len(session_files(folder)))
    assert most_waiting == 21
    store.close()


def test_the_files_that_wait_are_bounded_removals_included(folder: Path) -> None:
    store = start(folder, limits=Limits(waiting_files=10))
    create(store, CREDS, SUPPORT)
    waiting = []
    for is_written in (True, False):
        for number in range(30):
            for file in (key(number), key(number)._replace(instance="support")):
                commit(store, write(file, b"1") if is_written else delete(file))
                waiting.append(gauge(store, "unwritten_files"))
    assert max(waiting) == 11
    store.close()
    assert session_files(folder) == {}


def test_overwriting_a_value_that_waits_does_not_count_twice(folder: Path) -> None:
    store = start(folder, limits=Limits(waiting_bytes=20_000, waiting_files=10))
    create(store)
    for number in range(100):
        commit(store, write(KEY, value(1000, number)))
    assert session_files(folder) == {}
    assert gauge(store, "unwritten_value_bytes") == 1000
    assert gauge(store, "unwritten_files") == 1
    store.close()


def test_every_version_of_creds_that_waits_counts_and_is_counted_out(folder: Path) -> None:
    store = start(folder, limits=Limits(waiting_bytes=20_000))
    create(store)
    for number in range(100):
        commit(store, write(CREDS, creds(number)[:-1] + b',"x":%b}' % value(1000)))
        assert gauge(store, "unwritten_value_bytes") < 20_000 + 2 * 1200
    store.checkpoint()
    assert gauge(store, "unwritten_value_bytes") == gauge(store, "unwritten_files") == 0
    store.close()


@pytest.mark.parametrize("what", ["saved", "dropped", "purged", "restored", "killed", "large"])
def test_nothing_is_counted_when_nothing_waits(folder: Path, what: str) -> None:
    store = start(folder)
    create(store)
    commit(store, write(CREDS, creds(1)), write(KEY, value(1000)), write(KEY, value(2000)), delete(key(1)))
    match what:
        case "dropped":
            drop(store)
        case "purged":
            commit(store, purge(drop(store)))
            assert gauge(store, "unwritten_value_bytes") == 0
        case "restored":
            commit(store, restore(drop(store)), write(KEY, value(100)))
        case "killed":
            store = start_after_kill(folder)
        case "large":
            commit(store, store.prepare(write(KEY, value(2**20))))
            commit(store, store.prepare(write(KEY, value(2**21))), write(KEY, value(10)))
    store.checkpoint()
    assert (
        gauge(store, "unwritten_value_bytes") == gauge(store, "unwritten_files") == gauge(store, "instances_apart") == 0
    )
    store.close()


# Of time again: nothing waits for ever


def test_a_commit_that_waits_for_room_is_let_go_by_the_end(folder: Path) -> None:
    store = start(folder, limits=Limits(lag_seconds=3600, waiting_files=1))
    create(store)
    commit(store, write(key(1), b"1"), write(key(2), b"1"), write(key(3), b"1"))
    store._parts.background._is_maintained = True  # by somebody who never comes
    outcomes: list[object] = []
    waiting = threading.Thread(target=lambda: outcomes.extend(store.commit([write(key(4), b"1")])), daemon=True)
    waiting.start()
    time.sleep(0.01)
    store._parts.background.close()
    waiting.join(20)
    assert not waiting.is_alive()
    store._parts.background._is_maintained = False
    store.close()
    assert len(session_files(folder)) == 3 + (outcomes == [None])
