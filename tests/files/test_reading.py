"""Reads: from memory where it knows, else from the disk; what the disk does not give is never said to be missing."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable, WorkerError
from sessionworker.stores.files import copies
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.saving import Saving
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import UNKNOWN
from sessionworker.wire import DropSummary
from tests.contract.words import CREDS, KEY, OTHER_KEY, SUPPORT, commit, create, creds, delete, drop, read_all, write
from tests.defects.calls import Call, about
from tests.defects.faults import disk_of
from tests.defects.threads import Beside, Stopped
from tests.files.words import (
    FILES,
    SEGMENTS,
    count_of,
    error_of,
    folder_of,
    gauge,
    start,
    start_after_kill,
    try_checkpoint,
    write_large,
)

ERRORS = pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE, errno.EACCES], ids=["EIO", "EMFILE", "EACCES"])


def with_files(folder: Path) -> None:
    """Leave a store with an instance that has files, and one that was dropped."""
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b"1"), write(SUPPORT, creds(1, 2)))
    drop(store, SUPPORT)
    store.close()


# What it knows without asking the disk


def test_a_key_that_does_not_exist_is_asked_of_the_disk_once(folder: Path) -> None:
    with_files(folder)
    store = start(folder)
    missing = CREDS._replace(key="session-1")
    assert store.recall(missing) is UNKNOWN
    assert store.read(missing) is None
    assert store.recall(missing) is None
    assert store.recall(CREDS._replace(key="session-2")) is None
    assert store.recall(CREDS) is UNKNOWN
    assert store.recall(KEY) is UNKNOWN
    assert store.read(CREDS) == creds(1)
    assert store.recall(CREDS) == creds(1)
    store.close()


def test_creds_that_are_not_there_are_asked_of_the_disk_each_time_unless_the_instance_is_new(folder: Path) -> None:
    store = start(folder)
    create(store)
    assert store.recall(CREDS) is None
    store.close()
    store = start(folder)
    assert store.read(CREDS) is None
    assert store.recall(CREDS) is UNKNOWN  # that they are missing must be meant, and the disk alone tells that
    store.close()


def test_what_was_written_is_known_before_and_after_it_is_in_its_file(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b"1"))
    assert store.recall(KEY) == b"1"
    store.checkpoint()
    assert store.recall(KEY) == b"1"
    commit(store, delete(KEY))
    assert store.recall(KEY) is None
    store.checkpoint()
    with disk_of(folder) as disk, disk.recording() as calls:
        assert store.recall(KEY) is not None  # UNKNOWN: which keys are gone again is not followed
        assert calls == []
    assert store.read(KEY) is None
    store.close()


def test_values_that_are_remembered_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "CREDS_BYTES", 5000)
    store = start(folder)
    files = [CREDS._replace(instance=f"i{number}") for number in range(50)]
    create(store, *files)
    commit(store, *(write(file, creds(1)) for file in files))
    store.checkpoint()
    assert 1000 < gauge(store, "cache_bytes") <= 5000
    assert [store.read(file) for file in files] == [creds(1)] * 50
    assert 1000 < gauge(store, "cache_bytes") <= 5000
    store.close()


@pytest.mark.parametrize("function", ["open", "write", "fsync", "rename"])
def test_recall_waits_for_nothing_and_asks_no_disk_whatever_a_checkpoint_holds_meanwhile(
    folder: Path, function: str
) -> None:
    store = start(folder, sync=True)
    create(store)
    commit(store, write(CREDS, creds(1)))
    with disk_of(folder) as disk:
        checkpoint = Stopped(store.checkpoint, disk, about(FILES, function))
        assert checkpoint.where is not None
        with disk.recording() as calls:
            asked = Beside(lambda: [store.recall(CREDS), store.recall(KEY)], seconds=10)
            assert asked.is_over
            assert calls == []
        assert asked.result() == [creds(1), None]
        checkpoint.result()
    store.close()


def test_recall_asks_no_disk_for_instances_of_a_group_that_cannot_be_read(folder: Path) -> None:
    with_files(folder)
    with disk_of(folder) as disk, disk.failing(errno.EACCES, about("^codechat$", "open")):
        store = start(folder)
        with disk.recording() as calls, suppress(StoreUnavailable):
            store.recall(CREDS)
        assert calls == []
    store.close()


def test_a_large_value_is_not_known_without_asking_and_read_before_and_after_it_has_its_file(folder: Path) -> None:
    value = b'"%b"' % (b"x" * 2**20)
    store = start(folder)
    create(store)
    write_large(store, KEY, value)
    for _ in range(2):
        assert store.recall(KEY) is UNKNOWN
        assert store.read(KEY) == value
        store.checkpoint()
    commit(store, write(KEY, b"1"))
    assert store.recall(KEY) == b"1"
    store.close()


# What the disk does not give


def questions(store: FileStore) -> dict[str, Callable[[], object]]:
    """All that is asked of the disk."""
    return {
        "creds": lambda: store.read(CREDS),
        "a key": lambda: store.read(KEY),
        "a key that holds nothing": lambda: store.read(OTHER_KEY),
        "a check": lambda: store.check_creds("codechat", "sales"),
        "the versions": lambda: store.versions("codechat", "sales"),
        "the drops": lambda: drops_without_problems(store),
        "the drops before": lambda: store.drops_before(2**60),
    }


def drops_without_problems(store: FileStore) -> list[DropSummary]:
    """What was dropped, unless it is said of one that it cannot be read."""
    found = store.drops()
    if any(one.problem for one in found):
        raise StoreUnavailable
    return found


@ERRORS
@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
def test_what_the_disk_does_not_give_is_unavailable_and_never_missing(folder: Path, error: int, *, lasts: bool) -> None:
    with_files(folder)
    store = start(folder)
    expected = {name: ask() for name, ask in questions(store).items()}
    store.close()
    for name, answer in expected.items():
        for number in count(1):
            store = start(folder)
            with disk_of(folder) as disk, disk.failing(error, at=number, lasts=lasts) as fault:
                for _ in range(2):
                    with suppress(StoreUnavailable):
                        assert questions(store)[name]() == answer, fault.where
            assert questions(store)[name]() == answer, fault.where
            store.close()
            if not fault.hits:
                break


@ERRORS
def test_what_cannot_be_read_is_said_with_its_instance_and_counted(
    folder: Path, reports: list[str], error: int
) -> None:
    with_files(folder)
    store = start(folder, reports)
    with disk_of(folder) as disk, disk.failing(error, about("^codechat/sales$", "open")):
        for file in (CREDS, KEY):
            with pytest.raises(StoreUnavailable):
                store.read(file)
    assert count_of(store, "read_errors") == len(reports) == 2
    assert all("instance 'sales' in group 'codechat'" in line for line in reports)
    assert read_all(store, CREDS, KEY) == [creds(1), b"1"]
    store.close()


@ERRORS
def test_creds_that_cannot_be_read_now_are_not_said_to_be_lost(folder: Path, reports: list[str], error: int) -> None:
    with_files(folder)
    store = start(folder, reports)
    with (
        disk_of(folder) as disk,
        disk.failing(error, about("^codechat/sales/", "open")),
        pytest.raises(StoreUnavailable),
    ):
        store.check_creds("codechat", "sales")
    assert count_of(store, "creds_lost") == 0
    assert not [line for line in reports if "no older version is left" in line]
    store.close()


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENOMEM], ids=["EMFILE", "ENOMEM"])
def test_creds_that_could_not_be_opened_once_are_not_replaced_by_an_older_version(folder: Path, error: int) -> None:
    with_files(folder)
    (folder_of(folder) / "creds").write_bytes(creds(5))  # by session-manager, which had the folder meanwhile
    store = start(folder)
    store.on_repair(lambda batch: commit(store, batch))
    with (
        disk_of(folder) as disk,
        disk.failing(error, about("^codechat/sales/creds$", "open")),
        suppress(StoreUnavailable),
    ):
        store.read(CREDS)
    assert store.read(CREDS) == creds(5)
    store.close()
    assert (folder_of(folder) / "creds").read_bytes() == creds(5)


def test_a_dropped_instance_that_cannot_be_read_hides_no_other(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    drop(store, SUPPORT)
    dropped = drop(store)
    with disk_of(folder) as disk, disk.failing(errno.EACCES, about("/dropped/codechat/support/[^/]*$", "open")):
        assert dropped in store.drops()
    store.close()


# What is said


def anything_of_the_store(call: Call) -> bool:
    return not call.paths[0].endswith("/lock")


def test_what_the_store_says_holds_no_key_and_no_value(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reports: list[str]
) -> None:
    store = start(folder, reports, limits=Limits(large_value=100))
    file, other = CREDS._replace(key="the-key"), CREDS._replace(key="the-key-too")
    secret = creds(1)[:-1] + b',"x":"the-value"}'
    changed = [write(file, b'"the-value"'), write(CREDS, secret), delete(file)]
    create(store)
    for wanted in (about(FILES, "rename"), about(SEGMENTS, "pwritev"), about("", "open"), anything_of_the_store):
        commit(store, write(file, b'"the-value"'), write(CREDS, secret))
        with disk_of(folder) as disk, disk.failing(errno.EIO, wanted):
            refused: list[Exception | None] = [
                *(one for one in store.commit(changed) if isinstance(one, WorkerError)),
                *(error_of(ask, WorkerError) for ask in questions(store).values()),
                *(error_of(ask, WorkerError) for ask in (store.checkpoint, store.check, partial(store.read, file))),
                error_of(partial(store.prepare, write(other, b'"the-value%b"' % (b"x" * 100))), WorkerError),
            ]
            reports += [str(refusal) for refusal in refused if refusal is not None]
        store = start_after_kill(folder, reports)
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise ValueError("the-key", b"the-value")

        patch.setattr(Saving, "_write", fail)
        commit(store, write(file, b'"the-value"'))
        try_checkpoint(store)
    store.checkpoint()
    for name in ("the-key", "creds"):
        (folder_of(folder) / name).write_bytes(b"the-value")  # which is no JSON
    store = start_after_kill(folder, reports)
    store.on_repair(lambda batch: reports.extend(str(one) for one in store.commit([batch]) if one is not None))
    read_all(store, file, CREDS)
    store.close()
    assert len(reports) > 15
    assert [line for line in reports if "the-key" in line or "the-value" in line] == []
