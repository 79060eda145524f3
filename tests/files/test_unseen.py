"""What the journal holds of a folder that is not where it was, while not all others can be looked at.

Nobody is given it then, and nobody answers for it: not with older values, not with none. The next start gives it to
whoever has its id, if all folders can be looked at by then.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sessionworker.errors import NoSuchDrop, StoreUnavailable
from sessionworker.stores.changes import CreateInstance, DropGroup, DropInstance
from sessionworker.stores.files import tallies
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import UNKNOWN
from tests.contract.words import (
    CREDS,
    KEY,
    OTHER_KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    purge,
    read_all,
    refusals,
    restore,
    summary,
    versions,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.unseen import (
    ACKNOWLEDGED,
    NEW_KEY,
    NEW_NAME,
    drop_named,
    killed_in_a_drop,
    killed_in_a_restore,
    started_without,
)
from tests.files.words import (
    DROPPED,
    SEGMENTS,
    contents,
    count_of,
    folder_of,
    gauge,
    kill,
    start,
    start_after_kill,
    tried,
    try_checkpoint,
    with_values_in_the_journal,
)

USES: dict[str, Callable[[FileStore], object]] = {
    "read": lambda store: store.read(NEW_KEY),
    "check": lambda store: store.check_creds("codechat", "new name"),
    "write": lambda store: store.commit([write(NEW_NAME, creds(7))]),
    "delete": lambda store: store.commit([write(NEW_KEY, b"7")]),
    "create": lambda store: store.commit([CreateInstance("codechat", "new name")]),
    "drop": lambda store: store.commit([DropInstance("codechat", "new name")]),
    "describe": lambda store: store.describe("codechat"),
    "versions": lambda store: tried(lambda: versions(store, NEW_NAME)),
    "checkpoint": try_checkpoint,
}


@pytest.mark.parametrize("end", ["kill", "close"])
@pytest.mark.parametrize("first", USES)
def test_it_is_refused_until_the_next_start_whatever_comes_first(folder: Path, first: str, end: str) -> None:
    killed_in_a_restore(folder)
    store = started_without(folder, "^codechat/new name$", "open")
    tried(lambda: USES[first](store))
    for _ in range(2):
        assert tried(lambda: store.read(NEW_NAME)) is StoreUnavailable
        assert tried(lambda: store.read(NEW_KEY)) is StoreUnavailable
        assert store.recall(NEW_NAME) is store.recall(NEW_KEY) is UNKNOWN
        assert tried(lambda: store.check_creds("codechat", "new name")) is StoreUnavailable
        assert tried(lambda: versions(store, NEW_NAME)) is StoreUnavailable
        assert refusals(store, write(NEW_KEY, b"9"), write(SUPPORT, creds(3, 2))) == [StoreUnavailable, None]
        assert "start it again" in summary(store, NEW_NAME).problem
        assert summary(store, NEW_NAME).files is None
        assert gauge(store, "instances_refused") == 1
        try_checkpoint(store)
    assert gauge(store, "instances_apart") == 1
    if end == "close":
        store.close()
    store = start_after_kill(folder)
    assert read_all(store, NEW_NAME, NEW_KEY, SUPPORT) == [*ACKNOWLEDGED, creds(3, 2)]
    assert len(versions(store, NEW_NAME)) == 2
    store.checkpoint()
    assert gauge(store, "instances_apart") == gauge(store, "unwritten_files") == 0
    store.close()
    assert (folder_of(folder, NEW_NAME) / "creds").read_bytes() == creds(2)


def test_an_older_version_is_not_read_in_its_stead(folder: Path) -> None:
    store = with_values_in_the_journal(folder)
    newest, oldest = (one.version for one in versions(store))
    dropped = drop(store)
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([restore(dropped, "new name")])
    store = started_without(folder, "^codechat/new name$", "open")
    for version in (newest, oldest):
        assert tried(partial(store.read_version, "codechat", "new name", version)) is StoreUnavailable
    store = start_after_kill(folder)
    assert store.read_version("codechat", "new name", newest) == creds(2)


def test_it_is_told_of_nothing_that_was_written_down_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "SETTLED_NANOSECONDS", 0)
    limits = Limits(summary_seconds=0.0)
    store = start(folder, limits=limits)
    create(store, CREDS)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"old"'))
    store.checkpoint()
    assert summary(store).files == 2
    store.close()
    store = start(folder, limits=limits)
    commit(store, write(OTHER_KEY, b"1"))
    dropped = drop(store)
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([restore(dropped)])
    store = started_without(folder, "^codechat/sales$", "open", limits=limits)
    assert summary(store).files is None
    store = start_after_kill(folder, limits=limits)
    assert summary(store).files == 3


def test_it_is_not_brought_back_before_the_next_start(folder: Path) -> None:
    killed_in_a_drop(folder)
    store = started_without(folder, DROPPED + ".*sales", "open")
    dropped = drop_named(store, "sales")
    assert refusals(store, restore(dropped), restore(dropped, "new name")) == [StoreUnavailable] * 2
    create(store)  # another one
    assert store.read(CREDS) is None
    commit(store, write(KEY, b"9"))
    store = start_after_kill(folder)
    commit(store, restore(drop_named(store, "sales"), "new name"))
    assert read_all(store, NEW_NAME, NEW_KEY, CREDS, KEY) == [*ACKNOWLEDGED, None, b"9"]


def test_it_goes_with_its_group_and_is_found_there(folder: Path) -> None:
    killed_in_a_restore(folder)
    store = started_without(folder, "^codechat/new name$", "open")
    commit(store, DropGroup("codechat"))
    assert refusals(store, restore(drop_named(store, "new name"))) == [StoreUnavailable]
    store = start_after_kill(folder)
    commit(store, restore(drop_named(store, "new name")))
    assert read_all(store, NEW_NAME, NEW_KEY) == ACKNOWLEDGED


# Folders that cannot be listed


def test_it_is_not_lost_while_a_group_cannot_be_listed(folder: Path) -> None:
    killed_in_a_restore(folder)
    store = started_without(folder, "^codechat$", "open", "scandir")
    try_checkpoint(store)
    assert contents(folder / ".sessionworker/lost") == {}
    assert store.instances("codechat") == ["new name", "support"]
    assert tried(lambda: store.read(NEW_KEY)) is StoreUnavailable
    assert refusals(store, write(NEW_KEY, b"9")) == [StoreUnavailable]
    store = start_after_kill(folder)
    assert read_all(store, NEW_NAME, NEW_KEY) == ACKNOWLEDGED
    assert store.instances("codechat") == ["new name", "support"]


def test_it_is_not_lost_while_a_dropped_group_cannot_be_listed(folder: Path) -> None:
    store = with_values_in_the_journal(folder)
    with disk_of(folder) as disk, disk.crashing(1, about(SEGMENTS, "pwritev")):
        store.commit([DropGroup("codechat")])
    store = started_without(folder, DROPPED + r"codechat~\d+-[0-9a-z]+$", "open", "scandir")
    try_checkpoint(store)
    assert refusals(store, restore(drop_named(store, "sales"))) == [StoreUnavailable]
    store = start_after_kill(folder)
    commit(store, restore(drop_named(store, "sales")))
    assert read_all(store, CREDS, KEY) == ACKNOWLEDGED


@pytest.mark.parametrize("which", ["first", "second"])
def test_it_is_not_lost_where_two_folders_have_its_name(folder: Path, which: str) -> None:
    with_values_in_the_journal(folder)
    if which == "first":
        folder_of(folder).rename(folder / "codechat" / "%73ales")
    (folder / "codechat" / ("sales" if which == "first" else "%73ales")).mkdir()
    store = start_after_kill(folder)
    assert refusals(store, write(KEY, b"9"), write(SUPPORT, creds(3, 2))) == [StoreUnavailable, None]
    try_checkpoint(store)
    kill(folder)
    (folder / "codechat" / ("sales" if which == "first" else "%73ales")).rmdir()
    store = start(folder)
    assert read_all(store, CREDS, KEY) == ACKNOWLEDGED
    assert count_of(store, "instances_lost") == 0


# Erased


@pytest.mark.parametrize("end", ["kill", "close"])
@pytest.mark.parametrize("limits", [Limits(checkpoint_bytes=0), Limits()], ids=["rotated", "not rotated"])
@pytest.mark.parametrize("how", ["group", "drop"])
def test_what_is_erased_meanwhile_does_not_come_back(folder: Path, how: str, limits: Limits, end: str) -> None:
    if how == "group":
        killed_in_a_restore(folder)
        store = started_without(folder, "^codechat/new name$", "open", limits=limits)
        commit(store, DropGroup("codechat"))
        commit(store, purge(drop_named(store, "new name")))
    else:
        killed_in_a_drop(folder)
        store = started_without(folder, DROPPED + ".*sales", "open", limits=limits)
        commit(store, purge(drop_named(store, "sales")))
    for _ in range(3):
        try_checkpoint(store)
    if end == "close":
        store.close()
    store = start_after_kill(folder, limits=limits)
    store.checkpoint()
    assert contents(folder / ".sessionworker/lost") == {}
    assert count_of(store, "instances_lost") == gauge(store, "instances_apart") == 0
    assert gauge(store, "unwritten_value_bytes") == 0


def test_nothing_is_erased_that_cannot_be_told_from_it(folder: Path) -> None:
    killed_in_a_drop(folder)
    store = start_after_kill(folder)
    dropped = drop_named(store, "sales")
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(DROPPED + ".*sales", "open")):
        store = start_after_kill(folder)
        assert refusals(store, purge(dropped)) == [StoreUnavailable]
    commit(store, purge(dropped))
    assert refusals(store, purge(dropped)) == [NoSuchDrop]
    store = start_after_kill(folder)
    assert count_of(store, "instances_lost") == 0
