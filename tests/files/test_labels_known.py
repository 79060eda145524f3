"""Labels are known before somebody asks for thousands of instances at once."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.changes import (
    CreateGroup,
    CreateInstance,
    DropInstance,
    LabelInstance,
    PurgeDrop,
    RestoreInstance,
)
from sessionworker.stores.files import labels, tallies
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.store import FileStore
from tests.contract.words import write


def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Each look for a label in a folder, from now on."""
    looks: list[object] = []
    read = labels.read_label

    def look(folder: Folder) -> str:
        looks.append(folder)
        return read(folder)

    monkeypatch.setattr(labels, "read_label", look)
    return looks


def test_no_folder_of_a_new_instance_is_looked_at_for_a_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path, sync=False)
    looks = looked_at(monkeypatch)
    store.commit([CreateGroup("g"), *(CreateInstance("g", f"n{number}") for number in range(9))])
    assert [one.label for one in store.describe("g")] == [""] * 9
    assert looks == []
    store.close()


def wait_for_background(store: FileStore, looks: list[object]) -> Thread:
    """Start a store's background; return its thread once it has looked at nine labels, or when that takes long."""
    background = Thread(target=store.maintain)
    background.start()
    deadline = time.monotonic() + 20
    while len(looks) < 9 and time.monotonic() < deadline:
        time.sleep(0.01)
    return background


def test_the_background_looks_for_all_labels_after_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path, sync=False)
    store.commit([CreateGroup("g"), *(CreateInstance("g", f"n{number}") for number in range(9))])
    store.commit([LabelInstance("g", "n3", "Loja Centro")])
    store.close()
    store = FileStore(tmp_path, sync=False)
    looks = looked_at(monkeypatch)
    background = wait_for_background(store, looks)
    assert len(looks) == 9
    assert [one.label for one in store.describe("g")] == ["", "", "", "Loja Centro", "", "", "", "", ""]
    assert len(looks) == 9
    store.close()
    background.join()


def dropped(folder: Path, count: int) -> FileStore:
    """A store that was started again after instances were dropped, every third of which has a label."""
    store = FileStore(folder, sync=False)
    store.commit([CreateGroup("g"), *(CreateInstance("g", f"n{number}") for number in range(count))])
    store.commit([LabelInstance("g", f"n{number}", f"Loja {number}") for number in range(0, count, 3)])
    store.commit([write(SessionFile("g", f"n{number}", "k"), b"1") for number in range(count)])
    store.commit([DropInstance("g", f"n{number}") for number in range(count)])
    store.checkpoint()
    store.drops()
    store.close()
    return FileStore(folder, sync=False)


def labels_of_drops(store: FileStore) -> dict[str, str]:
    return {one.instance: one.label for one in store.drops() if one.label}


LABELS = {"n0": "Loja 0", "n3": "Loja 3", "n6": "Loja 6"}


def test_a_drop_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = dropped(tmp_path, 9)
    looks = looked_at(monkeypatch)
    for _ in range(3):
        assert labels_of_drops(store) == LABELS
    assert len(looks) == 9
    store.close()


def test_the_label_of_a_drop_that_was_brought_back_and_dropped_again_is_the_last_one(tmp_path: Path) -> None:
    store = dropped(tmp_path, 2)
    [drop] = [one for one in store.drops() if one.instance == "n0"]
    store.commit([RestoreInstance("g", "n0", drop.drop, "n0")])
    store.commit([LabelInstance("g", "n0", "Matriz")])
    store.commit([DropInstance("g", "n0")])
    assert labels_of_drops(store) == {"n0": "Matriz"}
    store.checkpoint()
    assert labels_of_drops(store) == {"n0": "Matriz"}
    store.close()


def test_the_background_looks_for_the_labels_of_drops_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "SETTLED_NANOSECONDS", 0)
    store = dropped(tmp_path, 9)
    looks = looked_at(monkeypatch)
    background = wait_for_background(store, looks)
    assert len(looks) == 9
    assert labels_of_drops(store) == LABELS
    assert len(looks) == 9
    store.close()
    background.join()


def test_nothing_is_remembered_of_a_drop_that_is_gone(tmp_path: Path) -> None:
    store = dropped(tmp_path, 3)
    for drop in store.drops():
        store.commit([PurgeDrop("g", drop.instance, drop.drop)])
    assert store.drops() == []
    assert store._parts.labels._of_dropped == {}
    store.close()
