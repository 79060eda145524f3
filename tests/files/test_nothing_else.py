"""When a store says that nothing else is in it, the other keys are thrown away: then all of it opens with the one."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from threading import Thread

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.changes import DropGroup
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.places import Places
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KeyRing
from tests.contract.words import CREDS, KEY, SUPPORT, commit, create, creds, drop, drops_of, read_all, restore, write
from tests.files.sealed import (
    FIRST,
    FIRST_AGAIN,
    KEYS,
    LONG,
    NEW,
    OLD,
    SECOND,
    SECOND_ALONE,
    alone,
    fill,
    nothing_else,
    rewrite,
    sealed_folder,
)
from tests.files.words import folder_of, kill, own_folder, start

PLAIN_TAKEN = KeyRing(KEYS[:1], admits_plain=True)


def try_to_rewrite(store: FileStore) -> None:
    """Have as much rewritten as can be."""
    rewriting = store._parts.rewriting
    store.on_repair(lambda batch: commit(store, batch))
    rewriting.begin()
    for _ in range(300):
        rewriting.go_on(0.0)
        store.checkpoint()


def start_as_told(folder: Path, store: FileStore) -> FileStore:
    """Close a store, and start it without the older key if it says that nothing else is there."""
    is_over = nothing_else(store)
    store.close()
    return start(folder, ring=SECOND_ALONE if is_over else SECOND)


def assert_whole_without_the_older_key(folder: Path, store: FileStore) -> None:
    """Close a store, and see that what one instance held at first is there with the newer key alone."""
    store.close()
    store = start(folder, ring=SECOND_ALONE)
    assert read_all(store, CREDS, KEY) == [creds(1), b'"a value"']
    store.close()


@pytest.mark.parametrize("rings", [[None, FIRST], [FIRST, SECOND], [FIRST, KeyRing(KEYS[:1], writes_plain=True)]])
@pytest.mark.parametrize("file", [OLD, LONG], ids=["a name", "a long name"])
def test_an_instance_that_is_dropped_before_it_was_rewritten_comes_back(
    folder: Path, rings: list[KeyRing | None], file: SessionFile
) -> None:
    fill(folder, rings[0])
    store = start(folder, ring=rings[1])
    before = store.read(file)
    drop(store, file)
    assert len(drops_of(store, file)) == 1
    rewrite(store)
    store.close()
    store = start(folder, ring=alone(rings[1]))
    commit(store, restore(drops_of(store, file)[0], "new"))
    assert store.read(NEW) == before
    store.close()


@pytest.mark.parametrize("rings", [[None, FIRST], [FIRST, SECOND]])
def test_a_group_that_is_dropped_before_it_was_rewritten_comes_back(folder: Path, rings: list[KeyRing | None]) -> None:
    fill(folder, rings[0])
    store = start(folder, ring=rings[1])
    commit(store, DropGroup(CREDS.group))
    rewrite(store)
    store.close()
    store = start(folder, ring=alone(rings[1]))
    assert len(store.drops()) == 4
    commit(store, restore(drops_of(store, OLD)[0], "new"))
    assert store.read(NEW) == creds(1, 3)
    store.close()


def test_a_drop_that_is_brought_back_to_where_something_was_rewritten_is_rewritten_too(folder: Path) -> None:
    fill(folder, FIRST)
    store = start(folder, ring=FIRST)
    drop(store, CREDS)
    create(store, CREDS)
    commit(store, write(CREDS, creds(5)))
    store.close()
    store = start(folder, ring=SECOND)
    commit(store, write(CREDS, creds(6)))  # which adopts it
    store.checkpoint()
    rewriting = store._parts.rewriting
    store.on_repair(lambda batch: commit(store, batch))
    rewriting.begin()
    old = drops_of(store, CREDS)[0]
    while not rewriting.progress.done:
        rewriting.go_on(0.0)
        store.checkpoint()
    drop(store, CREDS)
    commit(store, restore(old, CREDS.instance))
    rewrite(store)
    assert_whole_without_the_older_key(folder, store)


def test_a_drop_that_is_brought_back_as_all_is_found_rewritten_is_not_overlooked(folder: Path) -> None:
    fill(folder, FIRST)
    store = start(folder, ring=SECOND)
    commit(store, *(write(file, creds(2)) for file in (CREDS, SUPPORT, LONG)))  # which adopts them
    drop(store, OLD)
    store.checkpoint()
    rewriting, old = store._parts.rewriting, drops_of(store, OLD)[0]
    rewriting.begin()
    while rewriting.progress.done < 3:  # all but the drop, which comes last
        rewriting.go_on(0.0)
        store.checkpoint()
    renamed = Places.sync_above

    def go_on() -> None:
        for _ in range(20):
            rewriting.go_on(0.0)

    def slow(places: Places, *paths: str) -> None:
        renamed(places, *paths)
        if paths[0].startswith(places.group_path(OLD.group)):  # it is in its new place, and nobody knows of it yet
            other = Thread(target=go_on)
            other.start()
            other.join(0.5)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Places, "sync_above", slow)
        commit(store, restore(old, "new"))
    store = start_as_told(folder, store)
    assert store.read(NEW) == creds(1, 3)
    store.close()


def test_a_group_that_could_not_be_listed_is_not_left_behind(folder: Path) -> None:
    fill(folder, FIRST)
    listed = Places.folders
    with pytest.MonkeyPatch.context() as patch:

        def folders(places: Places, path: str) -> list[str]:
            if path == places.group_path(CREDS.group):
                raise OSError(errno.EIO, "an error")
            return listed(places, path)

        patch.setattr(Places, "folders", folders)
        store = start(folder, ring=SECOND)
    try_to_rewrite(store)
    store = start_as_told(folder, store)
    assert read_all(store, CREDS, SUPPORT) == [creds(1), creds(1, 2)]
    store.close()


def test_drops_that_could_not_be_listed_are_not_left_behind(folder: Path) -> None:
    fill(folder, FIRST)
    store = start(folder, ring=FIRST)
    drop(store, OLD)
    commit(store, DropGroup(CREDS.group))
    create(store, CREDS)
    store.close()
    listed = Places.folders
    with pytest.MonkeyPatch.context() as patch:

        def folders(places: Places, path: str) -> list[str]:
            if path.startswith(".sessionworker/dropped/"):
                raise OSError(errno.EIO, "an error")
            return listed(places, path)

        patch.setattr(Places, "folders", folders)
        store = start(folder, ring=SECOND)
        try_to_rewrite(store)
    store = start_as_told(folder, store)
    assert len(store.drops()) == 4
    store.close()


@pytest.mark.parametrize("what", ["the group", "a drop"])
def test_a_folder_that_could_not_be_given_its_new_name_is_not_left_behind(folder: Path, what: str) -> None:
    fill(folder, FIRST)
    store = start(folder, ring=FIRST)
    drop(store, OLD)
    store.close()
    respell = Places.respell
    with pytest.MonkeyPatch.context() as patch:

        def fails(places: Places, old: str, new: str) -> None:
            if ("dropped" in old) == (what == "a drop") and ("/" not in old or "dropped" in old):
                raise OSError(errno.ENOSPC, "No space left on device")
            respell(places, old, new)

        patch.setattr(Places, "respell", fails)
        store = start(folder, ring=SECOND)
    try_to_rewrite(store)
    store = start_as_told(folder, store)
    assert read_all(store, CREDS, SUPPORT) == [creds(1), creds(1, 2)]
    assert len(drops_of(store, OLD)) == 1
    store.close()


def test_what_somebody_put_there_plain_is_rewritten_too(folder: Path) -> None:
    fill(folder, FIRST)
    path = sealed_folder(folder, FIRST)
    shutil.rmtree(own_folder(path) / "versions")
    for file in path.iterdir():
        if file.is_file():
            file.unlink()
    (path / CREDS.key).write_bytes(creds(7))
    store = start(folder, ring=PLAIN_TAKEN)
    assert store.read(CREDS) == creds(7)
    rewrite(store)
    store.close()
    store = start(folder, ring=FIRST)
    assert store.read(CREDS) == creds(7)
    store.close()


@pytest.mark.parametrize("other", [SECOND, KeyRing(KEYS[:1], writes_plain=True)], ids=["another key", "plain"])
def test_what_came_from_the_journal_while_another_key_was_the_first_is_rewritten(folder: Path, other: KeyRing) -> None:
    fill(folder, FIRST)
    store = start(folder, ring=FIRST)
    commit(store, write(CREDS, creds(8)), write(KEY, b'"newer"'))
    kill(folder)
    start(folder, ring=other).close()
    again = FIRST_AGAIN if other is SECOND else FIRST
    store = start(folder, ring=again)
    rewrite(store)
    store.close()
    store = start(folder, ring=FIRST)
    assert read_all(store, CREDS, KEY) == [creds(8), b'"newer"']
    store.close()


def test_a_folder_of_an_old_backup_that_came_back_with_its_key_is_told_of_and_rewritten(folder: Path) -> None:
    fill(folder, FIRST)
    path = sealed_folder(folder, FIRST)
    backup = folder.parent / "backup"
    shutil.copytree(path, backup)
    store = start(folder, ring=SECOND)
    rewrite(store)
    store.close()
    ours = sealed_folder(folder, SECOND_ALONE)
    shutil.rmtree(ours)
    shutil.copytree(backup, ours.parent / path.name)
    store = start(folder, ring=SECOND)
    assert store.read(CREDS) == creds(1)
    assert not nothing_else(store)
    rewrite(store)
    assert nothing_else(store)
    assert_whole_without_the_older_key(folder, store)


@pytest.mark.parametrize("name", ["large-0-1", "new-0-1", "../.versions/1795446697263-0.6d4f50e4047f.7"])
def test_no_file_under_way_and_none_that_an_older_version_left_stays_plain(folder: Path, name: str) -> None:
    fill(folder)
    left = own_folder(folder_of(folder)) / name
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b'{"noiseKey": "secret"}')
    store = start(folder, ring=FIRST)
    rewrite(store)
    store.close()
    for path in folder.rglob("*"):
        assert not path.is_file() or b"noiseKey" not in path.read_bytes(), path


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("file", [CREDS, KEY])
def test_of_two_files_of_a_key_the_one_is_taken_that_is_read(
    folder: Path, file: SessionFile, is_reversed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder)
    before = creds(1) if file == CREDS else b'"a value"'
    odd = f"%{ord(file.key[0]):X}{file.key[1:]}"
    (folder_of(folder) / odd).write_bytes(creds(9, 9))
    names = Folder.names
    monkeypatch.setattr(Folder, "names", lambda at: sorted(names(at), reverse=is_reversed))
    store = start(folder, ring=FIRST)
    rewrite(store)
    store.close()
    store = start(folder, ring=FIRST)
    assert store.read(file) == before
    store.close()
    assert len(list(folder.rglob("broken/*"))) == 1
