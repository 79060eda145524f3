"""What a store says of its keys, and of rewriting, is true."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sessionworker.stores.changes import Batch, DropGroup
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.saving import Saving
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.files.tally import Tally
from tests.contract.words import CREDS, SUPPORT, commit, create, creds, write
from tests.files.sealed import FIRST, fill, nothing_else, rewrite
from tests.files.words import contents, start, start_after_kill, try_checkpoint


def test_a_new_store_without_a_key_says_that_it_is_plain(folder: Path) -> None:
    assert start(folder).encryption().plain
    assert start_after_kill(folder).encryption().plain


def test_a_new_store_with_a_key_says_that_nothing_in_it_is_plain(folder: Path) -> None:
    assert not start(folder, ring=FIRST).encryption().plain


def mixed(folder: Path, said: list[str]) -> tuple[FileStore, list[Batch]]:
    """A store that was plain before, is to be rewritten, and asks for batches that nobody has committed yet."""
    store = start(folder)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)))
    store.close()
    store = start_after_kill(folder, said, ring=FIRST)
    said.clear()
    asked: list[Batch] = []
    store.on_repair(asked.append)
    store.rewrite(is_wanted=True)
    return store, asked


def test_rewriting_waits_for_what_it_asked_for_and_tells_nobody_that_it_is_stuck(folder: Path) -> None:
    said: list[str] = []
    store, asked = mixed(folder, said)
    store._parts.rewriting.go_on(10.0)
    store._parts.rewriting.go_on(10.0)
    assert store.encryption().is_rewriting
    assert said == []
    commit(store, *asked)
    store._parts.rewriting.go_on(10.0)
    store.checkpoint()
    store._parts.rewriting.go_on(10.0)
    assert said == [f"All that is stored is encrypted with the key {FIRST.keys[0].name}."]


def test_rewriting_that_nothing_helps_ends_and_says_what_is_left(folder: Path) -> None:
    said: list[str] = []
    store, _ = mixed(folder, said)
    for _ in range(100):
        store._parts.rewriting.go_on(10.0)
    assert not store.encryption().is_rewriting
    assert [text for text in said if "could not be rewritten" in text] == said != []


def test_one_instance_whose_files_do_not_follow_holds_up_no_other_and_is_named(folder: Path) -> None:
    fill(folder)
    said: list[str] = []
    store = start(folder, said, ring=FIRST)
    store.on_repair(lambda batch: commit(store, batch))
    with pytest.MonkeyPatch.context() as patch:
        save = Saving.save

        def fails(saving: Saving, instance: Instance, at: Folder) -> Tally | None:
            if instance.name == SUPPORT.instance:
                raise OSError(errno.EIO, "an error of the disk")
            return save(saving, instance, at)

        patch.setattr(Saving, "save", fails)
        commit(store, write(SUPPORT, creds(2)))
        try_checkpoint(store)
        store.rewrite(is_wanted=True)
        for _ in range(100):
            store._parts.rewriting.go_on(10.0)
        found = store.encryption()
    assert (found.is_rewriting, found.done, found.instances) == (False, 3, 4)
    assert [text for text in said if "'support'" in text and "could not be rewritten" in text]
    rewrite(store)
    assert nothing_else(store)


def holds_plain(folder: Path) -> bool:
    """Whether plain creds are in any file of a store."""
    return any(b"noiseKey" in data for data in contents(folder).values())


def test_a_store_whose_journal_held_something_plain_once_is_not_new(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS)
    for number in range(20):
        commit(store, write(CREDS, creds(number)))
        store.checkpoint()
    commit(store, DropGroup(CREDS.group))
    commit(store, *store.drops_before(2**50))
    for _ in range(3):
        store.checkpoint()
    store.close()
    assert holds_plain(folder)
    store = start(folder, ring=FIRST)
    assert store.encryption().plain
    rewrite(store)
    assert nothing_else(store)
    store.close()
    assert not holds_plain(folder)


def test_a_new_store_at_the_root_of_a_volume_has_nothing_to_rewrite(folder: Path) -> None:
    (folder / "lost+found").mkdir(parents=True)
    assert not start(folder, ring=FIRST).encryption().plain
