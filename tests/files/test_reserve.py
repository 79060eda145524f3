"""The room that the worker keeps for what frees room: there at the start, used, and filled again."""

from __future__ import annotations

import errno
from pathlib import Path
from threading import Thread

import pytest

from sessionworker.errors import NoSpace
from sessionworker.stores.files.adopting import Adopting
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.spares import Spares
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    commit,
    create,
    creds,
    delete,
    read_all,
    refusals,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.faults import full
from tests.files.filling import SEGMENT, journal_bytes, ready_segments, start, start_after_kill
from tests.files.sketches import leave_files
from tests.files.words import (
    folder_of,
    own_folder,
    session_files,
    try_checkpoint,
)


def test_a_deletion_from_a_folder_of_session_manager_gets_the_room_that_it_needs(folder: Path) -> None:
    leave_files(folder_of(folder), {"creds": creds(1), "a%20b": b"1", "k": b"2"})
    store = start(folder)
    with disk_of(folder) as disk, full(disk):
        commit(store, delete(CREDS._replace(key="k")))
        store.checkpoint()
    assert set(session_files(folder)) == {"codechat/sales/creds", "codechat/sales/a b"}
    store.close()


def test_what_the_reserve_lends_is_not_filled_again_before_it_was_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_files(folder_of(folder), {"creds": creds(1), "k": b"2"})
    store = start(folder)
    refilling: list[Thread] = []
    lend, adopt = Spares.lend, Adopting.adopt

    def lend_and_refill(spares: Spares) -> bool:
        is_lent = lend(spares)
        refilling.append(Thread(target=try_checkpoint, args=(store,)))
        refilling[-1].start()
        return is_lent

    def adopt_late(adopting: Adopting, instance: Instance) -> None:
        for thread in refilling:
            thread.join(20)
        adopt(adopting, instance)

    monkeypatch.setattr(Spares, "lend", lend_and_refill)
    monkeypatch.setattr(Adopting, "adopt", adopt_late)
    with disk_of(folder) as disk, full(disk):
        commit(store, delete(CREDS._replace(key="k")))
    assert len(refilling) == 1
    store.checkpoint()
    assert ready_segments(folder) >= 2
    assert set(session_files(folder)) == {"codechat/sales/creds"}
    store.close()


def test_the_reserve_is_there_at_the_start_and_again_after_it_was_used(folder: Path) -> None:
    store = start(folder)
    assert journal_bytes(folder) >= 2 * SEGMENT
    create(store)
    files = [CREDS._replace(key=f"{number} {'x' * 190}") for number in range(600)]  # long, to fill the journal soon
    commit(store, *(write(file, b"1") for file in files))
    store.checkpoint()
    with disk_of(folder) as disk:
        with full(disk):
            for file in files:
                commit(store, delete(file))
            assert ready_segments(folder) < 2, "it was not used: this shows nothing"
        store.checkpoint()
        assert ready_segments(folder) >= 2
    store.close()
    assert journal_bytes(folder) == 2 * SEGMENT


@pytest.mark.parametrize("ending", ["kill", "clean", "never was one"])
def test_a_start_without_room_for_the_reserve_says_how_much_is_missing_and_serves_reads(
    folder: Path, reports: list[str], ending: str
) -> None:
    store = start(folder)
    create(store)
    commit(store, write(CREDS, creds(1)))
    if ending != "kill":
        store.close()
    start_after_kill(folder).close() if ending == "never was one" else None
    for path in (own_folder(folder) / "journal").glob("spare-*"):
        path.unlink()
    with disk_of(folder) as disk, full(disk):
        store = start_after_kill(folder, reports)
        [line] = [line for line in reports if "disk is full" in line]
        assert f"{3 * SEGMENT / 2**20:.3g} MiB" in line or f"{2 * SEGMENT / 2**20:.3g} MiB" in line
        assert read_all(store, CREDS, KEY) == [creds(1), None]
        assert refusals(store, write(KEY, b"1")) == [NoSpace]
    store.checkpoint()
    commit(store, write(KEY, b"1"))
    assert read_all(store, CREDS, KEY) == [creds(1), b"1"]
    store.close()


def test_the_reserve_is_whole_again_when_there_is_room_and_until_then_that_is_said(
    folder: Path, reports: list[str]
) -> None:
    store = start(folder, reports)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)), write(KEY, b"1"))
    store.checkpoint()
    with disk_of(folder) as disk, full(disk):
        while store._parts.journal.spares.lend():  # as something does that frees room
            pass
        (folder / "filler").write_bytes(bytes(4 * SEGMENT))  # and somebody else takes it
        try_checkpoint(store)
        try_checkpoint(store)
    assert len([line for line in reports if "reserve could not be filled" in line]) == 1
    (folder / "filler").unlink()
    store.checkpoint()
    assert ready_segments(folder) >= 2
    store.close()


def test_a_deletion_that_there_is_no_reserve_for_is_refused_and_not_made(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)), write(KEY, b"1"))
    journal = about(r"^\.sessionworker/journal/", "pwritev", "rename", "posix_fallocate")
    with disk_of(folder) as disk, disk.failing(errno.ENOSPC, journal):
        assert refusals(store, delete(KEY), write(OTHER_KEY, b"2"), delete(KEY)) == [NoSpace] * 3
        assert read_all(store, KEY, OTHER_KEY) == [b"1", None]
    store = start_after_kill(folder)
    assert read_all(store, KEY, OTHER_KEY) == [b"1", None]
    store.close()
