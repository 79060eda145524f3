"""Reads beside commits and checkpoints, each stopped anywhere: nothing older than what was acknowledged before."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import UNKNOWN
from tests.contract.words import CREDS, KEY, commit, create, creds, delete, read_and_recall, write
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.defects.threads import Stopped as StoppedAtDisk
from tests.files.stops import Overtaking, Stopped
from tests.files.words import start, try_checkpoint

pytestmark = pytest.mark.usefixtures("telling_locks")

OLD, NEW = b'"old"', b'"new"'

LARGE = b'"%b"' % (b"x" * 300_000)
"""A value that is too large to be remembered: it waits, or it is in its file, or nowhere."""


@pytest.fixture
def many(quick_folder: Path) -> Iterator[tuple[FileStore, Iterator[SessionFile]]]:
    """A store that has read no value yet, but knows its names; and files in it that hold "old"."""
    names = [CREDS._replace(key=f"k{number}") for number in range(3000)]
    store = start(quick_folder)
    create(store)
    commit(store, *(write(file, OLD) for file in names))
    store.close()
    store = start(quick_folder)
    assert store.read(CREDS) is None
    yield store, iter(names)
    store.close()


def test_a_read_that_is_overtaken_anywhere_by_a_commit_and_later_by_a_checkpoint_leaves_no_old_value(
    many: tuple[FileStore, Iterator[SessionFile]],
) -> None:
    store, names = many
    pairs = 0
    for first in count(1):
        for second in count(first + 1 + first % 2, 2):
            file = next(names)
            read = Stopped(partial(store.read, file), first, second)
            commit(store, write(file, NEW))
            if read.stops:
                read.go_on()
            checkpoint = Overtaking(store.checkpoint)
            assert read.result() in {OLD, NEW}
            checkpoint.result()
            assert store.read(file) == NEW, f"the read was overtaken at its lines {first} and {second}: {read.where}"
            pairs += 1
            if read.stops < 2:
                break
        if not read.stops:
            break
    assert pairs > 100


def test_a_read_that_begins_within_a_commit_and_ends_after_a_checkpoint_leaves_no_old_value(
    many: tuple[FileStore, Iterator[SessionFile]],
) -> None:
    store, names = many
    pairs = 0
    for outer in count(1):
        for inner in count(1 + outer % 15, 15):
            file = next(names)
            writing = Stopped(partial(commit, store, write(file, NEW)), outer)
            read = Stopped(partial(store.read, file), inner)
            writing.result()
            checkpoint = Overtaking(store.checkpoint)
            assert read.result() in {OLD, NEW}
            checkpoint.result()
            assert store.read(file) == NEW, f"the commit was stopped at {writing.where}, the read at {read.where}"
            pairs += 1
            if not read.stops:
                break
        if not writing.stops:
            break
    assert pairs > 100


@pytest.mark.parametrize("file", [CREDS, KEY], ids=["creds", "a key"])
@pytest.mark.parametrize("ends", ["well", "with a failure"])
def test_what_was_acknowledged_is_recalled_at_each_instruction_while_a_checkpoint_saves_it(
    folder: Path, file: SessionFile, ends: str
) -> None:
    store = start(folder)
    create(store)
    commit(store, write(file, creds(1)))
    store.checkpoint()
    begins, fails = (about(r"^codechat/sales/\.sessionworker/new-", function) for function in ("open", "write"))
    for number in count(1):
        value = creds(number + 1)
        commit(store, write(file, value))
        with disk_of(folder) as disk:
            checkpoint = StoppedAtDisk(partial(try_checkpoint, store), disk, begins)
            with disk.failing(errno.EIO, fails) if ends == "with a failure" else nullcontext():
                recall = Stopped(partial(store.recall, file), number, by_instruction=True)
                checkpoint.result()
                assert recall.result() == value, f"stopped at instruction {number}, {recall.where}"
            store.checkpoint()
        if not recall.stops:
            break
    assert number > 50
    store.close()


def test_whatever_is_committed_and_saved_while_a_value_is_recalled_it_is_the_old_one_or_the_new_one(
    folder: Path,
) -> None:
    store = start(folder)
    create(store)
    for number in count(1):
        before, after = creds(2 * number), creds(2 * number + 1)
        commit(store, write(CREDS, before), delete(KEY))
        if number % 2:
            store.checkpoint()
        recalls = [Stopped(partial(store.recall, file), number, by_instruction=True) for file in (CREDS, KEY)]
        commit(store, write(CREDS, after), write(KEY, b"1"))
        store.checkpoint()
        assert recalls[0].result() in {before, after}, recalls[0].where
        assert recalls[1].result() in {None, b"1", UNKNOWN}, recalls[1].where
        assert [store.recall(CREDS), store.recall(KEY)] == [after, b"1"]
        if not any(recall.stops for recall in recalls):
            break
    assert number > 50
    store.close()


def test_a_checkpoint_that_is_overtaken_anywhere_by_reads_and_a_commit_shows_no_old_value(quick_folder: Path) -> None:
    store = start(quick_folder)
    large = CREDS._replace(key="large")
    create(store)
    for number in count(1):
        values = {CREDS: creds(number), KEY: b"%d" % number, large: LARGE.replace(b"x", b"%d" % (number % 10))}
        commit(store, *(write(file, value) for file, value in values.items()))
        checkpoint = Stopped(store.checkpoint, number)
        reading = Overtaking(lambda: {file: store.read(file) for file in values})  # noqa: B023 - it is over in this round
        committing = Overtaking(partial(commit, store, write(KEY, b"[%d]" % number), write(CREDS, creds(number, 2))))
        checkpoint.result()
        seen = reading.result()
        committing.result()
        assert seen[large] == values[large], checkpoint.where
        assert seen[CREDS] in {values[CREDS], creds(number, 2)}, checkpoint.where
        assert seen[KEY] in {values[KEY], b"[%d]" % number}, checkpoint.where
        now = [read_and_recall(store, file) for file in values]
        assert now == [creds(number, 2), b"[%d]" % number, values[large]], checkpoint.where
        if not checkpoint.stops:
            break
    assert number > 100
    store.close()


@pytest.mark.parametrize("change", ["written", "written and deleted"])
def test_names_that_are_learnt_while_keys_are_written_and_saved_are_all_of_them(
    quick_folder: Path, change: str
) -> None:
    known = CREDS._replace(key="known")
    for number in count(1):
        folder = quick_folder / str(number)
        store = start(folder)
        create(store)
        commit(store, write(known, b"0"))
        store.close()
        store = start(folder)
        reading = Stopped(partial(store.read, CREDS._replace(key="nothing")), number)
        changing = Overtaking(partial(write_and_save, store, is_deleted=change == "written and deleted"))
        assert reading.result() is None
        changing.result()
        expected = LARGE if change == "written" else None
        assert store.recall(KEY) in {expected, UNKNOWN}, reading.where
        assert [read_and_recall(store, file) for file in (KEY, known)] == [expected, b"0"], reading.where
        store.checkpoint()
        assert [read_and_recall(store, file) for file in (KEY, known)] == [expected, b"0"], reading.where
        store.close()
        if not reading.stops:
            break
    assert number > 50


def write_and_save(store: FileStore, *, is_deleted: bool) -> None:
    commit(store, write(KEY, LARGE))
    store.checkpoint()
    if is_deleted:
        commit(store, delete(KEY))
