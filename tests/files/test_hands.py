"""Hands that reach into its folder, and into its clock: nothing is taken for what it is not, and nothing is held up."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sessionworker.errors import NameTaken, NoSuchDrop, NoSuchInstance, StoreUnavailable
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropGroup, DropInstance
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
    read_all,
    refusals,
    restore,
    versions,
    write,
)
from tests.files.words import (
    contents,
    folder_of,
    folder_of_drop,
    gauge,
    session_files,
    start,
    start_after_kill,
    try_checkpoint,
)


def with_files(folder: Path) -> None:
    """Leave a store with two instances that have files."""
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b"1"), write(SUPPORT, creds(1, 2)))
    store.close()


# Folders that are gone


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "not looked at"])
def test_an_instance_whose_folder_someone_removed_is_refused_until_it_is_there_again(
    folder: Path, *, is_known: bool
) -> None:
    with_files(folder)
    store = start(folder)
    if is_known:
        commit(store, write(KEY, b"2"))
    folder_of(folder).rename(folder / "elsewhere")
    with pytest.raises(StoreUnavailable):
        store.check_creds("codechat", "sales")
    with pytest.raises(StoreUnavailable):
        store.read(KEY._replace(key="other"))
    store.commit([write(KEY, b"3")])  # acknowledged, if it was in use already, for the journal has it then
    try_checkpoint(store)
    assert refusals(store, write(KEY, b"4"), write(SUPPORT, creds(2, 2))) == [StoreUnavailable, None]
    assert not folder_of(folder).exists()
    (folder / "elsewhere").rename(folder_of(folder))
    store.checkpoint()
    assert read_all(store, CREDS, KEY, SUPPORT) == [creds(1), b"3" if is_known else b"1", creds(2, 2)]
    commit(store, write(KEY, b"5"))
    store.close()
    assert (folder_of(folder) / KEY.key).read_bytes() == b"5"


@pytest.mark.parametrize("waits", [True, False], ids=["something waits", "nothing waits"])
@pytest.mark.parametrize("level", ["instance", "group"])
def test_dropping_what_someone_removed_holds_nothing_up_and_a_new_one_is_empty(
    folder: Path, level: str, *, waits: bool
) -> None:
    with_files(folder)
    store = start(folder)
    if waits:
        commit(store, write(KEY, b"2"))
    shutil.rmtree(folder_of(folder) if level == "instance" else folder_of(folder).parent)
    commit(store, DropInstance("codechat", "sales") if level == "instance" else DropGroup("codechat"))
    store.checkpoint()
    assert gauge(store, "instances_apart") == gauge(store, "unwritten_value_bytes") == 0
    assert store.drops() == []
    create(store)
    assert read_all(store, CREDS, KEY) == [None, None]
    commit(store, write(CREDS, creds(2)))
    store.close()
    assert session_files(folder)["codechat/sales/creds"] == creds(2)


def test_a_drop_that_someone_removed_is_none_and_hides_no_other(folder: Path) -> None:
    with_files(folder)
    store = start(folder)
    gone, stays = drop(store), drop(store, SUPPORT)
    shutil.rmtree(folder_of_drop(folder, gone))
    assert store.drops() == [stays]
    assert refusals(store, restore(gone), purge(gone)) == [NoSuchDrop, NoSuchDrop]
    store.checkpoint()
    commit(store, restore(stays))
    store.close()


# Others in a place


@pytest.mark.parametrize("what", ["file", "link", "dangling link"])
def test_what_stands_in_an_instance_s_place_is_neither_followed_nor_moved_nor_dropped(
    folder: Path, tmp_path: Path, what: str
) -> None:
    with_files(folder)
    store = start(folder)
    commit(store, write(KEY, b"2"))
    folder_of(folder).rename(tmp_path / "elsewhere")
    put_there(folder_of(folder), tmp_path, what)
    before = contents(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable):
        store.check_creds("codechat", "sales")
    try_checkpoint(store)
    outcomes = refusals(store, write(KEY, b"3"), DropInstance("codechat", "sales"), write(SUPPORT, creds(2, 2)))
    assert outcomes == [StoreUnavailable, StoreUnavailable, None]
    assert contents(tmp_path / "elsewhere") == before
    remove(folder_of(folder))
    (tmp_path / "elsewhere").rename(folder_of(folder))
    store.checkpoint()
    assert read_all(store, CREDS, KEY) == [creds(1), b"2"]
    store.close()


def test_an_empty_group_whose_folder_was_removed_takes_instances_again(folder: Path) -> None:
    store = start(folder, sync=True)
    commit(store, CreateGroup("codechat"))
    (folder / "codechat").rmdir()
    commit(store, DropInstance("codechat", "sales"))
    commit(store, CreateInstance("codechat", "sales"), write(CREDS, creds(1)))
    assert read_all(store, CREDS) == [creds(1)]
    store.close()
    assert (folder_of(folder) / "creds").read_bytes() == creds(1)


@pytest.mark.parametrize("what", ["file", "link", "dangling link"])
def test_what_stands_in_a_group_s_place_is_not_dropped_for_it(folder: Path, tmp_path: Path, what: str) -> None:
    with_files(folder)
    store = start(folder)
    (folder / "codechat").rename(tmp_path / "elsewhere")
    put_there(folder / "codechat", tmp_path, what)
    assert refusals(store, DropGroup("codechat")) == [StoreUnavailable]
    remove(folder / "codechat")
    (tmp_path / "elsewhere").rename(folder / "codechat")
    assert read_all(store, CREDS, SUPPORT) == [creds(1), creds(1, 2)]
    store.close()


def put_there(path: Path, tmp_path: Path, what: str) -> None:
    if what == "file":
        path.write_bytes(b"of somebody")
    else:
        path.symlink_to(tmp_path / ("elsewhere" if what == "link" else "nowhere"))


def remove(path: Path) -> None:
    path.unlink()


def test_nothing_is_brought_back_over_what_stands_in_its_place(folder: Path) -> None:
    with_files(folder)
    store = start(folder)
    dropped = drop(store)
    put_there(folder_of(folder), folder, "dangling link")
    assert refusals(store, restore(dropped)) == [NameTaken]
    assert refusals(store, CreateInstance("codechat", "sales")) == [StoreUnavailable]
    remove(folder_of(folder))
    commit(store, restore(dropped))
    assert read_all(store, CREDS, KEY) == [creds(1), b"1"]
    store.close()


@pytest.mark.parametrize("change", [CreateGroup, DropGroup])
def test_a_group_named_like_a_file_in_the_store_is_refused_and_the_file_stays(
    folder: Path, change: Callable[[str], CreateGroup | DropGroup]
) -> None:
    with_files(folder)
    (folder / "README").write_bytes(b"!")
    store = start(folder)
    assert store.commit([change("README")]) != [None]
    assert refusals(store, CreateInstance("README", "one"), write(KEY, b"2")) == [StoreUnavailable, None]
    assert store.groups() == ["codechat"]
    store.close()
    assert (folder / "README").read_bytes() == b"!"


def test_a_person_may_delete_and_change_files_while_the_worker_is_stopped(folder: Path) -> None:
    with_files(folder)
    (folder_of(folder) / KEY.key).unlink()
    (folder_of(folder) / "creds").write_bytes(creds(9))
    (folder_of(folder) / "new").write_bytes(b"7")
    shutil.rmtree(folder_of(folder, SUPPORT))
    store = start(folder)
    assert read_all(store, CREDS, KEY, CREDS._replace(key="new")) == [creds(9), None, b"7"]
    with pytest.raises(NoSuchInstance):
        store.read(SUPPORT)
    store.close()


# Its clock


@pytest.mark.parametrize("step", [0, -3600, 3600], ids=["stands still", "goes back", "jumps ahead"])
@pytest.mark.parametrize("ending", ["clean", "kill"])
def test_whatever_the_clock_does_drops_and_versions_stay_apart_and_in_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int, ending: str
) -> None:
    now = time.time_ns()
    for number in range(4):
        monkeypatch.setattr(time, "time_ns", partial(int, now + number * step * 10**9))
        store = start_after_kill(folder)
        create(store)
        commit(store, write(CREDS, creds(10 * number)), write(CREDS, creds(10 * number + 1)))
        if ending == "clean":
            store.close()
        store = start_after_kill(folder)
        assert [store.read_version("codechat", "sales", one.version) for one in versions(store)] == [
            creds(10 * number + 1),
            creds(10 * number),
        ]
        commit(store, delete(CREDS), DropInstance("codechat", "sales"))
        assert store.instances("codechat") == []
        assert len(store.drops()) == number + 1
        store.close()


@pytest.mark.parametrize("step", [0, -3600], ids=["stands still", "goes back"])
def test_the_latest_creds_are_the_current_version_whatever_the_clock_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    now = time.time_ns()
    store = start(folder)
    create(store)
    for number in range(6):
        monkeypatch.setattr(time, "time_ns", partial(int, now + number * step * 10**9))
        commit(store, write(CREDS, creds(number)))
        if number == 2:
            store.checkpoint()
        if number == 3:
            store = start_after_kill(folder)
        if number == 4:  # then the files alone tell when the latest came
            store.close()
            store = start(folder)
        newest = versions(store)[0]
        assert newest.is_current
        assert store.read_version("codechat", "sales", newest.version) == creds(number)
    assert len(versions(store)) == 6
    store.close()


def test_two_drops_of_one_moment_are_two(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", partial(int, time.time_ns()))
    store = start(folder)
    for number in range(5):
        create(store, CREDS, SUPPORT)
        commit(store, write(CREDS, creds(number)), write(SUPPORT, creds(number, 2)))
        commit(store, DropInstance("codechat", "sales"), DropGroup("codechat"))
    assert len({(one.instance, one.drop) for one in store.drops()}) == len(store.drops()) == 10
    for number, dropped in enumerate(store.drops()):
        commit(store, restore(dropped, f"back {number}"))
    found = [store.read(CREDS._replace(instance=name)) for name in store.instances("codechat")]
    assert sorted(found, key=repr) == sorted(
        [creds(number, identity) for number in range(5) for identity in (1, 2)], key=repr
    )
    store.close()
