"""Dropped instances: what was acknowledged about them holds, whatever the disk does at any moment."""

from __future__ import annotations

import errno
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from sessionworker.errors import NoSuchDrop, WorkerError
from tests.defects.calls import made_at, naming
from tests.defects.faults import disk_of, noting, rehearse
from tests.defects.store import (
    CREDS,
    Store,
    check_creds,
    checkpoint,
    close,
    commit,
    create,
    creds,
    drop,
    drop_group,
    dropping,
    drops,
    file_of,
    instances,
    is_done,
    kill,
    known_names,
    open_store,
    own_folder,
    purge,
    read,
    restore,
    restoring,
    try_checkpoint,
    write,
    writing,
)
from tests.defects.threads import Beside, Stopped
from tests.memory import Worker

OTHER = CREDS._replace(group="h", instance="x")
"""The creds of an instance of another group."""


def paired(folder: Path) -> Store:
    """A store with an instance that has creds, all in its files."""
    store = open_store(folder, sync=True)
    create(store)
    write(store, CREDS, creds(7))
    checkpoint(store)
    return store


def drop_and_save(store: Store) -> bool:
    """Drop the instance, and bring that into the files; tell whether the drop was acknowledged."""
    is_dropped = is_done(store, dropping("g", "a"))
    try_checkpoint(store)
    return is_dropped


def bring_back(store: Store) -> bool:
    """Restore the instance, and tell whether that was acknowledged."""
    try:
        [found] = drops(store)
    except (WorkerError, ValueError):
        return False
    return is_done(store, restoring(found))


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_a_restore_is_not_undone_by_a_crash_wherever_the_disk_failed_at_the_drop(folder: Path, error: int) -> None:
    problems: list[str] = []
    places = rehearse(folder / "rehearsal", paired, drop_and_save)
    for number, place in enumerate(places):
        root = folder / str(number)
        store = paired(root)
        with noting(problems, place):
            with disk_of(root) as disk, disk.failing(error, made_at(place)):
                is_dropped = drop_and_save(store)
                bring_back(store)
            if not is_dropped:
                assert read(store, CREDS) == creds(7)
                assert drop_and_save(store), "it cannot be dropped"
            if not instances(store):
                assert bring_back(store), "nobody can bring it back"
            kill(root)
            store = open_store(root)
            assert read(store, CREDS) == creds(7)
            check_creds(store)
        kill(root)
    assert not problems, "\n".join(problems)
    assert places


# Restores that fail


def dropped(folder: Path) -> Store:
    """A store with a group that was dropped, and an instance of another one; all in its files."""
    store = paired(folder)
    create(store, "h", "x")
    write(store, OTHER, creds(9, registration=2))
    drop_group(store, "g")
    checkpoint(store)
    return store


def restore_and_drop(store: Store) -> tuple[bool, bool]:
    """Restore the one and drop the other in one commit, and tell which of it was acknowledged."""
    [found] = drops(store)
    restored, gone = commit(store, restoring(found), dropping("h", "x"))
    return restored is None, gone is None


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_a_restore_that_fails_anywhere_holds_for_itself_and_its_neighbours_what_was_answered(
    folder: Path, error: int
) -> None:
    problems: list[str] = []
    late = OTHER._replace(key="pre-key-1")
    for number, place in enumerate(rehearse(folder / "rehearsal", dropped, restore_and_drop)):
        root = folder / str(number)
        store = dropped(root)
        [found] = drops(store)
        with noting(problems, place):
            with disk_of(root) as disk, disk.failing(error, made_at(place)):
                restored, gone = commit(store, restoring(found), dropping("h", "x"))
                is_written = is_done(store, writing(late, b"1"))
            assert not (gone is None and is_written)
            kill(root)
            store = open_store(root)
            if restored is None:
                assert read(store, CREDS) == creds(7)
            if gone is None:
                assert instances(store, "h") == []
                assert "x" in [one.instance for one in drops(store)]
            elif is_written:
                assert read(store, OTHER) == creds(9, registration=2)
                assert read(store, late) == b"1"
        kill(root)
    assert not problems, "\n".join(problems)


def test_a_restore_on_a_full_disk_does_not_stop_the_next_start_there(folder: Path) -> None:
    store = dropped(folder)
    [found] = drops(store)
    with disk_of(folder) as disk, disk.full():
        [refusal] = commit(store, restoring(found))
        kill(folder)
        store = open_store(folder)
        assert read(store, OTHER) == creds(9, registration=2)
        if refusal is None:
            assert read(store, CREDS) == creds(7)
    close(store)


def test_a_restore_that_the_disk_refuses_is_refused_in_words_and_does_not_take_place_later(folder: Path) -> None:
    with Worker(folder) as worker:
        assert worker.ask("POST", "/session/g", {"instance": "a"}).status == 204
        assert worker.ask("POST", "/session/g/a/creds", {"data": creds(7).decode()}).status == 204
        assert worker.ask("DELETE", "/admin/groups/g").status == 200
        assert worker.ask("POST", "/admin/checkpoint").status == 204
        [found] = worker.ask("GET", "/admin/drops").json
        with disk_of(folder) as disk, disk.full():
            status = worker.ask("POST", f"/admin/drops/g/a/{found['drop']}/restore").status
        assert status in {204, 503, 507}
    with Worker(folder) as worker:
        assert len(worker.ask("GET", "/admin/drops").json) == (0 if status == 204 else 1)
        assert worker.ask("GET", "/session/g/a/creds").status == (200 if status == 204 else 404)


# Drops beside other things


def test_a_drop_is_listed_and_can_be_undone_while_another_instance_s_files_cannot_follow(folder: Path) -> None:
    store = paired(folder)
    create(store, instance="b")
    checkpoint(store)
    with disk_of(folder) as disk, disk.failing(errno.EACCES, naming("^g/b/")):
        write(store, file_of("session-1", "b"), b"1")
        try_checkpoint(store)
        drop(store)
        assert [found.instance for found in drops(store)] == ["a"]
        restore(store, drops(store)[0])
        assert read(store, CREDS) == creds(7)
    close(store)


def test_a_purge_beside_a_restore_leaves_all_of_the_instance_or_nothing(folder: Path) -> None:
    for number in count(1):
        place = folder / str(number)
        store = open_store(place)
        create(store)
        write(store, CREDS, creds(7))
        drop(store)
        checkpoint(store)
        [found] = drops(store)
        with disk_of(place) as disk:
            restoring_it = Stopped(partial(restore, store, found), disk, at=number)
            purging = Beside(partial(purge, store))
            try:
                restoring_it.result()
            except NoSuchDrop:
                assert instances(store) == []
            else:
                assert read(store, CREDS) == creds(7), restoring_it.where
            purging.result()
        close(store)
        if restoring_it.where is None:
            assert number > 1
            return


def test_what_was_purged_leaves_no_folders(folder: Path) -> None:
    store = open_store(folder)

    def pass_through(group: str) -> list[Path]:
        create(store, group)
        write(store, CREDS._replace(group=group), creds(1))
        drop_group(store, group)
        checkpoint(store)
        purge(store)
        assert drops(store) == []
        checkpoint(store)
        return sorted(path for path in own_folder(folder).rglob("*") if path.is_dir())

    before = pass_through("first")
    for number in range(5):
        assert pass_through(f"g{number}") == before
    close(store)


def test_the_names_of_dropped_instances_do_not_count_towards_those_that_are_remembered(folder: Path) -> None:
    store = open_store(folder)
    for _ in range(3):
        create(store)
        for number in range(20):
            write(store, file_of(f"pre-key-{number}"), b"1")
        drop(store)
        checkpoint(store)
    assert instances(store) == []
    assert known_names(store) == 0
    close(store)
