"""Faults of the journal: what it did not take is refused and leaves nothing, and all goes on when they are over."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sessionworker.errors import NoSpace, StoreUnavailable, WorkerError
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropInstance, Probe
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    changes,
    commit,
    create,
    creds,
    delete,
    read_all,
    refusals,
    versions,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.faults import failing
from tests.files.words import (
    JOURNAL,
    SEGMENT,
    SEGMENTS,
    count_of,
    gauge,
    journal_segments,
    kill,
    start,
    start_after_kill,
)

ERRORS = [(errno.ENOSPC, NoSpace), (errno.EDQUOT, NoSpace), (errno.EIO, StoreUnavailable)]


@pytest.mark.parametrize(("error", "refusal"), ERRORS, ids=["ENOSPC", "EDQUOT", "EIO"])
@pytest.mark.parametrize("late", [False, True], ids=["nothing written", "all written"])
@pytest.mark.parametrize("sync", [True, False], ids=["fsync=always", "fsync=never"])
def test_a_write_that_the_journal_does_not_take_is_refused_and_the_next_one_goes_on_without_a_restart(
    folder: Path, reports: list[str], error: int, refusal: type[WorkerError], *, late: bool, sync: bool
) -> None:
    store = start(folder, reports, sync=sync)
    create(store)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"old"'))
    with disk_of(folder) as disk, failing(disk, error, about(SEGMENTS, "pwritev"), late=late):
        for _ in range(3):
            assert refusals(store, write(CREDS, creds(2)), write(KEY, b'"new"')) == [refusal, refusal]
            assert read_all(store, CREDS, KEY) == [creds(1), b'"old"']
    assert count_of(store, "journal_errors") == len(reports) == 3
    commit(store, write(OTHER_KEY, b'"goes on"'), Probe())
    for _ in range(2):
        store = start_after_kill(folder, sync=sync)
        assert read_all(store, CREDS, KEY, OTHER_KEY) == [creds(1), b'"old"', b'"goes on"']
        assert len(versions(store)) == 1
    store.close()


@pytest.mark.parametrize("late", [False, True], ids=["nothing written", "all written"])
def test_each_kind_of_change_is_made_after_a_sync_that_failed(folder: Path, *, late: bool) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)))
    with disk_of(folder) as disk, failing(disk, errno.EIO, about(SEGMENTS, "pwritev"), at=1, late=late):
        assert refusals(store, write(CREDS, creds(2))) == [StoreUnavailable]
    commit(store, delete(CREDS), write(KEY, b"1"), DropInstance("codechat", "support"))
    commit(store, CreateInstance("codechat", "new"), CreateGroup("other"), Probe())
    for opened in (store, start_after_kill(folder)):
        assert opened.groups() == ["codechat", "other"]
        assert opened.instances("codechat") == ["new", "sales"]
        assert read_all(opened, CREDS, KEY) == [None, b"1"]
    start_after_kill(folder).close()


def test_after_a_sync_that_failed_nothing_more_is_written_to_that_segment(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b"1"))
    [before] = journal_segments(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(SEGMENTS, "pwritev"), at=1):
        assert refusals(store, write(KEY, b"2")) == [StoreUnavailable]
    content = before.read_bytes()
    commit(store, write(KEY, b"3"))
    assert len(journal_segments(folder)) == 2
    assert before.read_bytes() == content
    store.close()


def test_a_record_that_cannot_be_taken_back_does_not_count_when_the_next_one_was_written(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b'"old"'))
    with disk_of(folder) as disk:
        late = failing(disk, errno.EIO, about(SEGMENTS, "pwritev"), at=1, late=True)
        with late, disk.failing(errno.EIO, about(SEGMENTS, "ftruncate")):
            assert refusals(store, write(KEY, b'"refused"')) == [StoreUnavailable]
        commit(store, write(OTHER_KEY, b"1"))
    for _ in range(2):
        store = start_after_kill(folder)
        assert read_all(store, KEY, OTHER_KEY) == [b'"old"', b"1"]
    store.close()


def short(real: Callable[..., int], *, fails_at: int = 0) -> Callable[..., int]:
    """Return a `pwritev` that writes at most 100 bytes at a time, and may fail once."""
    calls = count(1)

    def pwritev(handle: int, buffers: list[bytes], *rest: int) -> int:
        if next(calls) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, [b"".join(map(bytes, buffers))[:100]], *rest)

    return pwritev


@pytest.mark.parametrize("fails_at", range(1, 8))
def test_a_record_that_is_cut_short_is_finished_or_undone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    store = start(folder)
    create(store)
    real: Any = os.pwritev
    monkeypatch.setattr(os, "pwritev", short(real))
    commit(store, write(KEY, b"1" * 500))
    monkeypatch.setattr(os, "pwritev", short(real, fails_at=fails_at))
    assert refusals(store, write(KEY, b"2" * 500)) == [NoSpace]
    commit(store, write(OTHER_KEY, b"3" * 1000))
    monkeypatch.undo()
    store = start_after_kill(folder)
    assert read_all(store, KEY, OTHER_KEY) == [b"1" * 500, b"3" * 1000]
    store.close()


@pytest.mark.parametrize(
    ("error", "refusal", "function"),
    [
        (*pair, function)
        for pair in ERRORS
        for function in ("open", "posix_fallocate", "pwritev", "fsync", "rename")
        if (pair[0], function) != (errno.EIO, "posix_fallocate")  # not every file system can: then it goes on without
    ],
)
def test_when_no_segment_can_be_begun_writes_are_refused_until_one_can(
    folder: Path, error: int, refusal: type[WorkerError], function: str
) -> None:
    store = start(folder, sync=True)
    create(store)
    commit(store, write(CREDS, creds(1)))
    with disk_of(folder) as disk, disk.failing(error, about(JOURNAL, function)):
        outcomes = [refusals(store, write(KEY, b'"%0*d"' % (SEGMENT // 2, number))) for number in range(12)]
        assert outcomes[-1] == [refusal]
        assert {outcome for [outcome] in outcomes} <= {None, refusal}
        assert read_all(store, CREDS) == [creds(1)]
    if refusal is NoSpace:
        store.checkpoint()  # it is asked whether there is room again, which costs too much to do it each time
    commit(store, write(OTHER_KEY, b"1"))
    store = start_after_kill(folder, sync=True)
    assert read_all(store, CREDS, OTHER_KEY) == [creds(1), b"1"]
    store.close()


def test_in_one_commit_only_what_needs_no_room_is_made_when_there_is_none(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(KEY, b"1"), write(OTHER_KEY, b"2"), write(SUPPORT, creds(1)))
    both = changes(delete(OTHER_KEY).changes[0], write(OTHER_KEY, b"3").changes[0])
    full = b'"%b"' % (b"x" * SEGMENT)
    with disk_of(folder) as disk, disk.full():
        outcomes = refusals(store, write(KEY, full), delete(KEY), both, delete(SUPPORT), write(SUPPORT, creds(2)))
    assert outcomes == [NoSpace, None, NoSpace, None, NoSpace]
    for opened in (store, start_after_kill(folder)):
        assert read_all(opened, KEY, OTHER_KEY, SUPPORT) == [None, b"2", None]
    start_after_kill(folder).close()


def test_what_the_journal_cannot_let_go_of_is_said_once_and_let_go_of_later(folder: Path, reports: list[str]) -> None:
    store = start(folder, reports)
    create(store)
    lets_go = re.compile(SEGMENTS).search
    with (
        disk_of(folder) as disk,
        disk.failing(errno.EIO, lambda call: call.function in {"rename", "unlink"} and bool(lets_go(call.paths[0]))),
    ):
        for number in range(4):
            commit(store, write(KEY, b"%d" % number))
            with pytest.raises(StoreUnavailable):
                store.checkpoint()
    assert len(reports) == 1
    assert "could not be let go" in reports[0]
    assert gauge(store, "journal_bytes") > 0
    commit(store, write(KEY, b"5"))
    store.checkpoint()
    assert gauge(store, "journal_bytes") == 0
    assert journal_segments(folder) == []
    store.close()


def test_what_was_reported_of_the_journal_is_true_after_any_number_of_failures(folder: Path) -> None:
    store = start(folder)
    create(store)
    with disk_of(folder) as disk:
        for number in range(1, 40):
            with disk.failing(errno.EIO, about(JOURNAL), at=number % 13 + 1):
                store.commit([write(KEY, b'"%0*d"' % (number * 37, number))])
                store.commit([write(OTHER_KEY, b"%d" % number)])
            assert gauge(store, "journal_bytes") >= 0
    expected = read_all(store, KEY, OTHER_KEY)
    store.checkpoint()
    assert gauge(store, "journal_bytes") == 0
    kill(folder)
    store = start(folder)
    assert read_all(store, KEY, OTHER_KEY) == expected
    store.close()
