"""What happens to one instance, or to one group, refuses nothing to the others."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance, DropGroup, DropInstance, Entry
from tests.contract.words import commit, create, creds, drop, purge, read_all, refusals, restore, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import start, try_checkpoint

BAD, GOOD = SessionFile("bad", "one", "creds"), SessionFile("good", "one", "creds")


def all_kinds(other: SessionFile) -> list[Callable[[], Entry]]:
    """A change of each kind that is made in a group, one after the other."""
    return [
        lambda: write(other, creds(2)),
        lambda: CreateInstance(other.group, "new"),
        lambda: write(other._replace(instance="new"), creds(1)),
        lambda: DropInstance(other.group, "new"),
        lambda: CreateInstance("another", "new"),
        lambda: DropGroup("another"),
    ]


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES], ids=["EIO", "EACCES"])
@pytest.mark.parametrize("failed", [DropInstance("bad", "one"), CreateInstance("bad", "new")], ids=["drop", "create"])
def test_a_group_s_folder_that_cannot_be_synced_stops_no_move_in_another_group(
    folder: Path, error: int, failed: Entry
) -> None:
    store = start(folder, sync=True)
    create(store, BAD, GOOD)
    commit(store, write(BAD, creds(1)), write(GOOD, creds(1)))
    store.close()
    store = start(folder, sync=True)
    with disk_of(folder) as disk, disk.failing(error, about("^bad$", "open", "fsync")):
        assert refusals(store, failed) == [StoreUnavailable]
        for change in all_kinds(GOOD):
            assert refusals(store, change()) == [None], change()
        try_checkpoint(store)
        commit(store, restore(drop(store, GOOD), "back"))
        commit(store, purge(drop(store, GOOD._replace(instance="back"))))
    assert read_all(store, BAD) == [creds(1)]
    commit(store, write(BAD, creds(2)))
    store.close()


def test_an_instance_s_folder_that_cannot_be_read_stops_no_move_beside_it(folder: Path) -> None:
    store = start(folder, sync=True)
    neighbour = BAD._replace(instance="neighbour")
    create(store, BAD, neighbour)
    commit(store, write(BAD, creds(1)), write(neighbour, creds(1)))
    store.close()
    store = start(folder, sync=True)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^bad/one(/|$)")):
        assert refusals(store, write(BAD, creds(2)), DropInstance("bad", "one")) == [StoreUnavailable] * 2
        for change in all_kinds(neighbour):
            assert refusals(store, change()) == [None], change()
        store.checkpoint()
    commit(store, write(BAD, creds(2)))
    store.close()
