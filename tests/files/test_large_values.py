"""Large values: written to a file beside the commits of others, and then the file of their key, or gone."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sessionworker.errors import NoSpace, NoSuchInstance, StoreUnavailable, WorkerError
from sessionworker.stores.changes import Change, CreateInstance, Delete, DropInstance, Write
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    changes,
    commit,
    create,
    creds,
    delete,
    drop,
    refusals,
    restore,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import (
    count_of,
    folder_of,
    gauge,
    open_files,
    own_folder,
    session_files,
    start_after_kill,
    try_checkpoint,
)
from tests.files.words import start as opened

LIMITS = Limits(large_value=1000)


def start(folder: Path, reports: list[str] | None = None) -> FileStore:
    """Open a store that takes values of 1,000 bytes for large ones, with an instance."""
    store = opened(folder, reports, limits=LIMITS)
    create(store)
    return store


def value(text: str = "x") -> bytes:
    return b'"%b"' % (text.encode() * 1000)


def large_files(folder: Path) -> list[Path]:
    """Large values that are no key's file yet."""
    return [path for path in folder.rglob("large-*") if path.parent.name == ".sessionworker"]


def test_a_large_value_does_not_go_through_the_journal(folder: Path) -> None:
    store = start(folder)
    commit(store, store.prepare(write(KEY, value())))
    assert gauge(store, "journal_bytes") < 500
    [path] = large_files(folder)
    assert path.read_bytes() == value()
    store.checkpoint()
    assert large_files(folder) == []
    assert session_files(folder) == {f"codechat/sales/{KEY.key}": value()}
    store.close()


def test_creds_and_small_values_and_those_of_nobody_are_prepared_by_doing_nothing(folder: Path) -> None:
    store = start(folder)
    nobody = KEY._replace(instance="nobody")
    for batch in (
        write(KEY, b"1"),
        write(CREDS, creds(1)[:-1] + b',"x":%b}' % value()),
        write(nobody, value()),
        delete(KEY),
    ):
        assert store.prepare(batch) is batch
    assert refusals(store, write(nobody, value())) == [NoSuchInstance]
    store.close()


@pytest.mark.parametrize("next_", ["large", "small", "deleted"])
@pytest.mark.parametrize("is_saved", [True, False], ids=["saved between", "not saved between"])
@pytest.mark.parametrize("ending", ["clean", "kill"])
def test_a_large_value_that_is_written_over_leaves_nothing(
    folder: Path, next_: str, ending: str, *, is_saved: bool
) -> None:
    store = start(folder)
    commit(store, store.prepare(write(KEY, value("a"))))
    if is_saved:
        store.checkpoint()
    last = {"large": value("b"), "small": b"1", "deleted": None}[next_]
    commit(store, delete(KEY) if last is None else store.prepare(write(KEY, last)))
    assert store.read(KEY) == last
    if ending == "kill":
        store = start_after_kill(folder, limits=LIMITS)
        assert store.read(KEY) == last
    store.checkpoint()
    assert store.read(KEY) == last
    assert large_files(folder) == []
    store.close()
    assert session_files(folder) == ({} if last is None else {f"codechat/sales/{KEY.key}": last})


@pytest.mark.parametrize(
    "then",
    [Write(KEY.key, b"1"), Delete(KEY.key), Write(KEY.key, value("b"))],
    ids=["small", "deleted", "large"],
)
def test_a_large_value_that_is_written_over_in_its_own_batch_leaves_nothing(folder: Path, then: Change) -> None:
    store = start(folder)
    commit(store, store.prepare(changes(Write(KEY.key, value("a")), then)))
    store.checkpoint()
    assert store.read(KEY) == getattr(then, "value", None)
    assert large_files(folder) == []
    store.close()


def test_all_of_a_batch_with_large_values_is_there_or_nothing(folder: Path) -> None:
    store = start(folder)
    batch = changes(Write(KEY.key, value("a")), Write("k", b"1"), Write(OTHER_KEY.key, value("b")))
    handles = open_files()
    prepared = store.prepare(batch)
    commit(store, DropInstance("codechat", "sales"))
    assert refusals(store, prepared) == [NoSuchInstance]
    assert open_files() == handles
    assert large_files(folder) == []
    commit(store, restore(store.drops()[0]), delete(KEY), batch)
    for opened_ in (store, start_after_kill(folder, limits=LIMITS)):
        assert [opened_.read(KEY._replace(key=change.key)) for change in batch.changes] == [
            value("a"),
            b"1",
            value("b"),
        ]
    start_after_kill(folder).close()


@pytest.mark.parametrize(
    "function",
    [
        "open",
        "write",
        "fdatasync",
        "fsync",
    ],
)
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize(("error", "refusal"), [(errno.ENOSPC, NoSpace), (errno.EIO, StoreUnavailable)])
def test_a_large_value_that_cannot_be_written_is_refused_and_leaves_nothing(
    folder: Path, reports: list[str], function: str, at: int, error: int, refusal: type[WorkerError]
) -> None:
    store = opened(folder, reports, sync=True, limits=LIMITS)
    create(store)
    handles = open_files()
    batch = changes(Write(KEY.key, value("a")), Write(OTHER_KEY.key, value("b")))
    with (
        disk_of(folder) as disk,
        disk.failing(error, about(r"^codechat/sales/\.sessionworker", function), at=at) as fault,
    ):
        with pytest.raises(refusal):
            store.prepare(batch)
        assert fault.hits
    assert open_files() == handles
    assert large_files(folder) == []
    assert count_of(store, "staging_errors") == len(reports) == 1
    commit(store, store.prepare(batch))
    store.close()


def test_a_large_value_whose_record_the_journal_did_not_take_leaves_nothing(folder: Path) -> None:
    store = start(folder)
    prepared = store.prepare(write(KEY, value()))
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(r"\.segment$|spare", "pwritev")):
        assert refusals(store, prepared) == [StoreUnavailable]
    assert large_files(folder) == []
    assert store.read(KEY) is None
    store.close()


def test_an_instance_that_is_set_apart_takes_no_large_value_either(folder: Path) -> None:
    store = start(folder)
    commit(store, write(KEY, b"1"))
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat/sales/", "rename")):
        try_checkpoint(store)
        with pytest.raises(StoreUnavailable):
            store.prepare(write(OTHER_KEY, value()))
    store.checkpoint()
    commit(store, store.prepare(write(OTHER_KEY, value())))
    store.close()


# Moves between its being written and its being committed


def test_it_goes_with_its_instance_that_is_dropped_and_brought_back_meanwhile(folder: Path) -> None:
    store = start(folder)
    prepared = store.prepare(write(KEY, value()))
    commit(store, restore(drop(store)), prepared)
    for opened_ in (store, start_after_kill(folder, limits=LIMITS)):
        assert opened_.read(KEY) == value()
    start_after_kill(folder).close()


@pytest.mark.parametrize("how", ["made again", "another was brought back"])
def test_it_is_not_committed_to_another_instance_of_the_same_name(folder: Path, how: str) -> None:
    store = start(folder)
    other = drop(store)
    create(store)
    prepared = store.prepare(write(KEY, value()))
    commit(store, DropInstance("codechat", "sales"))
    commit(store, CreateInstance("codechat", "sales") if how == "made again" else restore(other))
    outcome = store.commit([prepared])
    assert store.read(KEY) == (value() if outcome == [None] else None)
    if outcome != [None]:
        assert large_files(folder) == []
    store.close()


def test_the_folder_that_it_was_written_to_is_swept_of_it_after_a_kill_only_where_it_was_not_committed(
    folder: Path,
) -> None:
    store = start(folder)
    commit(store, store.prepare(write(KEY, value("a"))))
    store.prepare(write(OTHER_KEY, value("b")))
    dropped = drop(store)
    store = start_after_kill(folder, limits=LIMITS)
    store.checkpoint()
    assert large_files(folder) == []
    commit(store, restore(dropped))
    assert store.read(KEY) == value("a")
    assert store.read(OTHER_KEY) is None
    store.close()
    assert [path.name for path in own_folder(folder_of(folder)).iterdir() if not path.name.startswith("id-")] == []
