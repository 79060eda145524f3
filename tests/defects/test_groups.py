"""A group that was dropped stays so."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.defects.calls import made_at
from tests.defects.faults import disk_of, noting, rehearse
from tests.defects.store import (
    CREDS,
    Store,
    checkpoint,
    close,
    creating,
    creating_group,
    creds,
    do,
    drop_group,
    dropping_group,
    groups,
    is_done,
    open_store,
    try_checkpoint,
    writing,
)


def with_a_group(folder: Path) -> Store:
    """A store with a group that has no instances."""
    store = open_store(folder, sync=True)
    do(store, creating_group("g"))
    checkpoint(store)
    return store


def drop_and_save(store: Store) -> bool:
    """Drop the group, and bring that into the files; tell whether the drop was acknowledged."""
    is_dropped = is_done(store, dropping_group("g"))
    try_checkpoint(store)
    return is_dropped


@pytest.mark.parametrize("error", [errno.EIO, errno.EBUSY], ids=["EIO", "EBUSY"])
def test_a_group_that_was_dropped_is_not_there_again_wherever_the_disk_failed_once(folder: Path, error: int) -> None:
    problems: list[str] = []
    for number, place in enumerate(rehearse(folder / "rehearsal", with_a_group, drop_and_save)):
        root = folder / str(number)
        store = with_a_group(root)
        with noting(problems, place):
            with disk_of(root) as disk, disk.failing(error, made_at(place), at=1):
                is_dropped = drop_and_save(store)
            try_checkpoint(store)
            close(store)
            store = open_store(root)
            assert not is_dropped or groups(store) == []
            close(store)
    assert not problems, "\n".join(problems)


def test_a_dropped_group_in_whose_folder_something_else_stood_is_not_there_again(folder: Path) -> None:
    (folder / "g").mkdir(parents=True)
    (folder / "g" / "a").write_text("of somebody")
    store = open_store(folder)
    for entry in (creating("g", "a"), writing(CREDS, creds(1))):
        is_done(store, entry)  # or refused
    try_checkpoint(store)
    drop_group(store)
    try_checkpoint(store)
    close(store)
    store = open_store(folder)
    assert groups(store) == []
    close(store)
    assert b"of somebody" in [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
