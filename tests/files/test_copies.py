"""A folder that somebody copied has the id of another one: what is written to one never becomes the other's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.changes import DropInstance, RestoreInstance
from sessionworker.stores.files.store import FileStore
from tests.contract.words import CREDS, KEY, SUPPORT, commit, create, creds, drop, purge, read_all, restore, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import folder_of, start, start_after_kill, try_checkpoint

OTHER = SessionFile("codechat", "other", "creds")


def restored_from_a_backup(folder: Path) -> FileStore:
    """A store with an instance that was dropped, and put back from a backup while the worker was stopped."""
    store = start(folder)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"of the backup"'))
    store.checkpoint()
    shutil.copytree(folder_of(folder), folder.parent / "backup")
    commit(store, write(CREDS, creds(9)), write(KEY, b'"old"'))
    store.checkpoint()
    drop(store)
    store.close()
    shutil.copytree(folder.parent / "backup", folder_of(folder))
    return start(folder)


@pytest.mark.parametrize("is_saved", [False, True], ids=["in the journal", "in its files, and in the journal"])
@pytest.mark.parametrize("name", ["sales", "back"])
def test_what_was_written_to_a_copy_is_its_own_after_a_kill(folder: Path, name: str, *, is_saved: bool) -> None:
    store = restored_from_a_backup(folder)
    [old] = store.drops()
    commit(store, write(CREDS, creds(20)), write(KEY, b'"of the copy"'))
    if is_saved:  # one instance that cannot be saved keeps the journal
        create(store, OTHER)
        commit(store, write(OTHER, creds(1)))
        with disk_of(folder) as disk, disk.failing(5, about("^codechat/other", "open")):
            try_checkpoint(store)
    commit(store, DropInstance("codechat", "sales"))
    [copy] = [found for found in store.drops() if found != old]
    commit(store, RestoreInstance("codechat", "sales", old.drop, name))
    commit(store, write(SessionFile("codechat", name, "k"), b"1"))
    store = start_after_kill(folder)
    found = read_all(store, SessionFile("codechat", name, "creds"), SessionFile("codechat", name, KEY.key))
    assert found == [creds(9), b'"old"']
    commit(store, restore(copy, "copy"))
    found = read_all(store, SessionFile("codechat", "copy", "creds"), SessionFile("codechat", "copy", KEY.key))
    assert found == [creds(20), b'"of the copy"']
    store.close()


def test_a_copy_whose_drop_was_cut_off_is_found_though_the_other_one_was_purged(folder: Path) -> None:
    store = restored_from_a_backup(folder)
    commit(store, write(CREDS, creds(20)))
    commit(store, *map(purge, store.drops()))
    folder_of(folder).rename(folder / ".sessionworker" / "dropped" / "codechat~sales~1700000000000-0badcafe")
    store = start_after_kill(folder)
    [copy] = store.drops()
    commit(store, restore(copy))
    assert read_all(store, CREDS) == [creds(20)]
    store.close()


def test_nobody_is_remembered_of_whom_the_journal_holds_nothing(folder: Path) -> None:
    store = start(folder)
    for _ in range(20):
        create(store, SUPPORT)
        commit(store, write(SUPPORT, creds(1)))
        drop(store, SUPPORT)
    store.checkpoint()
    assert store._catalogue.dropped == {}
    assert store._catalogue._ids == {}
    store.close()
