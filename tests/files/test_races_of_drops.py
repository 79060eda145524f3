"""Drops beside reads and checkpoints, stopped anywhere: the old instance keeps all, and the new one has nothing."""

from __future__ import annotations

from functools import partial
from itertools import count
from pathlib import Path

import pytest

from sessionworker.errors import NoSuchInstance, StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance, DropGroup, DropInstance, Entry
from tests.contract.words import (
    CREDS,
    KEY,
    commit,
    creds,
    kept,
    purge,
    read_all,
    restore,
    write,
)
from tests.files.stops import Overtaking, Stopped
from tests.files.words import count_of, gauge, start, tried, with_an_old_value

pytestmark = pytest.mark.usefixtures("telling_locks")

BACK = CREDS._replace(instance="back")


MAKE_AGAIN: dict[str, tuple[Entry, ...]] = {
    "instance": (DropInstance("codechat", "sales"), CreateInstance("codechat", "sales")),
    "group": (DropGroup("codechat"), CreateInstance("codechat", "sales")),
}


@pytest.mark.parametrize("what", MAKE_AGAIN)
@pytest.mark.parametrize("file", [CREDS, KEY], ids=["creds", "a key"])
def test_a_read_that_is_overtaken_anywhere_by_a_drop_shows_nothing_of_the_old_instance_later(
    quick_folder: Path, file: SessionFile, what: str
) -> None:
    store = start(quick_folder)
    for number in count(1):
        with_an_old_value(store, number)
        if number % 2:
            store._parts.copies.keep(store._catalogue.find(*file[:2]), file.key, None)  # so that the disk is asked
        read = Stopped(partial(tried, partial(store.read, file)), number)
        commit(store, *MAKE_AGAIN[what])
        assert read.result() in {creds(1, number), b'"old"', NoSuchInstance, None}, read.where
        for _ in range(2):
            assert read_all(store, CREDS, KEY) == [None, None], read.where
            store.checkpoint()
        commit(store, DropInstance("codechat", "sales"))
        if not read.stops:
            break
    assert number > 20
    assert gauge(store, "unwritten_value_bytes") == gauge(store, "unwritten_files") == 0
    store.close()


@pytest.mark.parametrize(
    ("file", "is_purged"),
    [
        pytest.param(CREDS, False, id="creds, dropped"),
        pytest.param(KEY, False, id="a key, dropped"),
        pytest.param(CREDS, True, id="creds, dropped and erased"),
    ],
)
def test_a_read_that_is_overtaken_anywhere_by_a_drop_alone_never_says_that_the_key_held_nothing(
    quick_folder: Path, file: SessionFile, *, is_purged: bool
) -> None:
    store = start(quick_folder)
    for number in count(1):
        with_an_old_value(store, number)
        store._parts.copies.keep(store._catalogue.find(*file[:2]), file.key, None)  # so that the disk is asked
        read = Stopped(partial(tried, partial(store.read, file)), number)
        commit(store, DropInstance("codechat", "sales"))
        if is_purged:
            commit(store, *map(purge, store.drops()))
            store.checkpoint()  # which erases it
        assert read.result() in {creds(1, number), b'"old"', NoSuchInstance, StoreUnavailable}, read.where
        if not read.stops:
            break
    assert number > 20
    store.close()


@pytest.mark.parametrize("what", MAKE_AGAIN)
def test_a_drop_that_is_overtaken_anywhere_by_reads_shows_the_old_instance_or_none(
    quick_folder: Path, what: str
) -> None:
    store = start(quick_folder)
    for number in count(1):
        with_an_old_value(store, number)
        commit(store, write(KEY, b'"new"'))
        making = Stopped(partial(commit, store, *MAKE_AGAIN[what]), number)
        reads = [Overtaking(partial(tried, partial(store.read, file))) for file in (CREDS, KEY)]
        checks = Overtaking(partial(tried, partial(store.check_creds, "codechat", "sales")))
        making.result()
        found = [read.result() for read in reads]
        # Its names are known one after the other, so one may be of the old instance and the other of the new one.
        assert found[0] in {creds(1, number), None, NoSuchInstance} or isinstance(found[0], type), making.where
        assert found[1] in {b'"new"', None} or isinstance(found[1], type), making.where
        assert StoreUnavailable not in [*found, checks.result()], making.where
        commit(store, *map(purge, store.drops()))
        assert read_all(store, CREDS, KEY) == [None, None], making.where
        commit(store, DropInstance("codechat", "sales"))
        if not making.stops:
            break
    assert number > 20
    store.close()


def test_a_checkpoint_that_is_overtaken_anywhere_by_a_drop_gives_the_old_instance_all_and_the_new_one_nothing(
    quick_folder: Path,
) -> None:
    store = start(quick_folder)
    for number in count(1):
        with_an_old_value(store, number)
        commit(store, write(CREDS, creds(2, number)), write(KEY, b'"new"'))
        checkpoint = Stopped(store.checkpoint, number)
        making = Overtaking(partial(commit, store, *MAKE_AGAIN["instance"], write(CREDS, creds(7, 7))))
        checkpoint.result()
        making.result()
        for _ in range(2):
            assert read_all(store, CREDS, KEY) == [creds(7, 7), None], checkpoint.where
            store.checkpoint()
        dropped = store.drops()[0]
        commit(store, restore(dropped, "back"))
        assert kept(store, BACK).values == [creds(2, number), b'"new"', None], checkpoint.where
        assert kept(store, BACK).versions == [creds(2, number), creds(1, number)], checkpoint.where
        commit(store, DropInstance("codechat", "back"), DropInstance("codechat", "sales"))
        commit(store, *map(purge, store.drops()))
        if not checkpoint.stops:
            break
    assert number > 100
    assert count_of(store, "checkpoint_errors") == 0
    store.close()
