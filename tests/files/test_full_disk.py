"""On a full disk what is stored is read, and what frees room is done, with the room that the worker keeps for that."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sessionworker.errors import NoSpace
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance, DropGroup, DropInstance, Probe
from sessionworker.stores.files.limits import Limits
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    create,
    creds,
    delete,
    drop,
    drops_of,
    kept,
    purge,
    read_all,
    refusals,
    restore,
    write,
)
from tests.defects.faults import disk_of
from tests.files.faults import full
from tests.files.filling import BIG, NEEDING_ROOM, SEGMENT, journal_bytes, key, start, start_after_kill
from tests.files.words import (
    QUICK,
    gauge,
    maintained,
    own_folder,
    session_files,
    try_checkpoint,
    wait_for,
)


@pytest.mark.parametrize("is_started", [False, True], ids=["it filled up", "it was full at the start"])
def test_what_is_stored_is_read_and_what_needs_room_is_refused_in_words(folder: Path, *, is_started: bool) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"old"'), write(SUPPORT, creds(1, 2)))
    dropped = drop(store, SUPPORT)
    if is_started:
        store.close()
    with disk_of(folder) as disk, full(disk):
        if is_started:
            store = start(folder)
        for _ in range(2):
            for _ in range(3):  # what is left of the journal's room may take some
                store.commit([write(KEY, BIG)])
            for entry in NEEDING_ROOM:
                assert refusals(store, entry) == [NoSpace], entry
            try_checkpoint(store)
        assert read_all(store, CREDS, OTHER_KEY) == [creds(1), None]
        assert store.read(KEY) in {b'"old"', BIG}
        store.check_creds("codechat", "sales")
        assert drops_of(store, SUPPORT) == [dropped]
        with pytest.raises(NoSpace):
            store.check()
        commit(store, restore(dropped))
        assert read_all(store, SUPPORT) == [creds(1, 2)]
    store.check()
    store.close()


def test_when_there_is_room_again_everything_goes_on_without_a_restart(folder: Path, reports: list[str]) -> None:
    store = start(folder, reports, limits=QUICK)
    create(store, CREDS, SUPPORT)
    with disk_of(folder) as disk, maintained(store):
        with full(disk):
            commit(store, write(KEY, b'"to be saved"'), write(SUPPORT, creds(1)))
            wait_for(lambda: gauge(store, "instances_apart") == 2, "they are set apart")
            wait_for(lambda: store.commit([write(CREDS, creds(1))]) != [None], "a write is refused")
        for change in (write(CREDS, creds(2)), write(KEY, BIG), CreateInstance("codechat", "new"), Probe()):
            wait_for(lambda: store.commit([change]) == [None], "it is accepted")  # noqa: B023 - it is asked at once
        store.checkpoint()
        assert [line for line in reports if "again" in line]
    assert session_files(folder) == {
        "codechat/sales/creds": creds(2),
        f"codechat/sales/{KEY.key}": BIG,
        "codechat/support/creds": creds(1),
    }


def test_when_there_is_room_again_a_store_in_which_nothing_waits_goes_on_too(folder: Path) -> None:
    store = start(folder)
    create(store)
    store.close()
    with disk_of(folder) as disk, full(disk):
        store = start(folder)
        for _ in range(3):
            assert refusals(store, write(KEY, b"1")) == [NoSpace]
            try_checkpoint(store)
    for _ in range(3):
        store.checkpoint()
    assert refusals(store, write(KEY, b"1")) == [None]
    store.close()


def test_the_disk_is_not_asked_for_another_segment_with_each_write_that_is_refused(folder: Path) -> None:
    store = start(folder)
    create(store)
    store.close()
    with disk_of(folder) as disk, full(disk):
        store = start(folder)
        with disk.recording() as calls:
            for _ in range(20):
                assert refusals(store, write(KEY, b"1")) == [NoSpace]
        assert len([call for call in calls if call.function == "posix_fallocate"]) <= 1
    store.close()


def test_deletions_are_taken_and_done_however_many_there_are(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, *(write(key(number), b'"%0*d"' % (200, number)) for number in range(300)))
    store.checkpoint()
    with disk_of(folder) as disk, full(disk):
        for number in range(300):
            commit(store, delete(key(number)))
            if number % 50 == 49:
                store.checkpoint()
                assert len(session_files(folder)) == 299 - number
    assert session_files(folder) == {}
    store.close()


def test_deletions_beside_writes_that_are_set_apart_make_room_for_them(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, *(write(key(number), b'"%d"' % number) for number in range(100)), write(SUPPORT, creds(1)))
    store.checkpoint()
    commit(store, write(CREDS, creds(1)), write(SUPPORT, creds(2)), write(key(1), b'"new"'))
    with disk_of(folder) as disk, full(disk):
        try_checkpoint(store)
        assert gauge(store, "instances_apart") == 2
        commit(store, *(delete(key(number)) for number in range(2, 100)))
        try_checkpoint(store)
        assert len(session_files(folder)) in {3, 4}  # they are removed first, so the others can be saved
    store.checkpoint()
    assert gauge(store, "instances_apart") == 0
    store.close()
    assert session_files(folder) == {
        "codechat/sales/creds": creds(1),
        "codechat/sales/k0": b'"0"',
        "codechat/sales/k1": b'"new"',
        "codechat/support/creds": creds(2),
    }


def test_what_was_deleted_last_makes_room_for_what_was_written_first(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, *(write(SUPPORT._replace(key=f"k{number}"), b"1") for number in range(10)))
    store.checkpoint()
    with disk_of(folder) as disk, full(disk):
        commit(store, write(KEY, b"1"))
        commit(store, *(delete(SUPPORT._replace(key=f"k{number}")) for number in range(10)))
        store.checkpoint()
        assert session_files(folder) == {f"codechat/sales/{KEY.key}": b"1"}
    store.close()


@pytest.mark.parametrize("is_saved", [True, False], ids=["saved", "not saved"])
def test_drops_and_purges_are_done_and_free_their_room(folder: Path, *, is_saved: bool) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT, SessionFile("other", "one", "creds"))
    commit(store, write(CREDS, creds(1)), write(KEY, b"1"), write(SUPPORT, creds(1, 2)))
    if is_saved:
        store.checkpoint()
    before = kept(store)
    with disk_of(folder) as disk, full(disk):
        for _ in range(3):
            store.commit([write(OTHER_KEY, BIG)])
        commit(store, DropInstance("codechat", "sales"), DropGroup("other"), DropGroup("codechat"))
        assert store.groups() == []
        assert sorted(one.instance for one in store.drops()) == ["one", "sales", "support"]
        commit(store, *(purge(one) for one in store.drops() if one.instance != "sales"))
        try_checkpoint(store)
        assert list((own_folder(folder) / "purged").glob("*/creds")) == []
        again = start_after_kill(folder)
        [dropped] = again.drops()
    store = start_after_kill(folder)
    commit(store, restore(dropped))
    assert kept(store).values[:2] == before.values[:2]
    assert kept(store).versions == before.versions
    store.close()


def test_while_values_of_instances_that_are_set_apart_wait_the_disk_takes_no_more_than_the_bounds(folder: Path) -> None:
    limits = Limits(checkpoint_bytes=8 * SEGMENT, journal_bytes=16 * SEGMENT, apart_bytes=4 * SEGMENT)
    store = start(folder, limits=limits)
    create(store, CREDS, SUPPORT)
    with disk_of(folder) as disk, disk.failing(errno.ENOSPC, lambda call: "/.sessionworker/new-" in call.paths[0]):
        for number in range(300):
            store.commit([write(CREDS, creds(number)), write(SUPPORT, creds(number, 2))])
            if number % 10 == 9:
                try_checkpoint(store)
        assert journal_bytes(folder) < limits.journal_bytes + 8 * SEGMENT
        expected = read_all(store, CREDS, SUPPORT)
    store.checkpoint()
    assert read_all(store, CREDS, SUPPORT) == expected
    store.close()


def test_an_instance_with_long_names_can_be_dropped_which_takes_folders(folder: Path) -> None:
    long = SessionFile("g" * 120, "i" * 120, "creds")
    store = start(folder)
    create(store, long)
    commit(store, write(long, creds(1)))
    store.checkpoint()
    with disk_of(folder) as disk, full(disk):
        dropped = drop(store, long)
        commit(store, purge(dropped))
        store.checkpoint()
        create(store, long)
    store.close()
