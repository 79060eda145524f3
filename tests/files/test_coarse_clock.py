"""What instances hold is told right where the time of a folder tells nothing: a file system's clock may tick seldom.

Within a tick, which is a second on some, nothing that changes a folder changes its time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sessionworker.stores.files import tallies, tally
from sessionworker.stores.files.folder import Folder
from tests.contract.words import CREDS, KEY, OTHER_KEY, commit, delete, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.holding import SIZE, filled, holds
from tests.files.stops import Overtaking, Stopped
from tests.files.words import start, try_checkpoint


class _InOneTick:
    """Stands in for the module `os`: everything changed at the same time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def stat(self, *args: Any, **options: Any) -> SimpleNamespace:
        return _as_of_now(os.stat(*args, **options))

    def fstat(self, handle: int) -> SimpleNamespace:
        return _as_of_now(os.fstat(handle))


def _as_of_now(status: os.stat_result) -> SimpleNamespace:
    names = ("st_dev", "st_ino", "st_mode", "st_size")
    return SimpleNamespace(st_mtime_ns=1, **{name: getattr(status, name) for name in names})


@pytest.fixture(autouse=True)
def in_one_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (tallies, tally):
        monkeypatch.setattr(module, "os", _InOneTick())


@pytest.mark.usefixtures("telling_locks")
def test_a_question_that_a_checkpoint_overtakes_anywhere_is_answered_right(quick_folder: Path) -> None:
    for number in count(1):
        store = filled(quick_folder / str(number))
        store.describe("codechat")
        commit(store, write(KEY, b"1234567"))
        asking = Stopped(partial(holds, store), number, modules=("tallies", "tally"))
        saving = Overtaking(store.checkpoint)
        assert asking.result() == (2, SIZE + 7), asking.where
        saving.result()
        assert holds(store) == (2, SIZE + 7), asking.where
        store.close()
        if not asking.stops:
            break
    assert number > 10


@pytest.mark.parametrize("at", range(4))
def test_a_checkpoint_that_fails_half_way_leaves_a_right_tally(folder: Path, at: int) -> None:
    store = filled(folder)
    store.describe("codechat")
    commit(store, write(KEY, b"1"), write(OTHER_KEY, b"12"), delete(CREDS))
    with disk_of(folder) as disk, disk.failing(5, about("codechat/sales", "rename", "unlink"), at=at):
        try_checkpoint(store)
        assert holds(store) == (2, 3)
    store.checkpoint()
    assert holds(store) == (2, 3)
    store.close()
    store = start(folder)
    assert holds(store) == (2, 3)
    store.close()


def test_what_is_counted_while_a_checkpoint_changes_files_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(folder)
    commit(store, write(KEY, b"1"))
    write_files = Folder.write

    def ask_and_fail(folder: Folder, values: Mapping[str, bytes]) -> None:
        assert holds(store) == (2, SIZE + 1)  # which counts the value before
        write_files(folder, values)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", ask_and_fail)
        try_checkpoint(store)
    assert holds(store) == (2, SIZE + 1)
    store.checkpoint()
    assert holds(store) == (2, SIZE + 1)
    store.close()
