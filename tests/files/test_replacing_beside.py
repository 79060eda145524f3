"""An instance takes the place of another beside reads, and where somebody has changed the folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable, WorkerError
from sessionworker.stores.files.store import FileStore
from tests.contract.words import (
    CREDS,
    KEY,
    commit,
    creds,
    drop,
    kept,
    purge,
    read_all,
    refusals,
    replace,
    restore,
)
from tests.files.replacing import FILES, NEW, look, look_and_go_on, prepare, roots
from tests.files.stops import Overtaking, Stopped
from tests.files.words import start, start_after_kill

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
