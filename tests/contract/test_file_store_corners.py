"""Corners of the file store that no other store has: its folders, its descriptors, and what others left in them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from sessionworker.errors import WorkerError
from sessionworker.stores.changes import DropGroup, DropInstance
from sessionworker.stores.files.leaving import Leaving
from tests.contract.file_place import LARGE, kill, start
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
    read_and_recall,
    restore,
    write,
)


def open_below(folder: Path) -> list[str]:
    """What this process has open at or below a folder."""
    found = []
    for handle in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):
            if handle.readlink().is_relative_to(folder):
                found.append(str(handle.readlink()))
    return found


def large_files(folder: Path) -> list[str]:
    """The large values that lie beside their keys' files."""
    return [path.name for path in folder.rglob(".sessionworker/large-*")]


def test_creds_that_were_there_before_versions_are_one_when_others_take_their_place(folder: Path) -> None:
    path = folder / "codechat" / "sales" / "creds"
    path.parent.mkdir(parents=True)
    path.write_bytes(creds(1))
    store = start(folder)
    commit(store, write(CREDS, creds(2)))
    store.checkpoint()
    assert kept(store).versions == [creds(2), creds(1)]
    store.close()


def test_creds_that_were_there_before_versions_are_one_when_they_are_deleted(folder: Path) -> None:
    path = folder / "codechat" / "sales" / "creds"
    path.parent.mkdir(parents=True)
    path.write_bytes(creds(1))
    store = start(folder)
    commit(store, delete(CREDS))
    store.checkpoint()
    assert kept(store).versions == [creds(1)]
    assert read_and_recall(store, CREDS) is None
    store.close()


def test_nothing_is_open_once_a_store_is_closed(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    value = b'"%b"' % (b"x" * LARGE)
    for number in range(5):
        commit(store, write(CREDS, creds(number)), store.prepare(write(KEY, value)), delete(OTHER_KEY))
        prepared = store.prepare(write(KEY, value))
        dropped = drop(store)
        assert len(store.commit([prepared, *([purge(dropped)] if number % 2 else [])])) > 0
        create(store)
        store.check()
        store.checkpoint()
        assert store.describe("codechat")
    held = sorted(open_below(folder))
    store.checkpoint()
    assert sorted(open_below(folder)) == held
    store.close()
    assert open_below(folder) == []


def test_a_large_value_that_was_prepared_before_a_kill_is_swept_with_the_next_write(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b"1"))
    store.checkpoint()
    store.prepare(write(KEY, b'"%b"' % (b"x" * LARGE)))
    kill(folder)
    store = start(folder)
    assert read_and_recall(store, KEY) == b"1"
    commit(store, write(KEY, b"2"))
    store.checkpoint()
    store.close()
    assert large_files(folder) == []


@pytest.mark.parametrize("is_first", [False, True], ids=["over another value", "the key's first value"])
def test_a_large_value_whose_file_somebody_removed_is_said_to_be_lost(folder: Path, *, is_first: bool) -> None:
    reports: list[str] = []
    store = start(folder)
    create(store)
    if not is_first:
        commit(store, write(KEY, b"1"))
    store.checkpoint()
    commit(store, store.prepare(write(KEY, b'"%b"' % (b"x" * LARGE))))
    kill(folder)
    [path] = folder.rglob(".sessionworker/large-*")
    path.unlink()
    store = start(folder, reports)
    with suppress(WorkerError):
        store.checkpoint()
    assert [line for line in reports if "large value" in line]
    store.close()


def test_names_of_dropped_instances_are_not_counted(folder: Path) -> None:
    store = start(folder)
    for number in range(3):
        create(store)
        commit(store, *(write(KEY._replace(key=f"k{index}"), b"1") for index in range(50)))
        if number:
            store.checkpoint()
        commit(store, DropInstance("codechat", "sales"))
        store.checkpoint()
    assert store.figures().gauges["cached_key_names"] == 0
    store.close()


@pytest.mark.parametrize(("group", "instance"), [("g", "a"), ("g", "a%20b"), ("Loja%20S%C3%A3o", "a")])
@pytest.mark.parametrize("is_purged", [False, True], ids=["brought back", "purged"])
def test_what_the_first_version_dropped_is_brought_back_or_purged(
    folder: Path, group: str, instance: str, *, is_purged: bool
) -> None:
    path = folder / ".sessionworker" / "dropped" / group / instance / "1700000000000-0"
    path.mkdir(parents=True)
    (path / "creds").write_bytes(creds(1))
    store = start(folder)
    [dropped] = store.drops()
    commit(store, purge(dropped) if is_purged else restore(dropped))
    assert store.drops() == []
    if not is_purged:
        assert store.read(CREDS._replace(group=dropped.group, instance=dropped.instance)) == creds(1)
    store.close()


def test_what_the_first_version_had_not_finished_purging_holds_up_no_purge(folder: Path) -> None:
    left = folder / ".sessionworker" / "purged"
    left.mkdir(parents=True)
    (left / "creds").write_bytes(creds(1))
    store = start(folder)
    create(store)
    commit(store, write(CREDS, creds(1)))
    commit(store, purge(drop(store)))
    store.checkpoint()
    assert list(left.iterdir()) == []
    store.close()


@pytest.mark.parametrize("made", ["drop", "drop, create", "drop the group", "bring back", "under another name"])
def test_a_kill_between_a_move_and_its_note_in_the_journal_loses_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    store, name = start(folder), "another" if made == "under another name" else CREDS.instance
    create(store)
    commit(store, write(CREDS, creds(1)))
    store.checkpoint()
    commit(store, write(CREDS, creds(2)), write(KEY, b"1"))
    if made in {"bring back", "under another name"}:
        commit(store, DropInstance("codechat", "sales"))
    monkeypatch.setattr(Leaving, "note", lambda *_: None)
    match made:
        case "drop the group":
            commit(store, DropGroup("codechat"))
        case "bring back" | "under another name":
            commit(store, restore(store.drops()[0], name))
        case _:
            commit(store, DropInstance("codechat", "sales"))
    if made == "drop, create":
        create(store)
        commit(store, write(CREDS, creds(9, 9)))
        name = "back"
    kill(folder)
    reports: list[str] = []
    store = start(folder, reports)
    if store.drops():
        commit(store, restore(store.drops()[0], name))
    back = CREDS._replace(instance=name)
    assert read_and_recall(store, back) == creds(2)
    assert read_and_recall(store, back._replace(key=KEY.key)) == b"1"
    assert kept(store, back).versions == [creds(2), creds(1)]
    assert len(reports) == 1
    store.close()


def test_what_was_purged_is_not_taken_for_lost_after_a_kill(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(CREDS, creds(1)))
    commit(store, purge(drop(store)))
    kill(folder)
    reports: list[str] = []
    for _ in range(2):
        store = start(folder, reports)
        store.checkpoint()
        store.close()
    assert store.figures().counts.get("instances_lost", 0) == 0
    assert list((folder / ".sessionworker" / "lost").iterdir()) == []
    assert list((folder / ".sessionworker" / "purged").iterdir()) == []
    assert not [line for line in reports if "nowhere" in line]
