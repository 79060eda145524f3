"""What the journal says of where a folder lies is a hint, and never believed: another may lie there by now."""

from __future__ import annotations

import errno
import shutil
from functools import partial
from pathlib import Path

import pytest

from sessionworker.errors import NoSuchInstance, StoreUnavailable
from sessionworker.stores.changes import DropGroup, DropInstance
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
    drop,
    purge,
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
    killed_in_a_restore,
    started_without,
)
from tests.files.words import (
    DROPPED,
    SEGMENTS,
    count_of,
    folder_of,
    id_file_of,
    own_folder,
    start_after_kill,
    tried,
    try_checkpoint,
    with_values_in_the_journal,
)

# Another one in the place that the journal names


def test_a_new_instance_of_the_name_has_values_of_its_own(folder: Path) -> None:
    limits = Limits(checkpoint_bytes=0)
    killed_in_a_drop(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(DROPPED + ".*sales", "open")):
        store = start_after_kill(folder, limits=limits)
        create(store)
        commit(store, write(CREDS, creds(9, 9)), write(KEY, b"9"))
        for _ in range(3):
            try_checkpoint(store)
    store = started_without(folder, "^codechat/sales$", "open", limits=limits)
    assert read_all(store, CREDS, KEY) == [creds(9, 9), b"9"]
    assert refusals(store, write(KEY, b"10")) == [None]
    assert refusals(store, restore(drop_named(store, "sales"), "new name")) == [StoreUnavailable]
    store = start_after_kill(folder, limits=limits)
    commit(store, restore(drop_named(store, "sales"), "new name"))
    assert read_all(store, CREDS, KEY, NEW_NAME, NEW_KEY) == [creds(9, 9), b"10", *ACKNOWLEDGED]


@pytest.mark.parametrize("end", ["kill", "close"])
def test_what_is_dropped_and_erased_of_a_new_one_is_its_own(folder: Path, end: str) -> None:
    killed_in_a_drop(folder)
    [dropped] = start_after_kill(folder).drops()
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(DROPPED + ".*sales", "open")):
        store = start_after_kill(folder)
        create(store)
        commit(store, write(CREDS, creds(9, 9)))
        try_checkpoint(store)
    store = started_without(folder, "^codechat/sales$", "open")
    commit(store, DropGroup("codechat"))
    [newer] = [one for one in store.drops() if one.instance == "sales" and one.drop != dropped.drop]
    commit(store, purge(newer))
    try_checkpoint(store)
    if end == "close":
        store.close()
    store = start_after_kill(folder)
    commit(store, restore(dropped, "new name"))
    assert read_all(store, NEW_NAME, NEW_KEY) == ACKNOWLEDGED


def test_a_drop_that_is_asked_for_again_erases_nothing(folder: Path) -> None:
    killed_in_a_drop(folder)
    store = started_without(folder, "^codechat(/|$)", "open", "scandir")
    commit(store, DropInstance("codechat", "sales"))
    assert store.instances("codechat") == ["support"]
    create(store)
    commit(store, DropGroup("codechat"))
    store = start_after_kill(folder)
    oldest = min((one for one in store.drops() if one.instance == "sales"), key=lambda one: one.when)
    commit(store, restore(oldest, "new name"))
    assert read_all(store, NEW_NAME, NEW_KEY) == ACKNOWLEDGED


def test_nobody_is_made_of_a_name_in_the_journal_alone(folder: Path) -> None:
    killed_in_a_drop(folder)
    store = start_after_kill(folder)
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([restore(drop_named(store, "sales"), "new name")])
    store = started_without(folder, "^codechat(/|$)", "open", "scandir")
    assert store.instances("codechat") == ["new name", "support"]
    assert tried(partial(store.read, NEW_KEY)) is StoreUnavailable
    assert tried(partial(store.check_creds, "codechat", "sales")) is NoSuchInstance
    assert refusals(store, write(NEW_KEY._replace(key=OTHER_KEY.key), b"1")) == [StoreUnavailable]
    try_checkpoint(store)
    store = start_after_kill(folder)
    assert store.instances("codechat") == ["new name", "support"]
    assert read_all(store, NEW_NAME, NEW_KEY) == ACKNOWLEDGED
    assert count_of(store, "instances_lost") == 0


@pytest.mark.parametrize("times", range(1, 5))
def test_two_that_exchanged_their_places_are_not_taken_for_one(folder: Path, times: int) -> None:
    store = with_values_in_the_journal(folder)
    commit(store, write(OTHER_KEY, b"1"))
    other = drop(store)
    create(store)
    commit(store, write(CREDS, creds(9, 9)), write(KEY, b"9"))
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(SEGMENTS, "pwritev")):  # so neither move is noted
        commit(store, DropInstance("codechat", "sales"))
        commit(store, restore(other))
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat/sales$", "open"), at=times):
        store = start_after_kill(folder)
        for file in (CREDS, KEY, OTHER_KEY):
            assert tried(partial(store.read, file)) in (StoreUnavailable, creds(2), b'"new"', b"1")
        try_checkpoint(store)
    store = start_after_kill(folder)
    assert read_all(store, CREDS, KEY, OTHER_KEY) == [*ACKNOWLEDGED, b"1"]
    newest = max((one for one in store.drops() if one.instance == "sales"), key=lambda one: one.when)
    commit(store, restore(newest, "new name"))
    assert read_all(store, NEW_NAME, NEW_KEY, NEW_KEY._replace(key=OTHER_KEY.key)) == [creds(9, 9), b"9", None]


def test_one_that_was_only_unreadable_is_refused_until_the_next_start(folder: Path) -> None:
    with_values_in_the_journal(folder)
    store = started_without(folder, "^codechat/sales$", "open")
    assert store.recall(CREDS) is UNKNOWN
    assert tried(partial(versions, store)) is StoreUnavailable
    assert refusals(store, write(CREDS, creds(3))) == [StoreUnavailable]
    store = start_after_kill(folder)
    assert read_all(store, CREDS, KEY) == ACKNOWLEDGED
    assert len(versions(store)) == 2


# Folders that somebody put together


@pytest.mark.parametrize("is_readable", [True, False])
def test_a_folder_with_two_ids_is_given_what_is_of_neither(folder: Path, *, is_readable: bool) -> None:
    store = with_values_in_the_journal(folder)
    one, two = folder_of(folder), folder_of(folder, SUPPORT)
    commit(store, write(SUPPORT._replace(key="pre-key-7"), b"7"))
    id_file_of(two).rename(own_folder(one) / id_file_of(two).name)
    shutil.rmtree(two)
    one.rename(folder_of(folder, NEW_NAME))
    store = start_after_kill(folder) if is_readable else started_without(folder, "^codechat/new name$", "open")
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


def test_a_copy_is_given_nothing_while_the_original_cannot_be_looked_at(folder: Path) -> None:
    store = with_values_in_the_journal(folder)
    shutil.copytree(folder_of(folder), folder / "codechat" / "a copy")
    dropped = drop(store)
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([restore(dropped, "new name")])
    store = started_without(folder, "^codechat/new name$", "open")
    for file in (NEW_KEY, NEW_KEY._replace(instance="a copy")):
        assert tried(partial(store.read, file)) is StoreUnavailable
        assert refusals(store, write(file, b"9")) == [StoreUnavailable]


def test_what_nobody_was_given_holds_up_nobody_however_much_it_is(folder: Path) -> None:
    limits = Limits(checkpoint_bytes=0, apart_bytes=300)
    store = start_after_kill(folder, limits=limits)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"%b"' % (b"x" * 1000)))
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([DropInstance("codechat", "sales")])
    store = started_without(folder, DROPPED + ".*sales", "open", limits=limits)
    for number in range(3):
        try_checkpoint(store)
        assert refusals(store, write(SUPPORT, creds(number, 2))) == [None]


def test_one_that_was_moved_answers_whatever_else_cannot_be_looked_at(folder: Path) -> None:
    killed_in_a_restore(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat/support$", "open")):
        store = start_after_kill(folder)
        assert read_all(store, NEW_NAME, NEW_KEY) == ACKNOWLEDGED
        assert refusals(store, write(NEW_KEY, b"9")) == [None]
        assert tried(partial(store.read, SUPPORT)) is StoreUnavailable
    store = start_after_kill(folder)
    assert read_all(store, NEW_NAME, NEW_KEY, SUPPORT) == [creds(2), b"9", creds(2, 2)]
