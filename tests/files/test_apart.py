"""An instance whose files cannot follow is set apart: said once, refused alone, never lost, and back afterwards."""

from __future__ import annotations

import errno
from contextlib import ExitStack
from pathlib import Path

import pytest

from sessionworker.errors import NoSpace, NoSuchInstance, StoreUnavailable, WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropInstance
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
from tests.defects.faults import disk_of
from tests.files.apart import SUPPORT_KEY, broken, value, with_files
from tests.files.words import (
    QUICK,
    contents,
    count_of,
    folder_of,
    gauge,
    maintained,
    session_files,
    start,
    start_after_kill,
    try_checkpoint,
    wait_for,
    write_large,
)


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
