"""What the journal holds after a crash is given to its instance wherever that lies by then, or is said to be lost."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from sessionworker.disk import opened_folder
from sessionworker.errors import NoSuchInstance, StoreUnavailable
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateInstance, DropGroup, DropInstance, Entry
from sessionworker.stores.files.segments import HEAD_SIZE, Segment, name_of
from sessionworker.stores.files.store import FileStore
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
    read_and_recall,
    refusals,
    restore,
    write,
)
from tests.defects.calls import about
from tests.defects.faults import disk_of
from tests.files.words import (
    JOURNAL,
    contents,
    count_of,
    folder_of,
    id_of,
    kill,
    own_folder,
    start,
    start_after_kill,
    tried,
    try_checkpoint,
    with_values_in_the_journal,
)

NEW_NAME = CREDS._replace(instance="new name")


# Moved by the worker


def drop_it(_: FileStore) -> Entry:
    return DropInstance("codechat", "sales")


def drop_its_group(_: FileStore) -> Entry:
    return DropGroup("codechat")


def restore_it(store: FileStore) -> Entry:
    return restore(drop(store), "new name")


def purge_it(store: FileStore) -> Entry:
    return purge(drop(store))


def make_it_again(store: FileStore) -> Entry:
    drop(store)
    return CreateInstance("codechat", "sales")


@pytest.mark.parametrize("move", [drop_it, drop_its_group, restore_it, purge_it, make_it_again])
def test_its_values_follow_an_instance_whose_move_was_overtaken_by_a_crash_at_any_call(
    folder: Path, move: Callable[[FileStore], Entry]
) -> None:
    for number in count(1):
        root = folder / str(number)
        store = with_values_in_the_journal(root)
        entry = move(store)
        with disk_of(root) as disk, disk.crashing(number) as crash:
            store.commit([entry])
        for _ in range(2):
            reports: list[str] = []
            store = start_after_kill(root, reports)
            assert count_of(store, "instances_lost") == 0, f"{crash.where}: {reports}"
            found = [CREDS._replace(instance=name) for name in store.instances("codechat")] if store.groups() else []
            drops = [one for one in store.drops() if one.instance == "sales"]
            here = [file for file in found if file.instance != "support" and store.read(file) is not None]
            if move is not purge_it:
                assert len(here) + len(drops) == 1, crash.where
            for one in drops:
                commit(store, restore(one, "back"))
                here.append(CREDS._replace(instance="back"))
            for file in here:
                assert kept(store, file).values == [creds(2), b'"new"', None], crash.where
                assert kept(store, file).versions == [creds(2), creds(1)], crash.where
            if SUPPORT in found:
                assert read_and_recall(store, SUPPORT) == creds(2, 2)
        start_after_kill(root).close()
        if not crash.hits:
            assert number > 2
            break


def test_its_values_are_found_in_a_drop_of_another_name_though_the_journal_was_not_told_of_its_moves(
    folder: Path,
) -> None:
    store = with_values_in_the_journal(folder)
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(JOURNAL, "pwritev")):
        commit(store, restore(drop(store), "new name"), DropInstance("codechat", "new name"))
    store = start_after_kill(folder)
    assert count_of(store, "instances_lost") == 0
    [dropped] = store.drops()
    commit(store, restore(dropped))
    assert kept(store, NEW_NAME).values == [creds(2), b'"new"', None]
    store.close()


def test_what_was_purged_is_no_loss_even_if_the_journal_holds_it_long_after(folder: Path, reports: list[str]) -> None:
    store = with_values_in_the_journal(folder)
    commit(store, purge(drop(store)))
    for _ in range(3):
        store = start_after_kill(folder, reports)
        assert store.instances("codechat") == ["support"]
        assert store.drops() == []
        assert count_of(store, "instances_lost") == 0
        create(store)
        assert read_all(store, CREDS, KEY, SUPPORT) == [None, None, creds(2, 2)]
        commit(store, purge(drop(store)))
    store.close()
    assert [line for line in reports if "nowhere" in line] == []


def test_what_was_purged_is_no_loss_if_the_journal_could_not_be_let_go_of_before(folder: Path) -> None:
    store = with_values_in_the_journal(folder)
    commit(store, purge(drop(store)))
    with disk_of(folder) as disk, disk.failing(errno.EIO, about(JOURNAL, "rename", "unlink")):
        try_checkpoint(store)
        try_checkpoint(store)
    store = start_after_kill(folder)
    assert count_of(store, "instances_lost") == 0
    assert list((own_folder(folder) / "lost").iterdir()) == []
    store.checkpoint()
    assert list((own_folder(folder) / "purged").iterdir()) == []
    store.close()


# Moved by a person


@pytest.mark.parametrize("place", ["codechat/new name", "another group/sales", "codechat/..."])
def test_its_values_follow_an_instance_whose_folder_a_person_moved_meanwhile(folder: Path, place: str) -> None:
    with_values_in_the_journal(folder)
    (folder / place).parent.mkdir(exist_ok=True)
    folder_of(folder).rename(folder / place)
    group, instance = place.split("/")
    file = SessionFile(group, instance, "creds")
    for _ in range(2):
        store = start_after_kill(folder)
        assert read_all(store, file, file._replace(key=KEY.key), SUPPORT) == [creds(2), b'"new"', creds(2, 2)]
        with pytest.raises(NoSuchInstance):
            store.read(CREDS)
    store.close()


def test_values_whose_instance_is_nowhere_are_kept_for_a_person_and_that_is_said_loudly(
    folder: Path, reports: list[str]
) -> None:
    with_values_in_the_journal(folder)
    id_ = id_of(folder_of(folder))
    shutil.move(folder_of(folder), folder.with_name("elsewhere"))
    store = start_after_kill(folder, reports)
    lost = own_folder(folder) / "lost" / id_
    [line] = [line for line in reports if "nowhere" in line]
    assert "instance 'sales' in group 'codechat'" in line
    assert str(lost.relative_to(folder)) in line
    assert count_of(store, "instances_lost") == 1
    assert store.instances("codechat") == ["support"]
    assert store.drops() == []
    commit(store, write(SUPPORT, creds(3, 2)))
    for _ in range(2):
        store.checkpoint()
        assert (lost / "creds").read_bytes() == creds(2)
        assert (lost / KEY.key).read_bytes() == b'"new"'
        assert id_of(lost) == id_
        store = start_after_kill(folder)
        assert count_of(store, "instances_lost") == 0  # it was said once, and the values have their files
    create(store)
    assert read_all(store, CREDS, KEY, SUPPORT) == [None, None, creds(3, 2)]
    store.close()


def test_values_that_two_folders_might_be_meant_to_have_are_given_to_neither(folder: Path) -> None:
    with_values_in_the_journal(folder)
    shutil.copytree(folder_of(folder), folder_of(folder, NEW_NAME))
    folder_of(folder).rename(folder / "codechat" / "another")
    before = [contents(folder / "codechat" / name) for name in ("another", "new name")]
    store = start_after_kill(folder)
    assert count_of(store, "instances_lost") == 0
    for name in ("another", "new name"):
        file = CREDS._replace(instance=name)
        assert tried(partial(store.read, file)) is StoreUnavailable
        assert refusals(store, write(file, creds(3))) == [StoreUnavailable]
    store.close()
    assert [contents(folder / "codechat" / name) for name in ("another", "new name")] == before
    shutil.rmtree(folder / "codechat" / "new name")
    store = start(folder)
    assert read_all(store, CREDS._replace(instance="another")) == [creds(2)]
    store.close()


def test_values_that_were_lost_twice_are_in_one_folder(folder: Path) -> None:
    with_values_in_the_journal(folder)
    id_ = id_of(folder_of(folder))
    shutil.move(folder_of(folder), folder.with_name("elsewhere"))
    for _ in range(3):  # and no checkpoint in between
        store = start_after_kill(folder)
        assert count_of(store, "instances_lost") == 1
    store.close()
    assert [path.name for path in (own_folder(folder) / "lost").iterdir()] == [id_]
    shutil.move(folder.with_name("elsewhere"), folder_of(folder))  # as the line says
    for path in (own_folder(folder) / "lost" / id_).iterdir():
        if path.is_file():
            shutil.copy(path, folder_of(folder))
    store = start(folder)
    assert read_all(store, CREDS, KEY) == [creds(2), b'"new"']
    store.close()


def test_a_segment_that_was_removed_at_a_start_takes_no_record_along_when_a_power_cut_brings_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash leaves a later segment whose first record is torn. A start removes it; the next goes on before it."""
    store = start(tmp_path, sync=True)
    create(store)
    commit(store, write(CREDS, creds(1)))
    journal = own_folder(tmp_path) / "journal"
    spare = min(journal.glob("spare-*"))
    with opened_folder(str(journal)) as folder:
        Segment.begin(spare.name, folder, 2, sync=True).close()
    with spare.open("r+b") as file:
        file.seek(HEAD_SIZE)
        file.write(b"torn")
    torn = journal / name_of(2)
    spare.rename(torn)
    still_there = tmp_path / "still there"
    os.link(torn, still_there)  # its name on the disk, until the folder is synced
    sync = os.fsync

    def note_sync(handle: int) -> None:
        sync(handle)
        if os.path.samestat(os.fstat(handle), journal.stat()) and not torn.exists():
            still_there.unlink(missing_ok=True)

    monkeypatch.setattr(os, "fsync", note_sync)
    start_after_kill(tmp_path, sync=True)
    store = start_after_kill(tmp_path, sync=True)
    commit(store, write(CREDS, creds(2)))
    kill(tmp_path)
    if still_there.exists():  # a power cut undoes the removal
        still_there.rename(torn)
    assert start(tmp_path).read(CREDS) == creds(2)
