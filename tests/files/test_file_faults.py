"""Whichever call of the disk fails: what was acknowledged is there, and afterwards everything goes on."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable, WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores.changes import (
    Batch,
    CreateInstance,
    Delete,
    DropInstance,
    Entry,
    PurgeDrop,
    RestoreInstance,
    Write,
)
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    delete,
    drop,
    purge,
    refusals,
    restore,
    write,
)
from tests.defects.calls import FUNCTIONS, WRITING, Wanted, about, anything
from tests.defects.faults import disk_of
from tests.files.faults import failing
from tests.files.words import session_files, start, start_after_kill, try_checkpoint

GONE, LARGE, LATE = (CREDS._replace(key=key) for key in ("gone", "large", "late"))
OLD, PURGED, LEAVING, BACK = (CREDS._replace(instance=name) for name in ("old", "purged", "leaving", "back"))
FRESH = SessionFile("another group", "fresh", "creds")

LIMITS = Limits(large_value=1000)


@dataclass
class Model:
    """What was acknowledged: values by instance and key, and which instances were dropped."""

    live: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    dropped: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    in_doubt: list[Entry] = field(default_factory=list)
    """Moves that were refused, because they could neither be synced nor taken back, or so it may be."""

    def follow(self, entry: Entry) -> None:
        """Make a change, as few words as possible."""
        match entry:
            case Batch(group, instance, changes):
                for change in changes:
                    self.live[group, instance].pop(change.key, None)
                    if isinstance(change, Write):
                        self.live[group, instance][change.key] = change.value
                    assert isinstance(change, Write | Delete)
            case CreateInstance(group, instance):
                self.live.setdefault((group, instance), {})
            case DropInstance(group, instance):
                self.dropped[group, instance] = self.live.pop((group, instance))
            case RestoreInstance(group, instance, _, name):
                self.live[group, name] = self.dropped.pop((group, instance))
            case PurgeDrop(group, instance):
                del self.dropped[group, instance]

    def settle(self, store: FileStore) -> None:
        """Follow those that were made although they were refused."""
        live = {(group, instance) for group in store.groups() for instance in store.instances(group)}
        for entry in self.in_doubt:
            match entry:
                case RestoreInstance(group, _, _, name) if (group, name) in live:
                    self.follow(entry)
                case DropInstance(group, name) if (group, name) not in live:
                    self.follow(entry)
                case PurgeDrop(group, name) if (group, name) not in {
                    (one.group, one.instance) for one in store.drops()
                }:
                    self.follow(entry)
        self.in_doubt.clear()

    def is_held_by(self, store: FileStore) -> None:
        """See that a store holds just that."""
        found = {
            (group, instance): {
                key: store.read(SessionFile(group, instance, key))
                for key in ("creds", KEY.key, "gone", "large", "late")
                if store.read(SessionFile(group, instance, key)) is not None
            }
            for group in store.groups()
            for instance in store.instances(group)
        }
        if FRESH[:2] not in self.live and found.get(FRESH[:2]) == {}:
            del found[FRESH[:2]]  # a creation that was refused may have been made, but nothing is in it
        assert found == self.live
        assert sorted((one.group, one.instance) for one in store.drops()) == sorted(self.dropped)
        for group, instance in self.live:
            store.check_creds(group, instance)


def prepare(folder: Path) -> tuple[FileStore, Model, list[Entry]]:
    """Return a store with some instances that wait for their files, what it holds, and what is done to it next."""
    store = start(folder, sync=True, limits=LIMITS)
    model = Model()

    def do(*entries: Entry) -> None:
        commit(store, *entries)
        for entry in entries:
            model.follow(entry)

    do(*(CreateInstance("codechat", file.instance) for file in (CREDS, SUPPORT, OLD, PURGED, LEAVING)))
    do(write(CREDS, creds(1)), write(KEY, b'"old"'), write(GONE, b"0"), write(SUPPORT, creds(1, 2)))
    do(write(OLD, creds(1, 3)), write(LEAVING, creds(1, 4)), write(PURGED, creds(1, 5)))
    store.checkpoint()
    do(write(CREDS, creds(2)), write(OLD, creds(2, 3)), write(LEAVING, creds(2, 4)), write(PURGED, creds(2, 5)))
    dropped = [drop(store, file) for file in (OLD, PURGED)]
    for file in (OLD, PURGED):
        model.follow(DropInstance("codechat", file.instance))
    return (
        store,
        model,
        [
            write(KEY, b'"new"'),
            delete(GONE),
            restore(dropped[0], "back"),
            write(BACK, creds(3, 3)),
            purge(dropped[1]),
            write(LARGE, b'"%b"' % (b"x" * 1000)),
            write(SUPPORT, creds(2, 2)),
            CreateInstance(FRESH.group, FRESH.instance),
            write(FRESH, creds(1, 6)),
            DropInstance("codechat", "leaving"),
            write(LATE, b'"late"'),
        ],
    )


def act(store: FileStore, model: Model, entries: list[Entry]) -> None:
    """Do it all, each by itself, and note what was acknowledged; a checkpoint is before the drop and at the end."""
    for entry in entries:
        if isinstance(entry, DropInstance):
            try_checkpoint(store)
        with suppress(WorkerError):
            made = store.prepare(entry) if isinstance(entry, Batch) else entry
            if store.commit([made]) == [None]:
                model.follow(entry)
            elif not isinstance(entry, Batch):
                model.in_doubt.append(entry)
    try_checkpoint(store)


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_whichever_call_fails_once_nothing_acknowledged_is_lost_and_all_goes_on(quick_folder: Path, error: int) -> None:
    assert fails_at_each_call(quick_folder, error, anything) > 100


@pytest.mark.parametrize(
    ("error", "functions"),
    [
        (errno.EIO, FUNCTIONS),
        (errno.ENOSPC, [*WRITING, "mkdir"]),
        (errno.EMFILE, ["open", "scandir"]),
    ],
    ids=["EIO", "ENOSPC", "EMFILE"],
)
def test_from_whichever_call_on_they_fail_nothing_acknowledged_is_lost_and_all_goes_on_afterwards(
    quick_folder: Path, error: int, functions: Sequence[str]
) -> None:
    assert fails_at_each_call(quick_folder, error, about("", *functions), lasts=True) > 30


def test_a_restore_that_could_be_neither_synced_nor_taken_back_is_not_out_of_sight(quick_folder: Path) -> None:
    store, _, entries = prepare(quick_folder)
    [entry] = [entry for entry in entries if isinstance(entry, RestoreInstance)]
    with (
        disk_of(quick_folder) as disk,
        disk.failing(errno.EIO, about("^codechat$", "fsync")),
        disk.failing(errno.EIO, lambda call: call.function == "rename" and call.paths[0] == "codechat/back") as fault,
    ):
        outcome = store.commit([entry])
    assert fault.hits
    assert outcome != [None]
    assert "back" in store.instances("codechat") or [one for one in store.drops() if one.instance == "old"]
    store.close()


def test_nothing_is_committed_to_an_instance_whose_move_failed_before_it_is_durable_where_it_lies(
    folder: Path,
) -> None:
    store = start(folder, sync=True)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)))
    store.checkpoint()
    commit(store, write(KEY, b"1"))  # so that the journal needs no sync of its folder for what follows
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("", "fsync")):
        assert refusals(store, DropInstance("codechat", "sales")) == [StoreUnavailable]
        assert refusals(store, write(CREDS, creds(2))) == [StoreUnavailable]
        assert store.read(CREDS) == creds(1)
    commit(store, write(CREDS, creds(3)))
    assert store.read(CREDS) == creds(3)
    store.close()


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
def test_whichever_sync_or_write_fails_half_way_nothing_acknowledged_is_lost(
    quick_folder: Path, *, lasts: bool
) -> None:
    assert fails_at_each_call(quick_folder, errno.EIO, about("", *WRITING), lasts=lasts, late=True) > 30


def fails_at_each_call(folder: Path, error: int, wanted: Wanted, *, lasts: bool = False, late: bool = False) -> int:
    """Let one call after the other fail while things are done; return how many there were."""
    for number in count(1):
        root = folder / str(number)
        store, model, entries = prepare(root)
        with disk_of(root) as disk, failing(disk, error, wanted, at=number, lasts=lasts, late=late) as fault:
            act(store, model, entries)
        try:
            if lasts:
                model.settle(store)
            go_on(root, store, model, is_killed=bool(number % 2))
        except (AssertionError, WorkerError) as problem:
            raise AssertionError(f"call {number}, {fault.where}: {problem}") from problem
        shutil.rmtree(root)
        if not fault.hits:
            return number
    raise AssertionError


def go_on(root: Path, store: FileStore, model: Model, *, is_killed: bool) -> None:
    """See that a store whose disk works again holds what it should, and goes on with all of it."""
    if is_killed:
        model.is_held_by(store)
        again = start_after_kill(root)
        model.is_held_by(again)
        again.close()
    else:
        store.checkpoint()
        model.is_held_by(store)
        for group, instance in model.live:
            entry = write(SessionFile(group, instance, KEY.key), b'"goes on"')
            commit(store, entry)
            model.follow(entry)
        store.close()
    assert session_files(root) == {
        f"{group}/{instance}/{key}": value
        for (group, instance), values in model.live.items()
        for key, value in values.items()
    }
    again = start(root)
    model.is_held_by(again)
    again.close()
