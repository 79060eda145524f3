"""What operators, metrics and health ask beside commits, checkpoints and moves; and all of it at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest

from sessionworker.errors import NoSuchDrop, NoSuchGroup, NoSuchInstance, StoreUnavailable
from sessionworker.stores.changes import Batch, CreateInstance, DropGroup, DropInstance
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    purge,
    read_all,
    restore,
    summary,
    versions,
    write,
)
from tests.files.stops import Overtaking, Stopped
from tests.files.words import SEGMENT, folder_of, maintained, start, start_after_kill

pytestmark = pytest.mark.usefixtures("telling_locks")


def with_values(folder: Path) -> FileStore:
    """A store with an instance that has files, and more that waits; and one that was dropped."""
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b"1"), write(SUPPORT, creds(1, 2)))
    store.checkpoint()
    commit(store, write(CREDS, creds(2)))
    drop(store, SUPPORT)
    return store


QUESTIONS: dict[str, Callable[[FileStore], object]] = {
    "describe": lambda store: [(one.instance, one.files, one.problem) for one in store.describe("codechat")],
    "versions": lambda store: len(store.versions("codechat", "sales")),
    "drops": lambda store: sorted(one.instance for one in store.drops()),
    "drops before": lambda store: sorted(one.instance for one in store.drops_before(2**60)),
    "instances": lambda store: store.instances("codechat"),
    "groups": lambda store: store.groups(),
    "check": lambda store: store.check(),
}


@pytest.mark.parametrize("what", QUESTIONS)
def test_a_question_that_is_overtaken_anywhere_by_a_checkpoint_and_a_commit_is_answered(
    quick_folder: Path, what: str
) -> None:
    for number in count(1):
        folder = quick_folder / str(number)
        store = with_values(folder)
        expected = QUESTIONS[what](store)
        asking = Stopped(partial(QUESTIONS[what], store), number)
        overtaking = [Overtaking(store.checkpoint), Overtaking(partial(commit, store, write(KEY, b"2")))]
        assert asking.result() == expected, asking.where
        for other in overtaking:
            other.result()
        store.close()
        if not asking.stops:
            break
    assert number > 1


@pytest.mark.parametrize("what", QUESTIONS)
def test_a_question_that_is_overtaken_anywhere_by_moves_is_answered_or_refused_in_words(
    quick_folder: Path, what: str
) -> None:
    for number in count(1):
        folder = quick_folder / str(number)
        store = with_values(folder)
        asking = Stopped(partial(QUESTIONS[what], store), number)
        moving = Overtaking(partial(move_everything, store))
        with suppress(NoSuchGroup, NoSuchInstance, NoSuchDrop, StoreUnavailable):
            asking.result()
        moving.result()
        store.close()
        if not asking.stops:
            break
    assert number > 1


def move_everything(store: FileStore) -> None:
    """Bring back what was dropped, and drop and erase the rest."""
    commit(store, *map(partial(restore, name="back"), store.drops()), DropInstance("codechat", "sales"))
    commit(store, *map(purge, store.drops()), CreateInstance("codechat", "new"), DropGroup("codechat"))
    store.checkpoint()


def test_figures_that_are_overtaken_at_any_instruction_are_told(quick_folder: Path) -> None:
    store = start(quick_folder)
    create(store)
    for number in count(1):
        for _ in range(3):
            commit(store, write(KEY, b'"%0*d"' % (SEGMENT, number)))
        asking = Stopped(store.figures, number, by_instruction=True)
        commit(store, write(KEY, b'"%0*d"' % (SEGMENT, number)), write(CREDS, creds(number)))  # figures take no lock
        store.checkpoint()
        assert asking.result().gauges["journal_disk_bytes"] > 0, asking.where
        if not asking.stops:
            break
    assert number > 50
    store.close()


def test_a_repair_that_is_overtaken_anywhere_by_newer_creds_changes_nothing(quick_folder: Path) -> None:
    for number in count(1):
        folder = quick_folder / str(number)
        store = start(folder)
        create(store)
        commit(store, write(CREDS, creds(1)), write(CREDS, creds(2)))
        store.close()
        (folder_of(folder) / "creds").write_bytes(b"{")
        store = start(folder)
        repairs: list[Batch] = []
        store.on_repair(repairs.append)
        reading = Stopped(partial(store.read, CREDS), number)
        writing = Overtaking(partial(commit, store, write(CREDS, creds(3))))
        assert reading.result() in {creds(2), creds(3)}, reading.where
        writing.result()
        store.commit(repairs)
        for _ in range(2):
            assert read_all(store, CREDS) == [creds(3)], reading.where
            store.checkpoint()
        store.close()
        if not reading.stops:
            break
    assert number > 50


def test_a_commit_that_is_overtaken_anywhere_by_checkpoints_is_in_the_files_after_the_next(quick_folder: Path) -> None:
    store = start(quick_folder)
    create(store)
    for number in count(1):
        committing = Stopped(partial(commit, store, write(CREDS, creds(number)), write(KEY, b"%d" % number)), number)
        checkpoint = Overtaking(store.checkpoint)
        committing.result()
        checkpoint.result()
        assert read_all(store, CREDS, KEY) == [creds(number), b"%d" % number], committing.where
        store.checkpoint()
        assert (folder_of(quick_folder) / KEY.key).read_bytes() == b"%d" % number, committing.where
        assert (folder_of(quick_folder) / "creds").read_bytes() == creds(number), committing.where
        assert store.read_version("codechat", "sales", versions(store)[0].version) == creds(number)
        assert store.figures().gauges["unwritten_files"] == store.figures().gauges["unwritten_value_bytes"] == 0
        if not committing.stops:
            break
    assert number > 50
    assert summary(store).files == 2
    store.close()


def test_what_is_committed_while_a_checkpoint_runs_survives_a_kill_right_after_it(quick_folder: Path) -> None:
    for number in count(1, 2):
        folder = quick_folder / str(number)
        store = start(folder)
        create(store)
        commit(store, write(CREDS, creds(1)), write(KEY, b"1"))
        checkpoint = Stopped(store.checkpoint, number)
        committing = Overtaking(partial(fill_segments, store))
        checkpoint.result()
        committing.result()
        store = start_after_kill(folder)
        assert read_all(store, CREDS, KEY) == [creds(4), b'"%0*d"' % (SEGMENT, 3)], checkpoint.where
        store.close()
        if not checkpoint.stops:
            break
    assert number > 100


def fill_segments(store: FileStore) -> None:
    """Commit more than a segment of the journal holds, several times."""
    for number in range(4):
        commit(store, write(KEY, b'"%0*d"' % (SEGMENT, number)), write(CREDS, creds(number + 1)))


def test_readers_beside_commits_checkpoints_and_drops_see_what_was_current(folder: Path) -> None:
    store = start(folder, limits=Limits(lag_seconds=0.001, waiting_files=5))
    create(store)
    begun = acknowledged = 0
    is_over = Event()
    wrong: list[str] = []
    padding = b"x" * 3000

    def look(reader: int) -> None:
        is_last = False
        while not is_last and len(wrong) < 5:
            is_last = is_over.is_set()  # so each reads once at least
            at_least = acknowledged
            try:
                value = (store.read(KEY) if reader else read_or_recall(store)) or b"0."
            except NoSuchInstance:
                continue
            number, _, rest = value.strip(b'"').partition(b".")
            is_dropped = begun // 10 > (at_least - 1) // 10  # a new instance holds nothing
            if not (at_least <= int(number) <= begun or (not int(number) and is_dropped)):
                wrong.append(f"read {int(number)} between {at_least} and {begun}")
            if int(number) and rest != padding:
                wrong.append("a torn value")

    readers = [Thread(target=look, args=[number], daemon=True) for number in range(3)]
    interval = sys.getswitchinterval()
    with maintained(store):
        sys.setswitchinterval(1e-5)
        try:
            for reader in readers:
                reader.start()
            for begun in range(1, 300):
                if begun % 10 == 0:
                    commit(store, DropInstance("codechat", "sales"), CreateInstance("codechat", "sales"))
                else:
                    commit(store, write(KEY, b'"%d.%b"' % (begun, padding)))
                    acknowledged = begun
        finally:
            is_over.set()
            for reader in readers:
                reader.join(20)
            sys.setswitchinterval(interval)
    assert not any(reader.is_alive() for reader in readers)
    assert wrong == []


def read_or_recall(store: FileStore) -> bytes | None:
    """Read a value as the worker does: from memory if it is known there."""
    recalled = store.recall(KEY)
    return recalled if recalled is None or isinstance(recalled, bytes) else store.read(KEY)
