"""Labels are known before somebody asks for thousands of instances at once."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import pytest

from sessionworker.stores.changes import CreateGroup, CreateInstance, LabelInstance
from sessionworker.stores.files import labels
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.store import FileStore


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


def test_the_background_looks_for_all_labels_after_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path, sync=False)
    store.commit([CreateGroup("g"), *(CreateInstance("g", f"n{number}") for number in range(9))])
    store.commit([LabelInstance("g", "n3", "Loja Centro")])
    store.close()
    store = FileStore(tmp_path, sync=False)
    looks = looked_at(monkeypatch)
    background = Thread(target=store.maintain)
    background.start()
    deadline = time.monotonic() + 20
    while len(looks) < 9 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(looks) == 9
    assert [one.label for one in store.describe("g")] == ["", "", "", "Loja Centro", "", "", "", "", ""]
    assert len(looks) == 9
    store.close()
    background.join()
