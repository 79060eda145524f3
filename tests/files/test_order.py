"""What is durable before what: data before its name, a name before it counts, and all of it before the journal goes."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessionworker.disk import sync_file_system
from sessionworker.errors import StoreUnavailable
from sessionworker.stores.changes import CreateGroup, DropGroup, DropInstance
from sessionworker.stores.files import folder as folder_module
from sessionworker.stores.files.limits import Limits
from tests.contract.words import CREDS, KEY, SUPPORT, commit, create, creds, delete, drop, purge, restore, write
from tests.defects.faults import disk_of
from tests.files.words import gauge, session_files, start

GROUP, INSTANCE = "^codechat$", "^codechat/sales$"
NEW, KEY_FILE = r"^codechat/sales/\.sessionworker/new-", f"^codechat/sales/{re.escape(KEY.key)}$"
VERSION = r"^codechat/sales/\.sessionworker/versions/"
SEGMENT_FILE = r"^\.sessionworker/journal/\d+\.segment$"
DROPPED = r"^\.sessionworker/dropped(/[^/]*)*$"


def calls_of(folder: Path, action: Callable[[], object]) -> list[tuple[str, ...]]:
    """The calls of the disk that something makes: each function with the paths that it is about."""
    with disk_of(folder) as disk, disk.recording() as calls:
        action()
    return [(call.function, *call.paths) for call in calls]


def assert_order(calls: list[tuple[str, ...]], *expected: tuple[str, ...]) -> None:
    """See that there are such calls, in that order; paths are patterns."""
    left = iter(calls)
    for wanted in expected:
        for function, *paths in left:
            patterns = wanted[1:]
            if function == wanted[0] and all(map(re.search, patterns, paths)) and len(paths) >= len(patterns):
                break
        else:
            raise AssertionError(f"{wanted} is missing, or comes too early")


def test_a_commit_is_in_the_journal_before_it_returns_and_in_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags: list[int] = []
    real: Any = os.pwritev

    def pwritev(handle: int, buffers: list[bytes], offset: int, given: int) -> int:
        flags.append(given)
        written: int = real(handle, buffers, offset, given)
        return written

    store = start(folder, sync=True)
    create(store)
    commit(store, write(CREDS, creds(1)))
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwritev", pwritev)
        calls = calls_of(folder, lambda: commit(store, write(KEY, b"1")))
    assert [call[0] for call in calls] == ["pwritev"]
    assert flags == [os.RWF_DSYNC]
    store.close()


def test_a_file_is_synced_before_it_takes_its_name_and_that_before_the_journal_is_let_go(folder: Path) -> None:
    store = start(folder, sync=True)
    create(store)
    commit(store, write(KEY, b"1"), write(CREDS, creds(1)))
    calls = calls_of(folder, store.checkpoint)
    assert_order(calls, ("fdatasync", NEW), ("rename", NEW, KEY_FILE), ("fsync", INSTANCE), ("rename", SEGMENT_FILE))
    assert_order(calls, ("fdatasync", NEW), ("rename", NEW, VERSION), ("fsync", VERSION[:-1]), ("rename", SEGMENT_FILE))
    assert_order(calls, ("rename", SEGMENT_FILE), ("fsync", r"^\.sessionworker/journal$"))
    store.close()


def test_versions_of_creds_are_durable_before_newer_creds_take_the_place_of_those(folder: Path) -> None:
    store = start(folder, sync=True)
    create(store)
    commit(store, write(CREDS, creds(1)))
    calls = calls_of(folder, store.checkpoint)
    assert_order(calls, ("fsync", VERSION[:-1]), ("rename", NEW, "^codechat/sales/creds$"), ("fsync", INSTANCE))
    store.close()


def test_that_a_file_is_gone_is_durable_before_the_journal_is_let_go(folder: Path) -> None:
    store = start(folder, sync=True)
    create(store)
    commit(store, write(KEY, b"1"))
    store.checkpoint()
    commit(store, delete(KEY))
    calls = calls_of(folder, store.checkpoint)
    assert_order(calls, ("unlink", KEY_FILE), ("fsync", INSTANCE), ("rename", SEGMENT_FILE))
    store.close()


def test_many_files_are_synced_with_one_sync_of_the_file_system_before_any_takes_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, bytes]] = []

    def sync(handle: int) -> None:
        seen.append(session_files(folder))
        sync_file_system(handle)

    monkeypatch.setattr(folder_module, "sync_file_system", sync)
    store = start(folder, sync=True, limits=Limits(files_at_once=100))
    create(store)
    commit(store, *(write(CREDS._replace(key=f"k{number}"), b"%d" % number) for number in range(250)))
    calls = calls_of(folder, store.checkpoint)
    assert [len(files) for files in seen] == [0, 100]  # and the last 50 are synced one by one
    # The record was larger than a segment, so that is not used again.
    assert_order(calls, ("rename", NEW, "^codechat/sales/k"), ("fsync", INSTANCE), ("unlink", SEGMENT_FILE))
    assert len([call for call in calls if call[0] == "fdatasync"]) == 50
    store.close()


def test_of_many_files_none_takes_its_name_where_the_file_system_could_not_be_synced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    store = start(folder, sync=True)
    create(store)
    commit(store, *(write(CREDS._replace(key=f"k{number}"), b"%d" % number) for number in range(100)))
    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "sync_file_system", fail)
        with pytest.raises(StoreUnavailable):
            store.checkpoint()
    assert session_files(folder) == {}
    assert list(folder.rglob("new-*")) == []
    assert gauge(store, "instances_apart") == 1
    store.checkpoint()
    assert len(session_files(folder)) == 100
    store.close()


def test_a_large_value_and_its_name_are_durable_before_they_are_committed(folder: Path) -> None:
    large = r"^codechat/sales/\.sessionworker/large-"
    store = start(folder, sync=True, limits=Limits(large_value=100))
    create(store)
    batch = write(KEY, b'"%b"' % (b"x" * 100))
    calls = calls_of(folder, lambda: commit(store, store.prepare(batch)))
    assert_order(
        calls, ("fdatasync", large), ("fsync", r"^codechat/sales/\.sessionworker$"), ("pwritev", SEGMENT_FILE[:-1])
    )
    calls = calls_of(folder, store.checkpoint)
    assert_order(calls, ("rename", large, KEY_FILE), ("fsync", INSTANCE), ("rename", SEGMENT_FILE))
    store.close()


def test_each_move_is_durable_when_it_is_acknowledged(folder: Path) -> None:
    store = start(folder, sync=True)
    calls = calls_of(folder, lambda: commit(store, CreateGroup("codechat")))
    assert_order(calls, ("mkdir", GROUP), ("fsync", "^$"))
    calls = calls_of(folder, lambda: create(store, CREDS, SUPPORT))
    made = r"^\.sessionworker/new/[0-9a-f]*"
    assert_order(
        calls, ("open", f"{made}/.sessionworker/id-"), ("fsync", made), ("rename", made, INSTANCE), ("fsync", GROUP)
    )
    commit(store, write(CREDS, creds(1)), write(SUPPORT, creds(1)))
    calls = calls_of(folder, lambda: commit(store, DropInstance("codechat", "sales")))
    assert_order(calls, ("rename", INSTANCE, DROPPED), ("fsync", DROPPED))
    assert_order(calls, ("rename", INSTANCE, DROPPED), ("fsync", GROUP))
    [dropped] = store.drops()
    calls = calls_of(folder, lambda: commit(store, restore(dropped)))
    assert_order(calls, ("rename", DROPPED, INSTANCE), ("fsync", GROUP))
    assert_order(calls, ("rename", DROPPED, INSTANCE), ("fsync", DROPPED))
    dropped = drop(store)
    calls = calls_of(folder, lambda: commit(store, purge(dropped)))
    assert_order(calls, ("rename", DROPPED, r"^\.sessionworker/purged/"), ("fsync", DROPPED))
    assert_order(calls, ("rename", DROPPED, r"^\.sessionworker/purged/"), ("fsync", r"^\.sessionworker/purged$"))
    calls = calls_of(folder, lambda: commit(store, DropGroup("codechat")))
    assert_order(calls, ("rename", GROUP, DROPPED), ("fsync", DROPPED))
    assert_order(calls, ("rename", GROUP, DROPPED), ("fsync", "^$"))
    store.close()


def test_what_was_purged_is_forgotten_only_when_the_journal_holds_nothing_of_it(folder: Path) -> None:
    store = start(folder, sync=True)
    create(store)
    commit(store, write(CREDS, creds(1)))
    commit(store, purge(drop(store)))
    calls = calls_of(folder, store.checkpoint)
    purged = r"^\.sessionworker/purged/"
    assert_order(
        calls, ("unlink", purged), ("rename", SEGMENT_FILE), ("fsync", r"journal$"), ("rmdir", f"{purged}[^/]*$")
    )
    store.close()


def test_without_syncing_nothing_is_synced(folder: Path) -> None:
    store = start(folder, sync=False)

    def live() -> None:
        create(store, CREDS, SUPPORT)
        commit(store, write(CREDS, creds(1)), write(KEY, b"1"), store.prepare(write(KEY, b'"%b"' % (b"x" * 2**20))))
        store.checkpoint()
        commit(store, purge(drop(store)))
        store.checkpoint()
        store.close()

    assert not {call[0] for call in calls_of(folder, live)} & {"fsync", "fdatasync"}
