"""What instances that are set apart hold has its bounds, in memory and in the journal."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sessionworker.errors import NoSpace
from sessionworker.stores.files.limits import Limits
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    creds,
    delete,
    kept,
    read_and_recall,
    refusals,
    write,
)
from tests.defects.faults import disk_of
from tests.files.apart import SUPPORT_KEY, broken, value, with_files
from tests.files.words import (
    SEGMENT,
    folder_of,
    gauge,
    journal_segments,
    start,
    start_after_kill,
    try_checkpoint,
    write_large,
)


def test_its_values_do_not_count_against_the_others(folder: Path) -> None:
    store = with_files(folder, limits=Limits(waiting_bytes=20_000, waiting_files=50))
    commit(store, *(write(CREDS._replace(key=f"k{number}"), value(400)) for number in range(45)))
    with disk_of(folder) as disk, broken(disk):
        try_checkpoint(store)
        assert gauge(store, "unwritten_files") == 0
        assert gauge(store, "unwritten_value_bytes") == 45 * 400
        for number in range(200):
            commit(store, write(SUPPORT_KEY, value(400, number)))
    store.close()
    assert (folder_of(folder, SUPPORT) / KEY.key).read_bytes() == value(400, 199)


def test_when_those_that_are_set_apart_hold_as_much_as_they_may_all_writes_are_refused_but_no_deletion(
    folder: Path,
) -> None:
    store = with_files(folder, limits=Limits(apart_bytes=5000))
    commit(store, write(KEY, value(6000)))
    with disk_of(folder) as disk, broken(disk, errno.ENOSPC):
        try_checkpoint(store)
        assert refusals(store, write(SUPPORT_KEY, b"1"), delete(SUPPORT)) == [NoSpace, None]
        commit(store, delete(KEY))  # which takes the place of what waits
        try_checkpoint(store)
        assert refusals(store, write(SUPPORT_KEY, b"1"), write(KEY, b"1")) == [None, NoSpace]
    store.close()


@pytest.mark.parametrize("other", ["is quiet", "is written to"])
def test_the_journal_does_not_grow_while_it_cannot_follow_though_deletions_go_on(folder: Path, other: str) -> None:
    limits = Limits(checkpoint_bytes=8 * SEGMENT, journal_bytes=32 * SEGMENT)
    store = with_files(folder, limits=limits)
    commit(store, *(write(CREDS._replace(key=f"k{number}"), b'"%d"' % number) for number in range(100)))
    store.checkpoint()
    commit(
        store, write(CREDS, creds(2)), *(write(CREDS._replace(key=f"l{number}"), value(100)) for number in range(20))
    )
    with disk_of(folder) as disk, broken(disk):
        most = 0
        for number in range(100):
            commit(store, delete(CREDS._replace(key=f"k{number}")))
            if other == "is written to":
                commit(store, write(SUPPORT_KEY, value(2000, number)))
            try_checkpoint(store)
            most = max(most, len(journal_segments(folder)))
        assert most <= (12 if other == "is written to" else 5)
        assert gauge(store, "journal_bytes") <= most * SEGMENT
        store = start_after_kill(folder, limits=limits)
        expected = [creds(2), *[value(100)] * 20, *[None] * 100]
        names = ["creds", *(f"l{number}" for number in range(20)), *(f"k{number}" for number in range(100))]
        assert [store.read(CREDS._replace(key=name)) for name in names] == expected
    store.close()
    assert [path.name for path in folder_of(folder).glob("k*")] == []


def test_what_is_written_to_the_journal_once_more_is_whole_after_a_crash(folder: Path) -> None:
    limits = Limits(checkpoint_bytes=4 * SEGMENT)
    store = with_files(folder, limits=limits)
    large = CREDS._replace(key="large")
    write_large(store, large, value(2**20))
    commit(store, *(write(CREDS, creds(number)) for number in range(2, 9)), write(KEY, b'"new"'), delete(OTHER_KEY))
    before = kept(store)
    with disk_of(folder) as disk, broken(disk):
        try_checkpoint(store)
        [first, *_] = journal_segments(folder)
        for number in range(40):
            commit(store, write(SUPPORT_KEY, value(1000, number)))
            if number % 5 == 0:
                try_checkpoint(store)
        assert first not in journal_segments(folder), "nothing was let go: this shows nothing"
        for _ in range(2):
            store = start_after_kill(folder, limits=limits)
            assert kept(store) == before
            assert store.read(large) == value(2**20)
            assert read_and_recall(store, SUPPORT_KEY) == value(1000, 39)
    store.close()
    store = start(folder)
    assert kept(store) == before
    store.close()
