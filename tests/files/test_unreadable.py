"""Folders that cannot be looked at when the store is opened: nothing of theirs is lost or taken for something else."""

from __future__ import annotations

import errno
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from sessionworker.errors import NoSuchInstance, StartError, StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    kept,
    read_all,
    refusals,
    restore,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import (
    count_of,
    folder_of,
    start,
    start_after_kill,
    tried,
    try_checkpoint,
    with_values_in_the_journal,
)

NEW_NAME = CREDS._replace(instance="new name")


def test_a_group_that_cannot_be_read_keeps_what_the_journal_holds_of_its_instances_until_it_can(
    folder: Path, reports: list[str]
) -> None:
    other = SessionFile("other", "one", "creds")
    store = with_values_in_the_journal(folder)
    create(store, other)
    with disk_of(folder) as disk, disk.failing(errno.EACCES, about(r"^codechat(/|$)")):
        store = start_after_kill(folder, reports)
        assert store.groups() == ["codechat", "other"]
        for file in (CREDS, KEY, CREDS._replace(instance="unknown")):
            with pytest.raises(StoreUnavailable):
                store.check_creds(file.group, file.instance)
            assert refusals(store, write(file, creds(3)), write(other, creds(1, 3))) == [StoreUnavailable, None]
        for entry in (CreateInstance("codechat", "sales"), CreateInstance("codechat", "unknown")):
            assert refusals(store, entry) == [StoreUnavailable]
        with pytest.raises(StoreUnavailable):
            store.checkpoint()
        with pytest.raises(StoreUnavailable):
            store.instances("codechat")
        assert count_of(store, "instances_lost") == 0
        start_after_kill(folder).close()  # what cannot follow stays in the journal, over a clean end too
        store = start(folder)
    assert refusals(store, write(CREDS, creds(3))) == [StoreUnavailable]  # it can be read by now, and holds older ones
    assert store.instances("codechat") == ["sales", "support"]
    store.close()
    store = start(folder)
    assert refusals(store, CreateInstance("codechat", "sales")) == [None]
    assert store.instances("codechat") == ["sales", "support"]
    assert read_all(store, CREDS, KEY, SUPPORT, other) == [creds(2), b'"new"', creds(2, 2), creds(1, 3)]
    commit(store, write(CREDS, creds(4)))
    store.close()
    store = start(folder)
    assert read_all(store, CREDS, KEY, SUPPORT) == [creds(4), b'"new"', creds(2, 2)]
    store.close()


def test_an_instance_that_cannot_be_read_at_the_start_keeps_what_the_journal_holds_of_it(folder: Path) -> None:
    with_values_in_the_journal(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat/sales(/|$)")):
        store = start_after_kill(folder)
        with pytest.raises(StoreUnavailable):
            store.check_creds("codechat", "sales")
        assert refusals(store, write(CREDS, creds(3)), write(SUPPORT, creds(3, 2))) == [StoreUnavailable, None]
    for call in (lambda: store.read(CREDS), lambda: store.check_creds("codechat", "sales")):
        assert tried(call) is StoreUnavailable
    store = start_after_kill(folder)
    assert read_all(store, CREDS, KEY, SUPPORT) == [creds(2), b'"new"', creds(3, 2)]
    commit(store, write(CREDS, creds(4)))
    store.close()
    assert (folder_of(folder) / "creds").read_bytes() == creds(4)


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES, errno.EMFILE])
@pytest.mark.parametrize("ending", ["kill", "clean"])
def test_nothing_is_given_up_for_lost_while_a_folder_cannot_be_looked_at(
    folder: Path, reports: list[str], error: int, ending: str
) -> None:
    with_values_in_the_journal(folder)
    folder_of(folder).rename(folder_of(folder, NEW_NAME))  # so all folders are asked for its id
    with disk_of(folder) as disk, disk.failing(error, about("^codechat/new name$", "open")):
        store = start_after_kill(folder, reports)
        assert [line for line in reports if "cannot be told which folder" in line]
        assert count_of(store, "instances_lost") == 0
        with pytest.raises(StoreUnavailable):
            store.check_creds("codechat", "new name")
        assert refusals(store, write(NEW_NAME, creds(5)), write(CREDS, creds(5))) == [StoreUnavailable, NoSuchInstance]
        commit(store, write(SUPPORT, creds(3, 2)))
        try_checkpoint(store)
        if ending == "clean":
            store.close()
    store = start_after_kill(folder)
    assert store.instances("codechat") == ["new name", "support"]
    assert read_all(store, NEW_NAME, NEW_NAME._replace(key=KEY.key)) == [creds(2), b'"new"']
    assert read_all(store, SUPPORT) == [creds(3, 2)]
    store.close()


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EMFILE], ids=["EIO", "ENOSPC", "EMFILE"])
def test_a_start_at_which_a_call_fails_says_so_or_starts_and_the_next_one_has_everything(
    folder: Path, error: int
) -> None:
    for number in count(1):
        root = folder / str(number)
        store = with_values_in_the_journal(root)
        dropped = drop(store)
        commit(store, CreateInstance("codechat", "sales"), write(CREDS, creds(1, 7)))
        store = start_after_kill(root)
        start_after_kill(root)
        with disk_of(root) as disk, disk.failing(error, at=number) as fault, suppress(StartError):
            start_after_kill(root).commit([write(KEY, b'"newest"')])  # which may be refused, too
        store = start_after_kill(root)
        assert count_of(store, "instances_lost") == 0, fault.where
        assert read_all(store, CREDS, SUPPORT) == [creds(1, 7), creds(2, 2)], fault.where
        commit(store, restore(dropped, "new name"))
        assert kept(store, NEW_NAME).values == [creds(2), b'"new"', None], fault.where
        store.close()
        if not fault.hits:
            assert number > 20
            break
