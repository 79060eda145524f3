"""Drops that meet a checkpoint or a crash: what was acknowledged before a drop is in what was dropped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.files import FileStore
from sessionworker.stores.folders import InstanceFolder
from sessionworker.stores.interface import (
    Change,
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    RestoreInstance,
    Write,
)

EARLY, LATE = SessionFile("g", "one", "pre-key-1"), SessionFile("g", "one", "pre-key-2")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileStore]:
    opened = FileStore(tmp_path / "store", sync=False, segment_size=4096)
    yield opened
    opened.close()


def commit(store: FileStore, *changes: Change) -> None:
    assert store.commit(changes) == [None] * len(changes)


def act_once(monkeypatch: pytest.MonkeyPatch, method: str, action: Callable[[], None]) -> None:
    """Do something the next time that a folder's method is called, before it does its own work."""
    real = getattr(InstanceFolder, method)
    waiting = [action]

    def call(folder: InstanceFolder, *arguments: object) -> object:
        if waiting:
            waiting.pop()()
        return real(folder, *arguments)

    monkeypatch.setattr(InstanceFolder, method, call)


def test_what_was_written_while_a_checkpoint_ran_and_then_dropped_can_be_brought_back(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SessionFile("g", "first", "k")
    commit(store, CreateInstance("g", "first"), Write(other, b"[0]"), CreateInstance("g", "one"), Write(EARLY, b"[1]"))
    act_once(monkeypatch, "save", lambda: commit(store, Write(LATE, b"[2]"), DropInstance("g", "one")))
    store.checkpoint()
    [drop] = store.drops()
    commit(store, RestoreInstance("g", "one", drop.drop, "one"))
    assert (store.read(EARLY), store.read(LATE)) == (b"[1]", b"[2]")


def test_an_instance_that_is_dropped_while_its_files_are_written_can_be_brought_back(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(store, CreateInstance("g", "one"), Write(EARLY, b"[1]"))
    act_once(monkeypatch, "save", lambda: commit(store, Write(LATE, b"[2]"), DropInstance("g", "one")))
    store.checkpoint()
    [drop] = store.drops()
    assert drop.files == 2
    commit(store, RestoreInstance("g", "one", drop.drop, "one"))
    assert (store.read(EARLY), store.read(LATE)) == (b"[1]", b"[2]")


def test_a_name_paired_again_and_again_while_a_checkpoint_runs_starts_empty_each_time(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(store, CreateInstance("g", "one"), Write(EARLY, b"[1]"))
    again: list[Change] = [DropInstance("g", "one"), CreateInstance("g", "one")]
    commit(store, *again, Write(LATE, b"[2]"), DropInstance("g", "one"))
    moves: list[None] = []
    real_move, real_save = InstanceFolder.move, InstanceFolder.save

    def move(folder: InstanceFolder, place: str) -> None:
        real_move(folder, place)
        moves.append(None)

    def save(folder: InstanceFolder, values: dict[str, bytes | None]) -> None:
        real_save(folder, values)
        if len(moves) == 1:  # the first is where it belongs, the second is still in its place
            moves.append(None)
            commit(store, CreateInstance("g", "one"))
            assert store.read(LATE) is None

    monkeypatch.setattr(InstanceFolder, "move", move)
    monkeypatch.setattr(InstanceFolder, "save", save)
    store.checkpoint()
    assert len(moves) == 3
    assert sorted(drop.files for drop in store.drops()) == [1, 1]


def test_a_group_that_was_dropped_and_made_again_is_not_dropped_once_more_by_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path / "store", sync=False, segment_size=4096)
    commit(store, CreateGroup("g"), CreateInstance("g", "other"), Write(SessionFile("g", "other", "k"), b"[0]"))
    store.checkpoint()
    commit(store, DropGroup("g"), CreateInstance("g", "one"), Write(EARLY, b"[1]"))

    def crash() -> None:
        raise OSError

    monkeypatch.setattr(store._journal, "release", crash)  # the files are written, the journal still holds it all
    with pytest.raises(Exception):  # noqa: B017, PT011 - whichever the store makes of it
        store.checkpoint()
    os.close(store._lock)
    again = FileStore(tmp_path / "store", sync=False, segment_size=4096)
    assert [(drop.instance, drop.files) for drop in again.drops()] == [("other", 1)]
    assert again.read(EARLY) == b"[1]"
    again.close()


def test_a_group_that_was_dropped_stays_so_after_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking a folder's name away is no different from giving it one: it has to be synced."""
    order: list[tuple[str, str]] = []
    real_rmdir, real_fsync = os.rmdir, os.fsync

    def rmdir(path: str) -> None:
        order.append(("rmdir", Path(path).name))
        real_rmdir(path)

    def fsync(handle: int) -> None:
        order.append(("fsync", Path(f"/proc/self/fd/{handle}").readlink().name))
        real_fsync(handle)

    store = FileStore(tmp_path / "store", segment_size=4096)
    commit(store, CreateGroup("g"))
    store.checkpoint()
    commit(store, DropGroup("g"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", rmdir)
        patch.setattr(os, "fsync", fsync)
        store.checkpoint()
    store.close()
    assert ("fsync", "store") in order[order.index(("rmdir", "g")) :]
