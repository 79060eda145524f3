"""An instance takes the place of another, and the worker is killed, or its disk fails, at each call in between."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.stores.changes import DropInstance
from sessionworker.stores.seal import KeyRing
from tests.contract.words import (
    CREDS,
    KEY,
    commit,
    creds,
    read_all,
    refusals,
    replace,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import Crash, disk_of
from tests.files.faults import failing
from tests.files.replacing import FILES, NEW, OLD, REPLACING, WAITING, look, look_and_go_on, prepare, roots
from tests.files.sealed import FIRST, SECOND
from tests.files.words import start, start_after_kill


@pytest.mark.parametrize(
    ("ring", "next_ring"),
    [(None, None), (FIRST, FIRST), (FIRST, SECOND), (None, FIRST)],
    ids=["plain", "sealed", "another key", "sealed from then on"],
)
@pytest.mark.parametrize(
    ("is_settled", "late"), [(False, False), (True, True)], ids=["in the journal, before it", "in files, behind it"]
)
def test_whichever_call_is_the_last_one_of_the_two_has_the_place_after_a_start(
    quick_folder: Path, ring: KeyRing | None, next_ring: KeyRing | None, *, is_settled: bool, late: bool
) -> None:
    seen = []
    for number, root in roots(quick_folder):
        store, dropped = prepare(root, is_settled=is_settled, ring=ring)
        outcome = None
        with disk_of(root) as disk, failing(disk, Crash(), at=number, lasts=True, late=late) as fault, suppress(Crash):
            outcome = store.commit([replace(dropped, "sales")])
        store = start_after_kill(root, ring=next_ring)
        seen.append(look_and_go_on(store, root, next_ring))
        if not fault.hits:
            assert outcome == [None]
            break
    assert len(seen) > 8
    assert seen == ["old"] * seen.count("old") + ["new"] * seen.count("new")  # in one step
    assert min(seen.count("old"), seen.count("new")) > 3


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("late", [False, True], ids=["before it", "behind it"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["goes on", "is killed"])
def test_whichever_call_fails_one_of_the_two_has_the_place(
    quick_folder: Path, *, lasts: bool, late: bool, is_killed: bool
) -> None:
    for number, root in roots(quick_folder):
        store, dropped = prepare(root)
        with disk_of(root) as disk:
            with failing(disk, errno.EIO, at=number, lasts=lasts, late=late) as fault:
                outcome = refusals(store, replace(dropped, "sales"))
                names = store.instances("codechat")
            if outcome != [None]:
                assert outcome == [StoreUnavailable], fault.where
            assert names == ["sales"], fault.where
        store = start_after_kill(root) if is_killed else store
        if outcome == [None]:
            assert look(store) == "new"
        look_and_go_on(store, root)
        if not fault.hits:
            return


@pytest.mark.parametrize("is_killed", [False, True], ids=["goes on", "is killed"])
def test_what_was_written_after_a_replacement_was_taken_back_is_there(folder: Path, *, is_killed: bool) -> None:
    store, dropped = prepare(folder)
    commit(store, write(KEY, b'"old"'))  # so that the journal needs no sync of its folder
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat$", "fsync")):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
        assert refusals(store, write(CREDS, creds(3))) == [StoreUnavailable]
        assert read_all(store, *FILES) == OLD
    commit(store, write(CREDS, creds(4)))
    store = start_after_kill(folder) if is_killed else store
    assert read_all(store, *FILES) == [creds(4), *OLD[1:]]
    commit(store, replace(dropped, "sales"))
    assert read_all(store, *FILES) == NEW
    store.close()


def test_what_cannot_be_moved_to_the_place_nor_back_is_no_instance_less(folder: Path) -> None:
    store, dropped = prepare(folder)
    with (
        disk_of(folder) as disk,
        disk.failing(errno.EIO, lambda call: call.function == "rename" and call.paths[1] == "codechat/sales") as fault,
    ):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
        assert fault.hits == 2
        assert store.instances("codechat") == ["sales"]
        assert [one.instance for one in store.drops()] == ["support"]
        assert read_all(store, CREDS, WAITING) == [creds(2), b'"waits"']
        with pytest.raises(StoreUnavailable):
            store.versions("codechat", "sales")  # nobody is told that there is nothing
        assert not (folder / "codechat" / "sales").exists()
    assert store.versions("codechat", "sales")
    assert look_and_go_on(store, folder) == "old"


def test_a_kill_there_has_the_new_one_in_the_place_and_that_is_told(folder: Path) -> None:
    store, dropped = prepare(folder)
    with (
        disk_of(folder) as disk,
        disk.failing(errno.EIO, lambda call: call.function == "rename" and call.paths[1] == "codechat/sales"),
    ):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
    store = start_after_kill(folder)
    told = [(event.event, event.instance) for event in store.events(0)]
    assert told[-3:-1] == [("instance_dropped", "sales"), ("instance_restored", "support")]
    assert look_and_go_on(store, folder) == "new"


def test_what_is_written_down_of_one_that_was_taken_back_never_makes_it(folder: Path) -> None:
    store, dropped = prepare(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat$", "fsync")):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
    assert (folder / REPLACING).exists()
    commit(store, DropInstance("codechat", "sales"))
    store = start_after_kill(folder)
    assert store.instances("codechat") == []
    assert sorted(one.instance for one in store.drops()) == ["sales", "support"]
    assert not (folder / REPLACING).exists()
    store.close()


@pytest.mark.parametrize("written", [b"", b"\0" * 60, b"codechat/sales", b"a/b\0c/d\0e/f", b"\xff" * 70_000])
def test_a_start_survives_whatever_is_written_down(folder: Path, written: bytes) -> None:
    store, _ = prepare(folder)
    store.close()
    (folder / REPLACING).write_bytes(written)
    store = start(folder)
    assert look_and_go_on(store, folder) == "old"


def test_what_is_written_down_is_told_apart_from_what_somebody_did_by_hand(folder: Path) -> None:
    """One that was moved away by hand is not replaced at the next start by what would have come once."""
    store, dropped = prepare(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat$", "fsync")):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
    store.close()
    assert (folder / REPLACING).exists()
    (folder / "codechat" / "sales").rename(folder.parent / "elsewhere")
    store = start(folder)
    assert store.instances("codechat") == []
    assert [one.instance for one in store.drops()] == ["support"]
    store.close()
