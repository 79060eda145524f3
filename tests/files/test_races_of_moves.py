"""Restores and purges beside reads and checkpoints, each stopped anywhere: an instance's values go with it."""

from __future__ import annotations

import errno
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.stores.changes import DropInstance
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    kept,
    purge,
    read_all,
    restore,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.defects.threads import Stopped as StoppedAtDisk
from tests.files.stops import Overtaking, Stopped
from tests.files.words import contents, count_of, gauge, own_folder, start, start_after_kill, tried, with_an_old_value

pytestmark = pytest.mark.usefixtures("telling_locks")

BACK = CREDS._replace(instance="back")


# Brought back while it is saved


@pytest.mark.parametrize("name", ["sales", "back"])
def test_a_restore_of_what_a_checkpoint_saves_meanwhile_brings_back_all_of_it(quick_folder: Path, name: str) -> None:
    file = CREDS._replace(instance=name)
    store = start(quick_folder)
    for number in count(1):
        with_an_old_value(store, number)
        commit(store, write(CREDS, creds(2, number)), write(KEY, b'"new"'))
        if number % 2:
            commit(store, restore(drop(store)))
        checkpoint = Stopped(store.checkpoint, number)
        restoring = Overtaking(partial(drop_and_restore, store, name))
        checkpoint.result()
        restoring.result()
        for _ in range(2):
            assert kept(store, file).values == [creds(2, number), b'"new"', None], checkpoint.where
            assert kept(store, file).versions == [creds(2, number), creds(1, number)], checkpoint.where
            store.checkpoint()
        commit(store, write(file, creds(3, number)))
        assert read_all(store, file, KEY._replace(instance=name)) == [creds(3, number), b'"new"'], checkpoint.where
        assert store.drops() == []
        commit(store, purge(drop(store, file)))
        if not checkpoint.stops:
            break
    assert number > 100
    store.close()


def test_a_restore_of_what_a_checkpoint_saves_meanwhile_is_whole_after_a_kill(quick_folder: Path) -> None:
    for number in count(1, 3):
        folder = quick_folder / str(number)
        store = start(folder)
        create(store)
        commit(store, write(CREDS, creds(1)), write(KEY, b'"new"'))
        checkpoint = Stopped(store.checkpoint, number)
        restoring = Overtaking(partial(drop_and_restore, store, "back"))
        checkpoint.result()
        restoring.result()
        store = start_after_kill(folder)
        assert kept(store, BACK).values == [creds(1), b'"new"', None], checkpoint.where
        assert kept(store, BACK).versions == [creds(1)], checkpoint.where
        assert store.drops() == []
        store.close()
        if not checkpoint.stops:
            break
    assert number > 100


def drop_and_restore(store: FileStore, name: str) -> None:
    commit(store, DropInstance("codechat", "sales"))
    [dropped] = store.drops()
    commit(store, restore(dropped, name))


# Purged while it is saved


def drop_and_purge(store: FileStore) -> None:
    commit(store, DropInstance("codechat", "sales"))
    [dropped] = store.drops()
    commit(store, purge(dropped))


def test_a_purge_of_what_a_checkpoint_saves_meanwhile_leaves_nothing_and_holds_nothing_up(quick_folder: Path) -> None:
    store = start(quick_folder)
    for number in count(1):
        with_an_old_value(store, number)
        create(store, SUPPORT)
        commit(store, write(CREDS, creds(2, number)), write(KEY, b'"new"'), write(SUPPORT, creds(number, 2)))
        checkpoint = Stopped(store.checkpoint, number)
        purging = Overtaking(partial(drop_and_purge, store))
        checkpoint.result()
        purging.result()
        store.checkpoint()
        store.checkpoint()
        assert store.drops() == []
        assert contents(own_folder(quick_folder) / "dropped") == {}
        assert list((own_folder(quick_folder) / "purged").iterdir()) == [], checkpoint.where
        assert gauge(store, "unwritten_value_bytes") == gauge(store, "unwritten_files") == 0, checkpoint.where
        assert gauge(store, "instances_apart") == 0, checkpoint.where
        assert read_all(store, SUPPORT) == [creds(number, 2)]
        if not checkpoint.stops:
            break
    assert number > 100
    assert count_of(store, "checkpoint_errors") == 0
    again = start_after_kill(quick_folder)
    assert count_of(again, "instances_lost") == 0
    again.close()


def test_a_purge_of_what_a_checkpoint_fails_to_save_meanwhile_holds_nothing_up(folder: Path) -> None:
    store = start(folder)
    with_an_old_value(store, 1)
    commit(store, write(CREDS, creds(2, 1)), write(KEY, b'"new"'))
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("/new-", "write")):
        checkpoint = StoppedAtDisk(store.checkpoint, disk, about("/new-", "open"))
        drop_and_purge(store)
        checkpoint.result()
    assert (
        gauge(store, "instances_apart") == gauge(store, "unwritten_value_bytes") == gauge(store, "unwritten_files") == 0
    )
    store.checkpoint()
    assert list((own_folder(folder) / "purged").iterdir()) == []
    store.close()


@pytest.mark.parametrize("overtaken", ["checkpoint", "read"])
def test_no_name_of_an_instance_that_is_gone_is_counted_whatever_overtook_its_purge(
    quick_folder: Path, overtaken: str
) -> None:
    problems: list[str] = []
    for number in count(1):
        folder = quick_folder / str(number)
        store = start(folder)
        create(store)
        commit(store, write(KEY, b'"old"'))
        store.close()
        store = start(folder)  # which does not know its names yet
        commit(store, write(KEY, b'"new"'))
        other = KEY._replace(key="other")
        call = store.checkpoint if overtaken == "checkpoint" else partial(tried, partial(store.read, other))
        stopped = Stopped(call, number)
        purging = Overtaking(partial(drop_and_purge, store))
        stopped.result()
        purging.result()
        store.checkpoint()
        if gauge(store, "cached_key_names") != 0:
            problems.append(stopped.where)
        store.close()
        if not stopped.stops:
            break
    assert number > 50
    assert problems == []


# Large values that are written meanwhile


def test_a_large_value_that_is_written_while_its_instance_is_dropped_is_there_when_it_was_acknowledged(
    quick_folder: Path,
) -> None:
    store = start(quick_folder, limits=Limits(large_value=1000))
    value = b'"%b"' % (b"x" * 1000)
    for number in count(1):
        with_an_old_value(store, number)
        preparing = Stopped(partial(tried, partial(store.prepare, write(KEY, value))), number)
        dropping = Overtaking(partial(drop, store))
        batch = preparing.result()
        dropped = dropping.result()
        if number % 2:
            commit(store, restore(dropped))
        outcome = store.commit([batch]) if not isinstance(batch, type) else [StoreUnavailable()]
        if not number % 2:
            assert outcome != [None]
            commit(store, restore(dropped))
        assert store.read(KEY) == (value if outcome == [None] else b'"old"'), preparing.where
        store.checkpoint()
        assert store.read(KEY) == (value if outcome == [None] else b'"old"'), preparing.where
        assert list(quick_folder.rglob("large-*")) == []
        commit(store, purge(drop(store)))
        if not preparing.stops:
            break
    assert number > 30
    store.close()
