"""What is written down for the next start alone stops no start, no checkpoint and no write, whatever becomes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable, WorkerError
from sessionworker.stores.changes import DropGroup
from tests.contract.words import KEY, commit, create, refusals, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.holding import OFTEN, SIZE, filled, holds
from tests.files.words import error_of, own_folder, start


def put_file(path: Path, value: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(value)


def put_sparse(path: Path, size: int) -> None:
    put_file(path, b"[")
    os.truncate(path, size)


@pytest.mark.parametrize("name", ["events", "summary"])
@pytest.mark.parametrize("kind", ["deep", "deep in an object", "sparse", "a folder", "a link", "zeros"])
def test_whatever_stands_in_their_place_the_store_starts_and_takes_writes(folder: Path, name: str, kind: str) -> None:
    store = filled(folder)
    store.close()
    path = own_folder(folder) / name
    path.unlink(missing_ok=True)
    match kind:
        case "deep":
            put_file(path, b"[" * 100_000)
        case "deep in an object":
            put_file(path, b'[{"x":' + b"[" * 100_000)
        case "sparse":
            put_sparse(path, 2**38)
        case "a folder":
            path.mkdir()
        case "a link":
            path.symlink_to("nowhere")
        case "zeros":
            put_file(path, bytes(1000))
    store = start(folder, limits=OFTEN)
    commit(store, write(KEY, b"1"))
    assert error_of(store.checkpoint, WorkerError) is None
    assert holds(store) == (2, SIZE + 1)
    store.close()


@pytest.mark.parametrize(
    "tally",
    [
        b"[1,1,1,1,1,[1]]",
        b"[%d,%d,-5,1,1,[0,0,0,0,0,0,0,0,0,0,0,-5]]",
        b"[%d,%d,1,-1,1,[0,0,0,0,0,0,0,0,0,0,0,1]]",
        b"[%d,%d,7,1,1,[0,0,0,0,0,0,0,0,0,0,0,1]]",
        b"[%d,%d,1,1,1,[0,0,0,0,0,0,0,0,0,0,0,0,1]]",
        b"[%d,%d,2.5,1,1,[0,0,0,0,0,0,0,0,0,0,0,1]]",
    ],
)
def test_numbers_that_no_folder_can_have_are_not_believed(folder: Path, tally: bytes) -> None:
    store = filled(folder)
    store.close()
    path = own_folder(folder) / "summary"
    status = (folder / "codechat" / "sales").stat()
    odd = tally % (status.st_mtime_ns, status.st_ino) if b"%d" in tally else tally
    head = path.read_bytes().split(b"\n")[0] if path.exists() else b""
    path.write_bytes(head + b'\n[["codechat/sales",' + odd + b"]]")
    store = start(folder)
    assert holds(store) == (2, SIZE + 5)
    assert store.overview().instances == 2
    store.close()


def test_a_name_that_is_no_utf_8_is_told_and_written_down(folder: Path) -> None:
    store = start(folder, limits=OFTEN)
    odd = os.fsencode(own_folder(folder) / "dropped") + b"/\xff\xfe"
    Path(os.fsdecode(odd)).mkdir()
    with disk_of(folder) as disk, disk.failing(13, about(r"dropped/\udcff"), lasts=True):
        assert store.drops() == []
    [event] = store.events(-1)
    assert event.event == "drops_unreadable"
    event.message.encode()
    assert error_of(store.checkpoint, WorkerError) is None
    store.check()
    store.close()
    assert b"drops_unreadable" in (own_folder(folder) / "events").read_bytes()


def test_a_group_that_could_be_dropped_in_part_alone_leaves_an_event_of_that(folder: Path) -> None:
    store = start(folder)
    create(store)
    (folder / "code%63hat").mkdir()  # another spelling of the group's name
    (folder / "code%63hat" / "other").mkdir()
    store.close()
    store = start(folder)
    with disk_of(folder) as disk, disk.failing(5, about("^code", "rename"), at=2, lasts=True):
        assert refusals(store, DropGroup("codechat", by="10.0.0.5")) == [StoreUnavailable]
    assert [(event.event, event.by) for event in store.events(-1) if event.event != "catalogue_failed"] == [
        ("group_dropped", "10.0.0.5")
    ]
    store.close()
