"""What waits for its files is shared: an instance that wants much of it holds up nobody else."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sessionworker.offload import Offload
from sessionworker.stores.changes import Batch, Write
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import Load
from tests.contract.words import CREDS, KEY, SUPPORT, commit, create, creds, write
from tests.defects.faults import disk_of
from tests.files.words import gauge, session_files, start, try_checkpoint, wait_for
from tests.reactor import LONGEST_WAIT, Reactor

FEW = Limits(lag_seconds=3600, waiting_files=100, waiting_bytes=10_000)
NONE = Load(0, 0)


def many(count: int, *, first: int = 0, instance: str = "sales", size: int = 1) -> Batch:
    """A batch that writes `count` new keys."""
    changes = tuple(Write(f"k{first + number}", b"1" * size) for number in range(count))
    return Batch("codechat", instance, changes)


def admits(store: FileStore, keys: int, size: int = 0, instance: str = "sales", ahead: Load = NONE) -> bool:
    return store.waiting.admits("codechat", instance, Load(keys, size), ahead)


@pytest.fixture
def store(folder: Path) -> Iterator[FileStore]:
    store = start(folder, limits=FEW)
    create(store, CREDS, SUPPORT)
    yield store
    store.close()


def test_where_much_waits_an_instance_may_have_half_of_what_is_free_and_the_next_half_of_that(
    store: FileStore,
) -> None:
    commit(store, many(60))
    assert not admits(store, 1)
    assert [keys for keys in range(1, 100) if admits(store, keys, instance="support")] == list(range(1, 21))
    commit(store, many(10, instance="support"))
    assert [keys for keys in range(1, 100) if admits(store, keys, instance="support")] == list(range(1, 6))
    create(store, CREDS._replace(instance="third"))
    assert [keys for keys in range(1, 100) if admits(store, keys, instance="third")] == list(range(1, 16))
    store.checkpoint()
    assert admits(store, 60)


def test_the_files_follow_soon_where_something_is_not_admitted(store: FileStore) -> None:
    woken: list[None] = []
    commit(store, many(60))
    store.waiting.wake = lambda: woken.append(None)
    assert admits(store, 1, instance="support")
    assert woken == []
    assert not admits(store, 1)
    assert woken == [None]


def test_a_batch_of_any_size_is_admitted_while_half_of_all_is_free(store: FileStore) -> None:
    assert admits(store, 5000, 10**9)
    commit(store, many(50))
    assert admits(store, 5000)
    commit(store, write(SUPPORT, creds(1)))
    assert not admits(store, 5000)
    assert admits(store, 1, instance="support")


def test_bytes_are_shared_as_files_are(store: FileStore) -> None:
    commit(store, many(3, size=2000))
    assert not admits(store, 1, 1)
    assert admits(store, 1, 2000, instance="support")
    assert not admits(store, 1, 2001, instance="support")
    store.checkpoint()
    assert admits(store, 1, 1)


def test_what_was_admitted_and_is_not_committed_counts(store: FileStore) -> None:
    assert not admits(store, 20, ahead=Load(70, 0))
    assert not admits(store, 20, 2500, ahead=Load(0, 6000))
    assert admits(store, 20, 2500, ahead=Load(50, 5000))


def test_the_journal_is_shared_too(folder: Path) -> None:
    store = start(folder, limits=Limits(lag_seconds=3600, journal_bytes=100_000, checkpoint_bytes=10**9))
    create(store)
    for number in range(7):
        assert admits(store, 1, 10_000)
        commit(store, write(KEY, b'"%0*d"' % (9000, number)))  # over and over: one file waits
    for _ in range(2):
        commit(store, write(KEY, b'"%0*d"' % (9000, 1)))
    assert not admits(store, 1, 10_000)
    assert gauge(store, "unwritten_files") == 1
    store.close()


def test_whoever_is_refused_is_told_so_and_not_held(store: FileStore, folder: Path) -> None:
    commit(store, many(60))
    assert not admits(store, 1)
    assert admits(store, 1, instance="nobody")
    instance = store._catalogue.get("codechat", "sales")
    assert instance is not None
    instance.problem = "a person has to see to it"
    assert admits(store, 1)
    instance.problem = ""
    with disk_of(folder) as disk, disk.failing(errno.EIO, lasts=True):
        try_checkpoint(store)
    assert instance.refusal is not None
    assert admits(store, 1)


def test_who_is_not_admitted_has_the_files_follow_at_once(folder: Path) -> None:
    store = start(folder, limits=Limits(lag_seconds=3600, journal_bytes=100_000, checkpoint_bytes=10**9))
    create(store)
    for number in range(7):
        commit(store, write(KEY, b'"%0*d"' % (9000, number)))
    maintaining = threading.Thread(target=store.maintain, daemon=True)
    maintaining.start()
    assert admits(store, 1, 10_000)
    time.sleep(0.05)
    assert session_files(folder) == {}
    assert not admits(store, 1, 20_000)
    wait_for(lambda: len(session_files(folder)) == 1, "the file")
    store.close()
    maintaining.join(LONGEST_WAIT)


def test_much_is_a_quarter_of_what_may_wait(store: FileStore) -> None:
    commit(store, many(25))
    assert not store.waiting.is_crowded
    commit(store, many(1, first=25))
    assert store.waiting.is_crowded


# With what is in front of the store


@contextmanager
def behind_an_offload(store: FileStore) -> Iterator[tuple[Offload, Reactor]]:
    reactor = Reactor()
    offload = Offload(reactor, store, threads=2)
    offload.start()
    try:
        yield offload, reactor
    finally:
        stopped: list[object] = []
        offload.stop().addBoth(stopped.append)
        while not stopped:
            reactor.run_one_call()
    assert stopped == [None]


def test_writes_of_others_do_not_wait_while_the_files_of_one_cannot_follow_its_batches(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = start(folder, limits=FEW)
    create(store, CREDS, SUPPORT)
    may_save = threading.Event()
    save = store._parts.checkpoints._saving.save

    def save_slowly(*arguments: object) -> object:
        assert may_save.wait(LONGEST_WAIT)
        return save(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store._parts.checkpoints._saving, "save", save_slowly)
    with behind_an_offload(store) as (offload, reactor):
        outcomes: list[object] = []
        for number in range(20):
            offload.commit(many(20, first=20 * number)).addBoth(outcomes.append)
        others: list[object] = []
        for number in range(10):
            offload.commit(write(SUPPORT._replace(key=f"k{number}"), b"1")).addBoth(others.append)
        try:
            while len(others) < 10:
                reactor.run_one_call()
        finally:
            may_save.set()
        assert others == [None] * 10
        assert len(outcomes) < 5
        while len(outcomes) < 20:
            reactor.run_one_call()
        assert outcomes == [None] * 20
        assert gauge(store, "unwritten_files") <= 70
    assert len(session_files(folder)) == 410
