"""Two folders that mean one name, and two files that mean one key: nothing is guessed at, mixed up or thrown away."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker.errors import NameTaken, StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance, DropGroup, DropInstance, Entry
from tests.contract.words import (
    CREDS,
    KEY,
    commit,
    create,
    creds,
    delete,
    drop,
    read_and_recall,
    refusals,
    restore,
    summary,
    write,
)
from tests.files.sketches import leave_files
from tests.files.words import contents, count_of, folder_of, own_folder, session_files, start, start_after_kill

TWICE = SessionFile("codechat", "a b", "creds")
KEY_TWICE = CREDS._replace(key="a b")


@pytest.fixture
def two_folders(folder: Path) -> Path:
    """A store with two folders that mean one instance, and another instance."""
    leave_files(folder / "codechat" / "a%20b", {"creds": creds(1, 1)})
    leave_files(folder / "codechat" / "a b", {"creds": creds(1, 2)})
    leave_files(folder_of(folder), {"creds": creds(1, 3)})
    return folder


def test_an_instance_that_two_folders_mean_is_refused_in_everything_and_no_other_is(
    two_folders: Path, reports: list[str]
) -> None:
    before = contents(two_folders)
    store = start(two_folders, reports)
    assert store.instances("codechat") == ["a b", "sales"]
    for entry in (write(TWICE, creds(2)), delete(TWICE), CreateInstance("codechat", "a b")):
        assert refusals(store, entry, write(CREDS, creds(2, 3))) == [StoreUnavailable, None]
    assert refusals(store, DropInstance("codechat", "a b")) == [StoreUnavailable]
    for ask in (lambda: store.read(TWICE), lambda: store.check_creds("codechat", "a b")):
        with pytest.raises(StoreUnavailable):
            ask()
    assert "two folders" in summary(store, TWICE).problem
    assert summary(store, CREDS).problem == ""
    store.close()
    [line] = [line for line in reports if "Two folders" in line]
    assert "'codechat/a%20b'" in line
    assert "'codechat/a b'" in line
    assert {name: value for name, value in contents(two_folders).items() if "/a" in name} == {
        name: value for name, value in before.items() if "/a" in name
    }


def test_it_is_served_again_when_one_of_them_was_moved_elsewhere(two_folders: Path) -> None:
    start(two_folders).close()
    (two_folders / "codechat" / "a b").rename(two_folders.with_name("elsewhere"))
    store = start(two_folders)
    assert read_and_recall(store, TWICE) == creds(1, 1)
    commit(store, write(TWICE, creds(2, 1)))
    store.close()
    assert (two_folders / "codechat" / "a b" / "creds").read_bytes() == creds(2, 1)


def test_what_the_journal_holds_of_it_is_not_given_to_the_other_folder(folder: Path) -> None:
    store = start(folder)
    create(store, TWICE)
    commit(store, write(TWICE, creds(1, 1)))
    store.checkpoint()
    commit(store, write(TWICE, creds(2, 1)))
    leave_files(folder / "codechat" / "a%20b", {"creds": creds(1, 2)})
    for _ in range(2):
        store = start_after_kill(folder)
        with pytest.raises(StoreUnavailable):
            store.check_creds("codechat", "a b")
    start_after_kill(folder).close()
    assert (folder / "codechat" / "a%20b" / "creds").read_bytes() == creds(1, 2)
    (folder / "codechat" / "a%20b").rename(folder.with_name("elsewhere"))
    store = start(folder)
    assert read_and_recall(store, TWICE) == creds(2, 1)
    store.close()


def test_two_folders_of_one_group_are_one_group(folder: Path) -> None:
    one, other = SessionFile("a b", "one", "creds"), SessionFile("a b", "other", "creds")
    new, twice = one._replace(instance="new"), one._replace(instance="twice")
    leave_files(folder, {"a%20b/one/creds": creds(1, 1), "a b/other/creds": creds(1, 2)})
    leave_files(folder, {"a%20b/twice/creds": creds(1, 3), "a b/twice/creds": creds(1, 4)})
    store = start(folder)
    assert store.groups() == ["a b"]
    assert store.instances("a b") == ["one", "other", "twice"]
    commit(store, write(one, creds(2, 1)), write(other, creds(2, 2)), CreateInstance("a b", "new"))
    assert refusals(store, write(twice, creds(2, 3)), write(new, creds(1, 5))) == [StoreUnavailable, None]
    dropped = drop(store, one)
    commit(store, restore(dropped))
    for opened in (store, start_after_kill(folder)):
        found = [read_and_recall(opened, file) for file in (one, other, new)]
        assert found == [creds(2, 1), creds(2, 2), creds(1, 5)]
    start_after_kill(folder).close()
    assert session_files(folder) == {
        "a b/one/creds": creds(2, 1),
        "a b/other/creds": creds(2, 2),
        "a b/new/creds": creds(1, 5),
        "a%20b/twice/creds": creds(1, 3),
        "a b/twice/creds": creds(1, 4),
    }


def test_a_group_of_two_folders_is_dropped_whole(folder: Path) -> None:
    leave_files(folder, {"a%20b/one/creds": creds(1, 1), "a b/other/creds": creds(1, 2)})
    store = start(folder)
    commit(store, write(SessionFile("a b", "one", "creds"), creds(2, 1)), DropGroup("a b"))
    for opened in (store, start_after_kill(folder)):
        assert opened.groups() == []
        assert {one.instance for one in opened.drops()} == {"one", "other"}
    start_after_kill(folder).close()
    assert session_files(folder) == {}


def test_nothing_is_brought_back_over_a_folder_that_means_its_name(folder: Path) -> None:
    store = start(folder)
    create(store, TWICE)
    dropped = drop(store, TWICE)
    store.close()
    leave_files(folder / "codechat" / "a%20b", {"creds": creds(1)})
    store = start(folder)
    assert refusals(store, restore(dropped)) == [NameTaken]
    assert read_and_recall(store, TWICE) == creds(1)
    store.close()


@pytest.mark.parametrize("how", ["create", "restore"])
def test_a_folder_of_another_spelling_that_came_after_the_start_is_not_passed_over(folder: Path, how: str) -> None:
    store = start(folder)
    create(store, TWICE)
    dropped = drop(store, TWICE)
    leave_files(folder / "codechat" / "a%20b", {"creds": creds(1)})
    if how == "create":  # either it is found, or the instance is refused: but there is no empty one
        outcome = store.commit([CreateInstance("codechat", "a b")])
        assert outcome != [None] or store.read(TWICE) == creds(1)
    else:
        assert refusals(store, restore(dropped)) == [NameTaken]
    store.close()


# Two files


@pytest.fixture
def two_files(folder: Path) -> Path:
    """A store with two files that mean one key."""
    leave_files(folder_of(folder), {"a b": b'"by its own name"', "a%20b": b'"escaped"', "k": b"1"})
    return folder


def test_of_two_files_that_mean_one_key_one_is_kept_for_a_person_and_said(two_files: Path, reports: list[str]) -> None:
    store = start(two_files, reports)
    commit(store, write(KEY, b"1"))
    store.checkpoint()
    assert read_and_recall(store, KEY_TWICE) == b'"by its own name"'
    assert count_of(store, "files_set_aside") == len(reports) == 1
    assert "had two files" in reports[0]
    store.close()
    assert list(contents(own_folder(folder_of(two_files)) / "broken").values()) == [b'"escaped"']
    assert session_files(two_files)["codechat/sales/a b"] == b'"by its own name"'


def test_of_two_files_that_mean_one_key_the_same_one_is_read_all_the_time(two_files: Path) -> None:
    store = start(two_files)
    before = store.read(KEY_TWICE)
    commit(store, write(KEY, b"1"))
    store.checkpoint()
    assert read_and_recall(store, KEY_TWICE) == before
    store.close()
    store = start(two_files)
    assert read_and_recall(store, KEY_TWICE) == before
    store.close()


@pytest.mark.parametrize("change", [write(KEY_TWICE, b'"new"'), delete(KEY_TWICE)], ids=["write", "delete"])
@pytest.mark.parametrize("is_read_first", [False, True], ids=["not read", "read"])
def test_a_key_that_two_files_mean_is_overwritten_and_deleted_for_good(
    two_files: Path, change: Entry, *, is_read_first: bool
) -> None:
    expected = b'"new"' if change == write(KEY_TWICE, b'"new"') else None
    store = start(two_files)
    if is_read_first:
        store.read(KEY_TWICE)
    commit(store, change)
    store.checkpoint()
    assert read_and_recall(store, KEY_TWICE) == expected
    store.close()
    store = start(two_files)
    assert read_and_recall(store, KEY_TWICE) == expected
    store.close()


def test_a_key_that_two_files_with_escapes_mean_is_deleted_for_good(folder: Path) -> None:
    leave_files(folder_of(folder), {"%61%20b": b"1", "a%20b": b"2"})
    store = start(folder)
    commit(store, delete(KEY_TWICE))
    store.close()
    store = start(folder)
    assert read_and_recall(store, KEY_TWICE) is None
    store.close()
