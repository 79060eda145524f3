"""What instances hold is counted once, followed from then on, and right whatever anybody did meanwhile."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessionworker.stores.changes import Batch, DropGroup
from sessionworker.stores.files import instance, tallies
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.tally import counting
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
    purge,
    restore,
    summary,
    write,
)
from tests.files.holding import OFTEN, SIZE, drop_told, filled, holds
from tests.files.words import (
    folder_of,
    folder_of_drop,
    start,
    start_after_kill,
    write_large,
)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders of instances that were counted."""
    found: list[str] = []

    def noted(folder: Folder, *rest: Any) -> Any:
        found.append(Path(f"/proc/self/fd/{folder.handle}").readlink().name)
        return counting(folder, *rest)

    monkeypatch.setattr("sessionworker.stores.files.tallies.counting", noted)
    return found


def test_a_new_instance_is_never_counted(folder: Path, counted: list[str]) -> None:
    """It was empty when it was made: thousands of them are told of at once."""
    store = filled(folder)
    store.checkpoint()
    assert (holds(store), holds(store, SUPPORT)) == ((2, SIZE + 5), (1, len(creds(1, 2))))
    commit(store, write(KEY, b"1"))
    store.checkpoint()
    assert holds(store) == (2, SIZE + 1)
    assert counted == []
    store.close()


def test_an_instance_is_counted_once_and_what_changes_is_followed(folder: Path, counted: list[str]) -> None:
    store = filled(folder)
    assert holds(store) == (2, SIZE + 5)
    counted.clear()
    for number, batch in enumerate((write(KEY, b"1"), delete(KEY), write(OTHER_KEY, b"123"), write(KEY, b"12"))):
        commit(store, batch)
        waits = holds(store)
        store.checkpoint()
        assert holds(store) == waits == [(2, SIZE + 1), (1, SIZE), (2, SIZE + 3), (3, SIZE + 5)][number]
    assert counted == []
    store.close()


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changed just now is written down, too."""
    monkeypatch.setattr(tallies, "SETTLED_NANOSECONDS", 0)


@pytest.mark.usefixtures("settled")
def test_after_a_start_nothing_is_counted_again(folder: Path, counted: list[str]) -> None:
    store = filled(folder)
    told = holds(store), holds(store, SUPPORT)
    store.close()
    counted.clear()
    store = start(folder)
    assert (holds(store), holds(store, SUPPORT)) == told
    assert counted == []
    commit(store, write(OTHER_KEY, b"1"), write(KEY, b""" "longer than before" """))
    assert holds(store) == (3, SIZE + 1 + 22)
    assert counted == []
    store.checkpoint()
    assert holds(store) == (3, SIZE + 1 + 22)
    assert counted == []
    store.close()


@pytest.mark.usefixtures("settled")
def test_after_a_kill_only_what_was_changed_since_it_was_written_down_is_counted(
    folder: Path, counted: list[str]
) -> None:
    store = filled(folder, limits=OFTEN)
    store.describe("codechat")
    store.checkpoint()
    commit(store, write(KEY, b"1"), delete(CREDS))
    store._parts.checkpoints.run()  # which writes nothing down
    counted.clear()
    store = start_after_kill(folder)
    assert holds(store) == (1, 1)
    assert holds(store, SUPPORT) == (1, len(creds(1, 2)))
    assert counted == ["sales"]
    store.close()


def test_what_changed_just_before_it_was_written_down_is_counted_after_a_kill(folder: Path, counted: list[str]) -> None:
    """A later change within the same tick of the clock could not be told from none."""
    store = filled(folder, limits=OFTEN)
    store.describe("codechat")
    store.checkpoint()
    status = folder_of(folder).stat()
    commit(store, write(KEY, b"1"))
    store._parts.checkpoints.run()
    os.utime(folder_of(folder), ns=(status.st_atime_ns, status.st_mtime_ns))
    counted.clear()
    store = start_after_kill(folder)
    assert holds(store) == (2, SIZE + 1)
    assert "sales" in counted
    store.close()


def come(path: Path) -> None:
    (path / "pre-key-7").write_bytes(b"123")


def go(path: Path) -> None:
    (path / KEY.key).unlink()


def junk(path: Path) -> None:
    (path / "a folder").mkdir()
    (path / "a link").symlink_to("nowhere")
    come(path)


@pytest.mark.usefixtures("looked_each_time")
@pytest.mark.parametrize("is_stopped", [False, True])
@pytest.mark.parametrize(("change", "told"), [(come, (3, SIZE + 8)), (go, (1, SIZE)), (junk, (3, SIZE + 8))])
def test_files_that_come_and_go_by_others_hands_are_noticed(
    folder: Path, change: Callable[[Path], None], told: tuple[int, int], *, is_stopped: bool
) -> None:
    store = filled(folder)
    assert holds(store) == (2, SIZE + 5)
    if is_stopped:
        store.close()
    time.sleep(0.02)  # the clock of a file system stands still for some milliseconds
    change(folder_of(folder))
    if is_stopped:
        store = start(folder)
    assert holds(store) == told
    commit(store, write(OTHER_KEY, b"1"))
    assert holds(store) == (told[0] + 1, told[1] + 1)
    store.checkpoint()
    assert holds(store) == (told[0] + 1, told[1] + 1)
    store.close()


def test_what_others_do_is_looked_for_again_after_a_while_and_not_each_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(folder)
    for _ in range(2):
        assert holds(store) == (2, SIZE + 5)
    come(folder_of(folder))
    assert holds(store) == (2, SIZE + 5)
    monkeypatch.setattr(instance, "TOLD_AGAIN_SECONDS", 0.0)
    assert holds(store) == (3, SIZE + 8)
    store.close()


@pytest.mark.usefixtures("settled")
def test_a_copy_of_a_store_is_counted_whatever_times_it_was_given(folder: Path, counted: list[str]) -> None:
    store = filled(folder)
    store.describe("codechat")
    store.close()
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy, copy_function=shutil.copy2)
    (folder_of(copy) / KEY.key).unlink()
    status = folder_of(folder).stat()
    os.utime(folder_of(copy), ns=(status.st_atime_ns, status.st_mtime_ns))
    store = start(copy)
    assert holds(store) == (1, SIZE)
    store.close()


@pytest.mark.usefixtures("looked_each_time")
def test_a_folder_that_was_put_in_an_instances_place_is_not_told_of_as_the_instance(folder: Path) -> None:
    store = filled(folder)
    store.describe("codechat")
    folder_of(folder).rename(folder / "elsewhere")
    folder_of(folder).mkdir()
    told = summary(store)
    assert (told.files, told.bytes) == (None, None)
    assert told.problem
    store.close()


@pytest.mark.usefixtures("looked_each_time")
def test_another_folder_with_the_same_time_is_not_taken_for_the_one_that_was_counted(folder: Path) -> None:
    store = filled(folder)
    store.describe("codechat")
    status = folder_of(folder).stat()
    folder_of(folder).rename(folder / "elsewhere")
    folder_of(folder).mkdir()
    os.utime(folder_of(folder), ns=(status.st_atime_ns, status.st_mtime_ns))
    assert holds(store) == (None, None)
    store.close()


@pytest.mark.usefixtures("settled")
def test_a_file_that_somebody_broke_is_not_counted_out_as_it_was(folder: Path) -> None:
    filled(folder, limits=OFTEN).close()
    store = start(folder)
    repairs: list[Batch] = []
    store.on_repair(repairs.append)
    assert holds(store) == (2, SIZE + 5)
    (folder_of(folder) / KEY.key).write_bytes(b"{")  # which leaves the folder's time as it was
    assert store.read(KEY) is None
    commit(store, *repairs)
    store.checkpoint()
    assert holds(store) == (1, SIZE)
    store.close()


def test_large_values_and_other_spellings_are_followed(folder: Path) -> None:
    store = start(folder, limits=OFTEN)
    create(store)
    (folder_of(folder) / "a%20b").write_bytes(b"1234")
    store.close()
    store = start(folder, limits=OFTEN)
    assert holds(store) == (1, 4)
    odd = KEY._replace(key="a b")
    commit(store, write(odd, b"12"))
    assert holds(store) == (1, 2)
    store.checkpoint()
    assert holds(store) == (1, 2)
    for size in (5_000, 2_000, 3_000):
        write_large(store, KEY, b'"%b"' % (b"x" * (size - 2)))
        assert holds(store) == (2, 2 + size)
    store.checkpoint()
    assert holds(store) == (2, 2 + 3_000)
    store.close()


# Drops


@pytest.mark.usefixtures("settled")
def test_what_a_dropped_instance_holds_is_told_without_counting_and_comes_back_with_it(
    folder: Path, counted: list[str]
) -> None:
    store = filled(folder)
    store.describe("codechat")
    commit(store, write(KEY, b"1"))
    counted.clear()
    dropped = drop(store)
    assert (dropped.files, dropped.bytes) == (2, SIZE + 1)
    store.checkpoint()
    assert drop_told(store) == (2, SIZE + 1)
    store.close()
    store = start(folder)
    assert drop_told(store) == (2, SIZE + 1)
    commit(store, restore(dropped, "back"))
    assert holds(store, CREDS._replace(instance="back")) == (2, SIZE + 1)
    commit(store, DropGroup("codechat"))
    assert {(one.instance, one.files) for one in store.drops()} == {("back", 2), ("support", 1)}
    assert counted == []
    commit(store, *map(purge, store.drops()))
    assert store.drops() == []
    assert store._parts.tallies._dropped == {}
    store.close()


def test_a_drop_whose_folder_somebody_removed_is_not_told_of(folder: Path) -> None:
    store = filled(folder)
    dropped = drop(store)
    store.checkpoint()
    store.drops()
    os.rename(folder_of_drop(folder, dropped), folder / "elsewhere")  # noqa: PTH104 - as the store does
    assert store.drops() == []
    assert store._parts.tallies._dropped == {}
    store.close()
