"""What is believed of the journal where a folder cannot be looked at: whose values it holds, never that it is there."""

from __future__ import annotations

import errno
import shutil
from functools import partial
from pathlib import Path

from sessionworker.errors import StoreUnavailable
from sessionworker.stores.changes import DropInstance
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.interface import UNKNOWN
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    create,
    creds,
    read_all,
    refusals,
    restore,
    versions,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.unseen import (
    ACKNOWLEDGED,
    NEW_KEY,
    NEW_NAME,
    drop_named,
    killed_in_a_drop,
    started_without,
)
from tests.files.words import (
    DROPPED,
    SEGMENTS,
    count_of,
    folder_of,
    id_of,
    own_folder,
    start_after_kill,
    tried,
    try_checkpoint,
    with_values_in_the_journal,
)

# Taken at the journal's word


def test_a_new_instance_of_the_name_does_not_answer_with_what_was_dropped(folder: Path) -> None:
    limits = Limits(checkpoint_bytes=0)
    store = with_values_in_the_journal(folder)
    of_the_other = versions(store)[0].version
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([DropInstance("codechat", "sales")])
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(DROPPED + ".*sales", "open")):
        store = start_after_kill(folder, limits=limits)
        create(store)
        commit(store, write(CREDS, creds(9, 9)), write(KEY, b"9"))
        for _ in range(3):
            try_checkpoint(store)
    store = started_without(folder, "^codechat/sales$", "open", limits=limits)
    assert tried(lambda: store.read_version("codechat", "sales", of_the_other)) is StoreUnavailable
    for file in (CREDS, KEY):
        assert store.recall(file) is UNKNOWN
        assert tried(partial(store.read, file)) is StoreUnavailable
    assert refusals(store, write(KEY, b"10")) == [StoreUnavailable]
    assert refusals(store, restore(drop_named(store, "sales"), "new name")) == [StoreUnavailable]
    store = start_after_kill(folder, limits=limits)
    commit(store, restore(drop_named(store, "sales"), "new name"))
    assert read_all(store, CREDS, KEY, NEW_NAME, NEW_KEY) == [creds(9, 9), b"9", *ACKNOWLEDGED]


def test_nobody_is_made_of_a_name_in_the_journal_alone(folder: Path) -> None:
    killed_in_a_drop(folder)
    store = start_after_kill(folder)
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([restore(drop_named(store, "sales"), "new name")])
    store = started_without(folder, "^codechat(/|$)", "open", "scandir")
    assert tried(lambda: store.read(NEW_KEY)) is StoreUnavailable
    assert tried(lambda: store.check_creds("codechat", "sales")) is StoreUnavailable
    assert refusals(store, write(NEW_KEY._replace(key=OTHER_KEY.key), b"1")) == [StoreUnavailable]
    try_checkpoint(store)
    store = start_after_kill(folder)
    assert store.instances("codechat") == ["new name", "support"]
    assert read_all(store, NEW_NAME, NEW_KEY) == ACKNOWLEDGED
    assert count_of(store, "instances_lost") == 0


def test_one_that_was_only_unreadable_answers_as_soon_as_it_can_be_read(folder: Path) -> None:
    with_values_in_the_journal(folder)
    store = started_without(folder, "^codechat/sales$", "open")
    assert store.recall(CREDS) is UNKNOWN  # nobody has seen yet that it is this one
    assert len(versions(store)) == 2
    assert read_all(store, CREDS, KEY) == ACKNOWLEDGED
    commit(store, write(CREDS, creds(3)))
    store.close()
    assert (folder_of(folder) / "creds").read_bytes() == creds(3)


# Folders that somebody put together


def test_a_folder_with_two_ids_is_given_neither(folder: Path) -> None:
    store = with_values_in_the_journal(folder)
    one, two = folder_of(folder), folder_of(folder, SUPPORT)
    commit(store, write(SUPPORT._replace(key="pre-key-7"), b"7"))
    (own_folder(two) / f"id-{id_of(two)}").rename(own_folder(one) / f"id-{id_of(two)}")
    shutil.rmtree(two)
    one.rename(folder_of(folder, NEW_NAME))
    store = started_without(folder, "^codechat/new name$", "open")
    assert tried(lambda: store.read(NEW_KEY)) is StoreUnavailable
    assert refusals(store, write(NEW_KEY, b"9")) == [StoreUnavailable]


def test_of_two_copies_neither_answers_before_it_is_known_which_one_it_is(folder: Path) -> None:
    with_values_in_the_journal(folder)
    folder_of(folder).rename(folder_of(folder, NEW_NAME))
    shutil.copytree(folder_of(folder, NEW_NAME), folder / "codechat" / "a copy")
    store = started_without(folder, "^codechat/(new name|a copy)$", "open")
    for file in (NEW_KEY, NEW_KEY._replace(instance="a copy")):
        assert tried(partial(store.read, file)) is StoreUnavailable
        assert refusals(store, write(file, b"9")) == [StoreUnavailable]
