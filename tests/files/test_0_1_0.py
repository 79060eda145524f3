"""A folder of sessionworker 0.1.0 is taken over in place: values, versions, what was broken, and what was dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.changes import DropInstance
from tests.contract.words import commit, creds, delete, purge, read_and_recall, restore, versions, write
from tests.files.sketches import GROUP, INSTANCE, OLD_DROPS, leave_0_1_0
from tests.files.words import contents, own_folder, session_files, start, start_after_kill

CREDS = SessionFile(GROUP, INSTANCE, "creds")
VALUES = {"creds": creds(3), "a b": b'"1"', "k/é": b'"2"', ".x": b'"3"'}


@pytest.fixture
def old_folder(folder: Path) -> Path:
    """A store as 0.1.0 leaves it."""
    leave_0_1_0(folder)
    return folder


def test_its_values_are_there(old_folder: Path, reports: list[str]) -> None:
    for _ in range(2):
        store = start(old_folder, reports)
        assert store.instances(GROUP) == [INSTANCE]
        assert {key: read_and_recall(store, CREDS._replace(key=key)) for key in VALUES} == VALUES
        commit(store, delete(CREDS._replace(key="nothing")))
        store.close()
    assert reports == []


def test_its_versions_are_listed_before_and_after_something_is_written(old_folder: Path) -> None:
    store = start(old_folder)
    assert [store.read_version(GROUP, INSTANCE, one.version) for one in versions(store, CREDS)] == [
        creds(3),
        creds(2),
        creds(1),
    ]
    commit(store, write(CREDS, creds(4)))
    for opened in (store, start_after_kill(old_folder)):
        opened.checkpoint()
        assert [opened.read_version(GROUP, INSTANCE, one.version) for one in versions(opened, CREDS)] == [
            creds(4),
            creds(3),
            creds(2),
            creds(1),
        ]
    start_after_kill(old_folder).close()


@pytest.mark.parametrize("is_written_first", [False, True], ids=["not written", "written"])
def test_a_version_of_it_takes_the_place_of_broken_creds(old_folder: Path, *, is_written_first: bool) -> None:
    store = start(old_folder)
    if is_written_first:
        commit(store, write(CREDS._replace(key="k"), b"1"))
    store.close()
    [path] = [path for path in old_folder.rglob("creds") if "dropped" not in path.parts]
    path.write_bytes(b"{")
    store = start(old_folder)
    assert store.read(CREDS) == creds(3)
    store.close()


def test_after_use_it_has_the_new_names_and_places_and_nothing_is_left_of_the_old_ones(old_folder: Path) -> None:
    store = start(old_folder)
    commit(store, write(CREDS._replace(key="a b"), b'"new"'))
    store.close()
    instance = old_folder / GROUP / INSTANCE
    assert session_files(old_folder) == {
        f"{GROUP}/{INSTANCE}/creds": creds(3),
        f"{GROUP}/{INSTANCE}/a b": b'"new"',
        f"{GROUP}/{INSTANCE}/k%2Fé": b'"2"',
        f"{GROUP}/{INSTANCE}/.x": b'"3"',
    }
    assert max((own_folder(instance) / "versions").iterdir()).read_bytes() == creds(3)
    assert list(contents(own_folder(instance) / "broken").values()) == [b"broken"]
    ours = own_folder(old_folder)
    assert {path.name for path in ours.iterdir() if path.is_dir()} == {"dropped", "journal", "lost", "new", "purged"}
    assert {path.name for path in ours.iterdir() if path.is_file()} <= {"lock", "token", "summary", "events"}
    assert (ours / "token").read_bytes() == b"secret\n"
    assert [path for path in (ours / "journal").iterdir() if not path.name.startswith("spare-")] == []


def test_what_it_dropped_is_listed_newest_first(old_folder: Path) -> None:
    store = start(old_folder)
    drops = store.drops()
    assert {(one.group, one.instance) for one in drops} == {(GROUP, INSTANCE)}
    assert [one.when for one in drops] == [1700000000001, 1700000000001, 1700000000000]
    assert {one.drop: one.files for one in drops} == {name: len(files) for name, files in OLD_DROPS.items()}
    store.close()


@pytest.mark.parametrize("name", OLD_DROPS)
def test_what_it_dropped_is_brought_back(old_folder: Path, name: str) -> None:
    store = start(old_folder)
    [dropped] = [one for one in store.drops() if one.drop == name]
    commit(store, restore(dropped, "another name"))
    file = SessionFile(GROUP, "another name", "creds")
    for opened in (store, start_after_kill(old_folder)):
        assert opened.read(file) == OLD_DROPS[name]["creds"]
        assert len(opened.drops()) == len(OLD_DROPS) - 1
    store = start_after_kill(old_folder)
    commit(store, write(file, creds(2)))
    store.checkpoint()
    assert len(versions(store, file)) == 2
    store.close()


def test_what_it_dropped_is_purged(old_folder: Path) -> None:
    store = start(old_folder)
    commit(store, *map(purge, store.drops()))
    assert store.drops() == []
    store.close()
    assert contents(own_folder(old_folder) / "dropped") == {}
    assert list((own_folder(old_folder) / "dropped").iterdir()) == []


def test_what_is_dropped_now_stands_beside_what_it_dropped(old_folder: Path) -> None:
    store = start(old_folder)
    commit(store, write(CREDS, creds(9)), DropInstance(GROUP, INSTANCE))
    newest, *older = store.drops()
    assert len(older) == len(OLD_DROPS)
    commit(store, restore(newest))
    assert read_and_recall(store, CREDS) == creds(9)
    assert store.drops() == older
    store.close()
