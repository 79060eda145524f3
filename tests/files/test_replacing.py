"""An instance takes the place of another, and the worker is killed, or its disk fails, at each call in between."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable, WorkerError
from sessionworker.stores.changes import DropInstance
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KeyRing
from sessionworker.wire import DropSummary
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    kept,
    purge,
    read_all,
    refusals,
    replace,
    restore,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import Crash, disk_of
from tests.files.faults import failing
from tests.files.sealed import FIRST, SECOND
from tests.files.stops import Overtaking, Stopped
from tests.files.words import OURS, start, start_after_kill

OLD, NEW = [creds(2), b'"old"', b'"waits"'], [creds(2, 2), b'"new"', None]
WAITING = KEY._replace(key="waits")
FILES = CREDS, KEY, WAITING
REPLACING = Path(OURS) / "replacing"


def prepare(folder: Path, *, is_settled: bool = False, ring: KeyRing | None = None) -> tuple[FileStore, DropSummary]:
    """Return a store with an instance that has something in the journal, and the drop of another one."""
    store = start(folder, sync=True, ring=ring)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"old"'))
    commit(store, write(SUPPORT, creds(1, 2)), write(SUPPORT._replace(key=KEY.key), b'"new"'))
    store.checkpoint()
    commit(store, write(CREDS, creds(2)), write(WAITING, b'"waits"'), write(SUPPORT, creds(2, 2)))
    if is_settled:
        store.checkpoint()
    return store, drop(store, SUPPORT)


def look(store: FileStore) -> str:
    """Tell which one has the place; each is whole, and the other one is a drop that can be brought back."""
    assert store.instances("codechat") == ["sales"]
    held = read_all(store, *FILES)
    store.check_creds("codechat", "sales")
    assert held in (OLD, NEW)
    [dropped] = store.drops()
    assert dropped.instance == ("support" if held == OLD else "sales")
    assert (dropped.files, dropped.problem) == (2 if held == OLD else 3, "")
    return "old" if held == OLD else "new"


def look_and_go_on(store: FileStore, folder: Path, ring: KeyRing | None = None) -> str:
    """Do that; bring the other one back, too; write to both, and see that they are two after a start."""
    which = look(store)
    [dropped] = store.drops()
    other = SUPPORT._replace(instance="other")
    commit(store, restore(dropped, "other"))
    assert read_all(store, *(other._replace(key=file.key) for file in FILES)) == (NEW if which == "old" else OLD)
    commit(store, write(KEY, b'"1"'), write(other._replace(key=KEY.key), b'"2"'))
    store.close()
    store = start(folder, ring=ring)
    assert not (folder / REPLACING).exists()
    assert read_all(store, KEY, other._replace(key=KEY.key)) == [b'"1"', b'"2"']
    assert store.drops() == []
    store.close()
    return which


def roots(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield a number, and a folder for it that is removed afterwards, again and again."""
    for number in count(1):
        root = folder / str(number)
        yield number, root
        shutil.rmtree(root)


@pytest.mark.parametrize(
    ("ring", "next_ring"),
    [(None, None), (FIRST, FIRST), (FIRST, SECOND), (None, FIRST)],
    ids=["plain", "sealed", "another key", "sealed from then on"],
)
@pytest.mark.parametrize(
    ("is_settled", "late"), [(False, False), (True, True)], ids=["in the journal, before it", "in files, behind it"]
)
def test_whichever_call_is_the_last_one_of_the_two_has_the_place_after_a_start(
    quick_folder: Path, ring: KeyRing | None, next_ring: KeyRing | None, *, is_settled: bool, late: bool
) -> None:
    seen = []
    for number, root in roots(quick_folder):
        store, dropped = prepare(root, is_settled=is_settled, ring=ring)
        outcome = None
        with disk_of(root) as disk, failing(disk, Crash(), at=number, lasts=True, late=late) as fault:  # type: ignore[arg-type]
            with suppress(Crash):
                outcome = store.commit([replace(dropped, "sales")])
        store = start_after_kill(root, ring=next_ring)
        seen.append(look_and_go_on(store, root, next_ring))
        if not fault.hits:
            assert outcome == [None]
            break
    assert len(seen) > 8
    assert seen == ["old"] * seen.count("old") + ["new"] * seen.count("new")  # in one step
    assert min(seen.count("old"), seen.count("new")) > 3


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("late", [False, True], ids=["before it", "behind it"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["goes on", "is killed"])
def test_whichever_call_fails_one_of_the_two_has_the_place(
    quick_folder: Path, *, lasts: bool, late: bool, is_killed: bool
) -> None:
    for number, root in roots(quick_folder):
        store, dropped = prepare(root)
        with disk_of(root) as disk:
            with failing(disk, errno.EIO, at=number, lasts=lasts, late=late) as fault:
                outcome = refusals(store, replace(dropped, "sales"))
                names = store.instances("codechat")
            if outcome != [None]:
                assert outcome == [StoreUnavailable], fault.where
            assert names == ["sales"], fault.where
        store = start_after_kill(root) if is_killed else store
        if outcome == [None]:
            assert look(store) == "new"
        look_and_go_on(store, root)
        if not fault.hits:
            return


@pytest.mark.parametrize("is_killed", [False, True], ids=["goes on", "is killed"])
def test_what_was_written_after_a_replacement_was_taken_back_is_there(folder: Path, *, is_killed: bool) -> None:
    store, dropped = prepare(folder)
    commit(store, write(KEY, b'"old"'))  # so that the journal needs no sync of its folder
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat$", "fsync")):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
        assert refusals(store, write(CREDS, creds(3))) == [StoreUnavailable]
        assert read_all(store, *FILES) == OLD
    commit(store, write(CREDS, creds(4)))
    store = start_after_kill(folder) if is_killed else store
    assert read_all(store, *FILES) == [creds(4), *OLD[1:]]
    commit(store, replace(dropped, "sales"))
    assert read_all(store, *FILES) == NEW
    store.close()


def test_what_cannot_be_moved_to_the_place_nor_back_is_no_instance_less(folder: Path) -> None:
    store, dropped = prepare(folder)
    with (
        disk_of(folder) as disk,
        disk.failing(errno.EIO, lambda call: call.function == "rename" and call.paths[1] == "codechat/sales") as fault,
    ):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
        assert fault.hits == 2
        assert store.instances("codechat") == ["sales"]
        assert [one.instance for one in store.drops()] == ["support"]
        assert read_all(store, CREDS, WAITING) == [creds(2), b'"waits"']
        with pytest.raises(StoreUnavailable):
            store.versions("codechat", "sales")  # nobody is told that there is nothing
        assert not (folder / "codechat" / "sales").exists()
    assert store.versions("codechat", "sales")
    assert look_and_go_on(store, folder) == "old"


def test_a_kill_there_has_the_new_one_in_the_place_and_that_is_told(folder: Path) -> None:
    store, dropped = prepare(folder)
    with (
        disk_of(folder) as disk,
        disk.failing(errno.EIO, lambda call: call.function == "rename" and call.paths[1] == "codechat/sales"),
    ):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
    store = start_after_kill(folder)
    told = [(event.event, event.instance) for event in store.events(0)]
    assert told[-3:-1] == [("instance_dropped", "sales"), ("instance_restored", "support")]
    assert look_and_go_on(store, folder) == "new"


def test_what_is_written_down_of_one_that_was_taken_back_never_makes_it(folder: Path) -> None:
    store, dropped = prepare(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat$", "fsync")):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
    assert (folder / REPLACING).exists()
    commit(store, DropInstance("codechat", "sales"))
    store = start_after_kill(folder)
    assert store.instances("codechat") == []
    assert sorted(one.instance for one in store.drops()) == ["sales", "support"]
    assert not (folder / REPLACING).exists()
    store.close()


@pytest.mark.parametrize("written", [b"", b"\0" * 60, b"codechat/sales", b"a/b\0c/d\0e/f", b"\xff" * 70_000])
def test_a_start_survives_whatever_is_written_down(folder: Path, written: bytes) -> None:
    store, _ = prepare(folder)
    store.close()
    (folder / REPLACING).write_bytes(written)
    store = start(folder)
    assert look_and_go_on(store, folder) == "old"


def test_what_is_written_down_is_told_apart_from_what_somebody_did_by_hand(folder: Path) -> None:
    """One that was moved away by hand is not replaced at the next start by what would have come once."""
    store, dropped = prepare(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about("^codechat$", "fsync")):
        assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
    store.close()
    assert (folder / REPLACING).exists()
    (folder / "codechat" / "sales").rename(folder.parent / "elsewhere")
    store = start(folder)
    assert store.instances("codechat") == []
    assert [one.instance for one in store.drops()] == ["support"]
    store.close()


QUESTIONS: dict[str, Callable[[FileStore], object]] = {
    "creds": lambda store: store.read(CREDS),
    "a key": lambda store: store.read(KEY),
    "keys": lambda store: store.read_many("codechat", "sales", ["creds", KEY.key], 10**6),
    "names": lambda store: store.names("codechat", "sales", beginning="", after="", most=9),
    "check": lambda store: store.check_creds("codechat", "sales"),
    "versions": lambda store: len(store.versions("codechat", "sales")),
    "instances": lambda store: store.instances("codechat"),
    "recall": lambda store: store.recall(CREDS) or 1,
}


@pytest.mark.usefixtures("telling_locks")
@pytest.mark.parametrize("name", QUESTIONS)
def test_whoever_reads_meanwhile_is_never_told_that_there_is_none(quick_folder: Path, name: str) -> None:
    question = QUESTIONS[name]
    for number, root in roots(quick_folder):
        store, dropped = prepare(root, is_settled=True)
        call = Stopped(
            partial(store.commit, [replace(dropped, "sales")]), number, modules=("moves", "replacing", "leaving")
        )
        asked = Overtaking(partial(question, store))
        assert call.result() == [None]
        assert asked.result() is not None or name == "check", call.where
        store.close()
        if not call.stops:
            break
    assert number > 30


def test_a_read_that_began_before_is_answered_with_what_has_the_place_now(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, dropped = prepare(folder)
    store.close()
    store = start(folder)
    real = os.open
    done: list[object] = []

    def overtaken(path: str, *arguments: object, **named: object) -> int:
        if path == KEY.key and not done:
            done.append(store.commit([replace(dropped, "sales")]))
        return real(path, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", overtaken)
    assert store.read(KEY) == b'"new"'
    assert done == [[None]]
    store.close()


def test_one_of_which_the_folder_is_gone_gives_up_its_place(folder: Path) -> None:
    store, dropped = prepare(folder, is_settled=True)
    shutil.rmtree(folder / "codechat" / "sales")
    commit(store, replace(dropped, "sales"))
    assert read_all(store, *FILES) == NEW
    assert store.drops() == []
    store.close()


@pytest.mark.parametrize("what", ["file", "link", "other folder"])
def test_what_is_not_its_folder_is_not_replaced(folder: Path, what: str) -> None:
    store, dropped = prepare(folder, is_settled=True)
    place = folder / "codechat" / "sales"
    place.rename(folder.parent / "elsewhere")
    if what == "file":
        place.write_text("somebody's")
    elif what == "link":
        place.symlink_to(folder.parent / "elsewhere")
    else:
        place.mkdir()
    assert refusals(store, replace(dropped, "sales")) == [StoreUnavailable]
    assert [one.instance for one in store.drops()] == ["support"]
    if what == "other folder":
        place.rmdir()
    else:
        place.unlink()
    (folder.parent / "elsewhere").rename(place)
    assert look(store) == "old"
    commit(store, replace(dropped, "sales"))
    assert look_and_go_on(store, folder) == "new"


def test_one_that_came_there_after_the_start_gives_up_its_place(folder: Path) -> None:
    store, dropped = prepare(folder, is_settled=True)
    place = folder / "codechat" / "new"
    place.mkdir()
    (place / "creds").write_bytes(creds(9, 9))
    commit(store, replace(dropped, "new"))
    assert kept(store, CREDS._replace(instance="new")).values[0] == creds(2, 2)
    [replaced] = store.drops()
    commit(store, restore(replaced, "back"))
    assert read_all(store, CREDS._replace(instance="back")) == [creds(9, 9)]
    store.close()


def test_what_was_replaced_can_be_erased_and_its_name_is_given_to_no_other_drop(folder: Path) -> None:
    store, dropped = prepare(folder)
    commit(store, replace(dropped, "sales"))
    [replaced] = store.drops()
    commit(store, purge(replaced))
    assert store.drops() == []
    store = start_after_kill(folder)
    assert read_all(store, *FILES) == NEW
    later = drop(store)
    assert later.when > replaced.when
    with pytest.raises(WorkerError):
        store.check_creds("codechat", "sales")
    store.close()
