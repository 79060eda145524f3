"""After a move that failed, and may have been done: what is put back is the folder that it was about, and no other."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance, DropGroup, DropInstance
from sessionworker.stores.files.store import FileStore
from tests.contract.words import CREDS, KEY, commit, create, creds, purge, read_all, refusals, write
from tests.defects.calls import Call, about
from tests.defects.faults import disk_of
from tests.files.faults import failing
from tests.files.sketches import leave_files
from tests.files.words import start


def is_undone(call: Call) -> bool:
    """A rename from the worker's own folders to where something was."""
    return call.function == "rename" and call.paths[0].startswith((".sessionworker/dropped/", ".sessionworker/purged/"))


def drop_that_cannot_be_synced_nor_undone(store: FileStore, folder: Path) -> None:
    with (
        disk_of(folder) as disk,
        disk.failing(errno.EIO, about("", "fsync")),
        disk.failing(errno.EIO, is_undone),
    ):
        assert refusals(store, DropGroup("codechat")) == [StoreUnavailable]


@pytest.mark.parametrize("is_empty", [True, False], ids=["empty", "with an instance"])
def test_a_group_that_is_made_again_is_never_taken_for_the_one_before(folder: Path, *, is_empty: bool) -> None:
    store = start(folder, sync=True)
    create(store, KEY)
    if is_empty:
        commit(store, DropInstance("codechat", "sales"))
        commit(store, *map(purge, store.drops()))
    drop_that_cannot_be_synced_nor_undone(store, folder)
    create(store, CREDS)
    commit(store, write(CREDS, creds(2)))
    store.checkpoint()
    commit(store, *map(purge, store.drops()))
    store.drops()
    commit(store, CreateInstance("codechat", "another"))
    assert read_all(store, CREDS) == [creds(2)]
    store.close()
    store = start(folder, sync=True)
    assert read_all(store, CREDS) == [creds(2)]
    store.close()


def test_another_folder_in_the_place_of_the_one_in_doubt_is_not_moved(folder: Path, tmp_path: Path) -> None:
    store = start(folder, sync=True)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)))
    drop_that_cannot_be_synced_nor_undone(store, folder)
    [dropped] = (folder / ".sessionworker" / "dropped").iterdir()
    dropped.rename(tmp_path / "kept")
    leave_files(folder / "codechat" / "somebody", {"creds": creds(7)})
    commit(store, CreateInstance("another", "one"))
    store.drops()
    assert (folder / "codechat" / "somebody" / "creds").read_bytes() == creds(7)
    store.close()


def test_a_list_of_drops_moves_nothing(folder: Path) -> None:
    store = start(folder, sync=True)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)))
    store.checkpoint()
    renames: list[str] = []
    with disk_of(folder) as disk:
        with (
            failing(disk, errno.EIO, about("^codechat/sales$", "rename"), at=1, lasts=False, late=True),
            disk.failing(errno.EIO, about("^codechat/sales$", "lstat"), at=2, lasts=True),
        ):
            assert refusals(store, DropInstance("codechat", "sales")) == [StoreUnavailable]
        with disk.recording() as calls:
            assert store.drops() == []
        renames += [call.function for call in calls if call.function == "rename"]
    assert renames == []
    assert read_all(store, CREDS) == [creds(1)]
    store.close()


@pytest.mark.parametrize("what", ["instance", "group"])
def test_a_folder_that_got_its_own_name_though_that_failed_is_used(folder: Path, what: str) -> None:
    odd = folder / ("codechat/S%C3%A3o" if what == "instance" else "Loja%20A/São")
    leave_files(odd, {"creds": creds(1)})
    file = SessionFile("codechat" if what == "instance" else "Loja A", "São", "creds")
    folder.mkdir(exist_ok=True)
    pattern = "S%C3%A3o$" if what == "instance" else "^Loja%20A$"
    with disk_of(folder) as disk, failing(disk, errno.EIO, about(pattern, "rename"), at=1, lasts=False, late=True):
        store = start(folder)
        refusals(store, write(file._replace(key="k"), b"1"))
    commit(store, write(file._replace(key="k"), b"2"))
    assert read_all(store, file, file._replace(key="k")) == [creds(1), b"2"]
    store.close()


def test_what_was_purged_and_is_in_doubt_is_emptied_all_the_same(folder: Path) -> None:
    store = start(folder, sync=True)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)))
    store.checkpoint()
    commit(store, DropInstance("codechat", "sales"))
    [dropped] = store.drops()
    with (
        disk_of(folder) as disk,
        disk.failing(errno.EIO, about("", "fsync")),
        disk.failing(errno.EIO, lambda call: is_undone(call) and "purged" in call.paths[0]),
    ):
        assert refusals(store, purge(dropped)) == [StoreUnavailable]
    store.checkpoint()
    assert not list((folder / ".sessionworker" / "purged").rglob("creds"))
    store.close()
    shutil.rmtree(folder)
