"""What cannot be read among the dropped hides nothing else, and holds nothing up."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sessionworker.errors import NoSuchDrop
from sessionworker.names import SessionFile
from sessionworker.stores.changes import DropGroup, DropInstance, RestoreInstance
from tests.contract.words import CREDS, SUPPORT, commit, create, creds, drop, purge, read_all, refusals, restore, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import start


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO])
def test_a_dropped_group_that_cannot_be_listed_hides_no_other_drop(
    folder: Path, reports: list[str], error: int
) -> None:
    bad = SessionFile("bad", "one", "creds")
    store = start(folder)
    create(store, bad, CREDS, SUPPORT)
    commit(store, DropGroup("bad"))
    dropped = drop(store, SUPPORT)
    store.close()
    store = start(folder, reports)
    with disk_of(folder) as disk, disk.failing(error, about("/dropped/bad~[^/]*$", "open")):
        assert store.drops() == [dropped]
        assert [found.drop for found in store.drops_before(2**60)] == [dropped.drop]
        commit(store, DropInstance("codechat", "sales"))
        assert len(store.drops()) == 2
    assert len([line for line in reports if "cannot be told" in line]) == 1
    assert len(store.drops()) == 3
    store.close()


@pytest.mark.usefixtures("looked_each_time")
def test_a_dropped_instance_that_cannot_be_read_is_listed_with_the_reason(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)))
    good, bad = drop(store, CREDS), drop(store, SUPPORT)
    with disk_of(folder) as disk, disk.failing(errno.EACCES, about("/dropped/codechat~support~", "stat")):
        assert {found.drop: found.problem for found in store.drops()} == {
            good.drop: "",
            bad.drop: "its folder cannot be read: Permission denied",
        }
    store.close()


def test_a_drop_that_nobody_could_have_is_none(folder: Path) -> None:
    long = SessionFile("g" * 120, "i" * 120, "creds")
    store = start(folder)
    create(store, long)
    drop(store, long)
    name = f"1700000000000-{'a' * 300}"
    assert refusals(store, RestoreInstance(long.group, long.instance, name, "back")) == [NoSuchDrop]
    store.close()


def test_long_names_with_a_tilde_are_told_apart(folder: Path) -> None:
    group = "a~b~1700000000000-abc"
    names = [SessionFile(group, letter * 231, "creds") for letter in "xy"]
    store = start(folder)
    create(store, *names)
    commit(store, *(write(file, creds(number + 1)) for number, file in enumerate(names)))
    dropped = [drop(store, file) for file in names]
    store.close()
    store = start(folder)
    assert {(found.group, found.instance) for found in store.drops()} == {file[:2] for file in names}
    commit(store, restore(dropped[0]), purge(dropped[1]))
    assert read_all(store, names[0]) == [creds(1)]
    store.close()
