"""An instance whose files cannot follow is set apart: said once, refused alone, never lost, and back afterwards."""

from __future__ import annotations

import errno
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from sessionworker.errors import NoSpace, NoSuchInstance, StoreUnavailable, WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropInstance
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
    delete,
    drop,
    kept,
    purge,
    read_all,
    read_and_recall,
    refusals,
    restore,
    summary,
    write,
)
from tests.defects.calls import NAMING, about
from tests.defects.faults import Disk, Fault, disk_of
from tests.files.words import (
    QUICK,
    SEGMENT,
    contents,
    count_of,
    folder_of,
    gauge,
    journal_segments,
    maintained,
    session_files,
    start,
    start_after_kill,
    try_checkpoint,
    wait_for,
    write_large,
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


@pytest.mark.parametrize("function", ["write", "open", "rename", "fdatasync", "fsync", "listdir"])
@pytest.mark.parametrize(("error", "refusal"), [(errno.ENOSPC, NoSpace), (errno.EIO, StoreUnavailable)])
def test_its_writes_alone_are_refused_and_the_rest_goes_on(
    folder: Path, reports: list[str], function: str, error: int, refusal: type[WorkerError]
) -> None:
    store = start(folder, reports, sync=True, limits=QUICK)
    new = SessionFile("codechat", "new", "creds")
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b"1"), write(OTHER_KEY, b"1"), write(SUPPORT, creds(1, 2)))
    store.checkpoint()
    store.close()
    store = start(folder, reports, sync=True, limits=QUICK)
    commit(store, write(CREDS, creds(2)))
    wanted = about(r"^codechat/sales($|/\.sessionworker/(new|versions)|/[^.])", function)
    with disk_of(folder) as disk, ExitStack() as until_it_is_over:
        until_it_is_over.enter_context(disk.failing(error, wanted))
        with maintained(store):
            wait_for(lambda: gauge(store, "instances_apart") == 1, "it is set apart")
            for _ in range(2):
                assert refusals(store, write(CREDS, creds(3)), write(KEY, b"2")) == [refusal, refusal]
                commit(store, write(SUPPORT, creds(2, 2)), write(SUPPORT_KEY, b"2"))
            commit(store, CreateInstance("codechat", "new"), write(new, creds(1, 3)), CreateGroup("x"))
            commit(store, delete(OTHER_KEY), CreateInstance("codechat", "sales"))
            assert store.recall(CREDS) == creds(2)
            assert store.recall(OTHER_KEY) is None
            wait_for((folder_of(folder, SUPPORT) / KEY.key).exists, "the files of the others follow")
            assert summary(store).problem
            assert not summary(store, SUPPORT).problem
            until_it_is_over.close()
            wait_for(lambda: store.commit([write(KEY, b"3")]) == [None], "writes are accepted")
    assert session_files(folder) == {
        "codechat/support/creds": creds(2, 2),
        f"codechat/support/{KEY.key}": b"2",
        "codechat/sales/creds": creds(2),
        f"codechat/sales/{KEY.key}": b"3",
        "codechat/new/creds": creds(1, 3),
    }
    assert len(reports) == 2  # one line when it begins, one when it ends


def test_it_is_said_once_when_it_begins_and_once_when_it_ends_and_counted_each_time(
    folder: Path, reports: list[str]
) -> None:
    store = with_files(folder, reports)
    for number in range(2):
        reports.clear()
        commit(store, write(KEY, b"%d" % number), write(SUPPORT_KEY, b"%d" % number))
        with disk_of(folder) as disk, broken(disk):
            for tries in range(1, 4):
                with pytest.raises(StoreUnavailable):
                    store.checkpoint()
                assert count_of(store, "checkpoint_errors") == 3 * number + tries
                [line] = reports
                assert "instance 'sales' in group 'codechat'" in line
                assert "Input/output error" in line
                assert gauge(store, "instances_apart") == 1
        store.checkpoint()
        assert len(reports) == 2
        assert "instance 'sales' in group 'codechat' follow the journal again" in reports[1]
        assert gauge(store, "instances_apart") == 0
    store.close()


def test_of_many_only_the_number_is_said(folder: Path, reports: list[str]) -> None:
    store = start(folder, reports)
    files = [CREDS._replace(instance=f"i{number}") for number in range(20)]
    create(store, *files)
    commit(store, *(write(file, creds(1)) for file in files))
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat/", *NAMING)):
        try_checkpoint(store)
        try_checkpoint(store)
    store.checkpoint()
    assert len(reports) == 2
    assert "20 instances" in reports[0]
    assert "20 instances" in reports[1]
    store.close()


@pytest.mark.parametrize("ending", ["kill", "clean"])
def test_what_was_acknowledged_is_there_after_the_next_start(folder: Path, reports: list[str], ending: str) -> None:
    store = with_files(folder, reports)
    large = CREDS._replace(key="large")
    commit(store, write(CREDS, creds(2)), write(KEY, b'"new"'))
    write_large(store, large, value(2**20))
    with disk_of(folder) as disk, broken(disk):
        try_checkpoint(store)
        commit(store, delete(OTHER_KEY), write(SUPPORT, creds(3, 2)))
        try_checkpoint(store)
        if ending == "clean":
            store.close()
            assert "The journal is kept for the next start" in reports[-1]
        store = start_after_kill(folder)
        assert read_all(store, CREDS, KEY, OTHER_KEY, SUPPORT) == [creds(2), b'"new"', None, creds(3, 2)]
        assert store.read(large) == value(2**20)
        try_checkpoint(store)
    store = start_after_kill(folder)
    assert read_all(store, CREDS, KEY, OTHER_KEY, SUPPORT) == [creds(2), b'"new"', None, creds(3, 2)]
    store.close()
    assert session_files(folder) == {
        "codechat/sales/creds": creds(2),
        f"codechat/sales/{KEY.key}": b'"new"',
        "codechat/sales/large": value(2**20),
        "codechat/support/creds": creds(3, 2),
    }


# Its bounds meanwhile


def test_its_values_do_not_count_against_the_others(folder: Path) -> None:
    store = with_files(folder, limits=Limits(waiting_bytes=20_000, waiting_files=50))
    commit(store, *(write(CREDS._replace(key=f"k{number}"), value(400)) for number in range(45)))
    with disk_of(folder) as disk, broken(disk):
        try_checkpoint(store)
        assert gauge(store, "unwritten_files") == 0
        assert gauge(store, "unwritten_value_bytes") == 45 * 400
        for number in range(200):
            commit(store, write(SUPPORT_KEY, value(400, number)))
    store.close()
    assert (folder_of(folder, SUPPORT) / KEY.key).read_bytes() == value(400, 199)


def test_when_those_that_are_set_apart_hold_as_much_as_they_may_all_writes_are_refused_but_no_deletion(
    folder: Path,
) -> None:
    store = with_files(folder, limits=Limits(apart_bytes=5000))
    commit(store, write(KEY, value(6000)))
    with disk_of(folder) as disk, broken(disk, errno.ENOSPC):
        try_checkpoint(store)
        assert refusals(store, write(SUPPORT_KEY, b"1"), delete(SUPPORT)) == [NoSpace, None]
        commit(store, delete(KEY))  # which takes the place of what waits
        try_checkpoint(store)
        assert refusals(store, write(SUPPORT_KEY, b"1"), write(KEY, b"1")) == [None, NoSpace]
    store.close()


@pytest.mark.parametrize("other", ["is quiet", "is written to"])
def test_the_journal_does_not_grow_while_it_cannot_follow_though_deletions_go_on(folder: Path, other: str) -> None:
    limits = Limits(checkpoint_bytes=8 * SEGMENT, journal_bytes=32 * SEGMENT)
    store = with_files(folder, limits=limits)
    commit(store, *(write(CREDS._replace(key=f"k{number}"), b'"%d"' % number) for number in range(100)))
    store.checkpoint()
    commit(
        store, write(CREDS, creds(2)), *(write(CREDS._replace(key=f"l{number}"), value(100)) for number in range(20))
    )
    with disk_of(folder) as disk, broken(disk):
        most = 0
        for number in range(100):
            commit(store, delete(CREDS._replace(key=f"k{number}")))
            if other == "is written to":
                commit(store, write(SUPPORT_KEY, value(2000, number)))
            try_checkpoint(store)
            most = max(most, len(journal_segments(folder)))
        assert most <= (12 if other == "is written to" else 5)
        assert gauge(store, "journal_bytes") <= most * SEGMENT
        store = start_after_kill(folder, limits=limits)
        expected = [creds(2), *[value(100)] * 20, *[None] * 100]
        names = ["creds", *(f"l{number}" for number in range(20)), *(f"k{number}" for number in range(100))]
        assert [store.read(CREDS._replace(key=name)) for name in names] == expected
    store.close()
    assert [path.name for path in folder_of(folder).glob("k*")] == []


def test_what_is_written_to_the_journal_once_more_is_whole_after_a_crash(folder: Path) -> None:
    limits = Limits(checkpoint_bytes=4 * SEGMENT)
    store = with_files(folder, limits=limits)
    large = CREDS._replace(key="large")
    write_large(store, large, value(2**20))
    commit(store, *(write(CREDS, creds(number)) for number in range(2, 9)), write(KEY, b'"new"'), delete(OTHER_KEY))
    before = kept(store)
    with disk_of(folder) as disk, broken(disk):
        try_checkpoint(store)
        [first, *_] = journal_segments(folder)
        for number in range(40):
            commit(store, write(SUPPORT_KEY, value(1000, number)))
            if number % 5 == 0:
                try_checkpoint(store)
        assert first not in journal_segments(folder), "nothing was let go: this shows nothing"
        for _ in range(2):
            store = start_after_kill(folder, limits=limits)
            assert kept(store) == before
            assert store.read(large) == value(2**20)
            assert read_and_recall(store, SUPPORT_KEY) == value(1000, 39)
    store.close()
    store = start(folder)
    assert kept(store) == before
    store.close()


# Moves meanwhile


@pytest.mark.parametrize("is_tried", [True, False], ids=["tried again", "not tried again"])
def test_it_can_be_dropped_brought_back_and_purged(folder: Path, *, is_tried: bool) -> None:
    store = with_files(folder)
    commit(store, write(CREDS, creds(2)), write(KEY, b'"new"'))
    with disk_of(folder) as disk:
        with disk.failing(errno.EIO, about(r"sales.*/\.sessionworker/new-", "open")):
            try_checkpoint(store)
            dropped = drop(store)
            create(store)
            commit(store, write(CREDS, creds(1, 7)), DropInstance("codechat", "sales"))
            if is_tried:
                try_checkpoint(store)
            commit(store, restore(dropped, "new name"))
        new_name = CREDS._replace(instance="new name")
        assert kept(store, new_name).values == [creds(2), b'"new"', b"1"]
        store.checkpoint()
        assert kept(store, new_name).values == [creds(2), b'"new"', b"1"]
        commit(store, write(new_name, creds(3)))
        with disk.failing(errno.EIO, about(r"\.sessionworker/new-", "open")):
            try_checkpoint(store)
            drop(store, new_name)
            commit(store, *map(purge, store.drops()))
            assert gauge(store, "instances_apart") == gauge(store, "unwritten_value_bytes") == 0
            store.checkpoint()
    for opened in (store, start_after_kill(folder)):
        assert opened.instances("codechat") == ["support"]
        with pytest.raises(NoSuchInstance):
            opened.read(new_name)
    start_after_kill(folder).close()
    assert {name.partition("/")[0] for name in contents(folder)} == {"codechat", ".sessionworker"}
    assert set(session_files(folder)) == {"codechat/support/creds"}


def test_what_was_committed_after_a_checkpoint_failed_is_what_is_read(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b"1"))
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat/sales$", "open")):
        try_checkpoint(store)
        commit(store, delete(KEY))
        assert store.recall(KEY) is None
        assert store.read(KEY) is None
    store.checkpoint()
    assert read_and_recall(store, KEY) is None
    store.close()
