"""An instance's id is made with it, and stays with it wherever its folder goes; two live ones never share one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sessionworker.errors import StoreUnavailable
from sessionworker.stores.changes import CreateInstance, DropGroup, DropInstance
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    commit,
    create,
    creds,
    drop,
    read_all,
    read_and_recall,
    refusals,
    restore,
    write,
)
from tests.files.words import folder_of, folder_of_drop, id_file_of, id_of, ids_in, own_folder, start, start_after_kill

COPY = CREDS._replace(instance="copy")
COPIED_KEY = COPY._replace(key=KEY.key)


def test_an_id_is_made_with_the_instance_and_never_twice(folder: Path) -> None:
    store = start(folder)
    names = [f"i{number}" for number in range(20)]
    commit(store, *(CreateInstance("g", name) for name in names))
    commit(store, *(DropInstance("g", name) for name in names), *(CreateInstance("g", name) for name in names))
    found = [path.name.split("-")[1] for path in folder.rglob("id-*")]
    assert len(found) == len(set(found)) == 40
    assert {len(id_) for id_ in found} == {32}
    store.close()


def test_it_is_kept_over_a_drop_a_restore_under_another_name_a_kill_and_a_start(folder: Path) -> None:
    store = start(folder)
    create(store)
    first = id_of(folder_of(folder))
    commit(store, write(CREDS, creds(1)))
    dropped = drop(store)
    store = start_after_kill(folder)
    commit(store, restore(dropped, "another"))
    assert id_of(folder / "codechat" / "another") == first
    store = start_after_kill(folder)
    commit(store, write(CREDS._replace(instance="another"), creds(2)), DropGroup("codechat"))
    store.close()
    store = start(folder)
    [dropped] = store.drops()
    commit(store, restore(dropped, "third"))
    store.close()
    assert id_of(folder / "codechat" / "third") == first


def test_an_instance_that_is_made_again_has_another_id_and_nothing_of_the_old_one(folder: Path) -> None:
    store = start(folder)
    create(store)
    first = id_of(folder_of(folder))
    commit(store, write(KEY, b"1"), DropInstance("codechat", "sales"), CreateInstance("codechat", "sales"))
    assert id_of(folder_of(folder)) != first
    for opened in (store, start_after_kill(folder)):
        assert read_and_recall(opened, KEY) is None
    start_after_kill(folder).close()


@pytest.mark.parametrize("is_used", [True, False], ids=["used", "not used"])
def test_a_folder_that_is_there_when_its_instance_is_created_keeps_its_id_and_its_values(
    folder: Path, *, is_used: bool
) -> None:
    store = start(folder)
    if is_used:
        create(store)
        commit(store, write(KEY, b"1"))
        dropped = drop(store)
        store.checkpoint()
        shutil.copytree(folder_of_drop(folder, dropped), folder_of(folder))  # as from a backup
    else:
        folder_of(folder).mkdir(parents=True)
        (folder_of(folder) / KEY.key).write_bytes(b"1")
    before = ids_in(folder_of(folder))
    create(store)
    assert read_and_recall(store, KEY) == b"1"
    commit(store, write(CREDS, creds(1)))
    assert before in ([], ids_in(folder_of(folder)))
    store.close()


# Copies


def copied(folder: Path) -> None:
    """Leave a store with an instance and a copy of its folder, both of which have its id."""
    store = start(folder)
    create(store)
    commit(store, write(CREDS, creds(1)), write(KEY, b'"before"'))
    store.close()
    shutil.copytree(folder_of(folder), folder_of(folder, COPY))


@pytest.mark.parametrize("first", ["original", "copy"])
@pytest.mark.parametrize("is_saved", [True, False], ids=["saved between", "not saved between"])
@pytest.mark.parametrize("ending", ["kill", "clean"])
def test_two_live_copies_of_one_folder_get_different_ids_and_do_not_mix(
    folder: Path, first: str, ending: str, *, is_saved: bool
) -> None:
    copied(folder)
    store = start(folder)
    files = [KEY, COPIED_KEY] if first == "original" else [COPIED_KEY, KEY]
    commit(store, write(files[0], b'"first"'))
    if is_saved:
        store.checkpoint()
    commit(store, write(files[1], b'"second"'), write(files[0], b'"first again"'))
    assert id_of(folder_of(folder)) != id_of(folder_of(folder, COPY))
    for _ in range(2):
        if ending == "clean":
            store.close()
        store = start_after_kill(folder)
        assert read_all(store, *files) == [b'"first again"', b'"second"']
        assert read_all(store, CREDS, COPY) == [creds(1), creds(1)]
    store.close()


@pytest.mark.parametrize(
    "is_saved",
    [
        pytest.param(True, id="saved"),
        pytest.param(False, id="not saved"),
    ],
)
def test_a_copy_made_after_a_kill_does_not_take_what_the_journal_holds_of_the_original(
    folder: Path, *, is_saved: bool
) -> None:
    store = start(folder)
    create(store)
    commit(store, write(KEY, b'"in the file"'))
    store.checkpoint()
    commit(store, write(KEY, b'"in the journal"'))
    shutil.copytree(folder_of(folder), folder_of(folder, COPY))
    store = start_after_kill(folder)
    commit(store, write(COPY, creds(1)))
    if is_saved:
        store.checkpoint()
    expected = [b'"in the journal"', b'"in the file"', None, creds(1)]
    assert read_all(store, KEY, COPIED_KEY, CREDS, COPY) == expected
    store = start_after_kill(folder)
    assert read_all(store, KEY, COPIED_KEY, CREDS, COPY) == expected
    store.close()


def test_a_folder_copied_back_from_a_backup_stands_beside_its_dropped_original(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(CREDS, creds(1)))
    store.checkpoint()
    backup = folder.with_name("backup")
    shutil.copytree(folder_of(folder), backup)
    commit(store, write(CREDS, creds(2)))
    dropped = drop(store)
    store.checkpoint()
    shutil.copytree(backup, folder_of(folder))
    store = start_after_kill(folder)
    assert read_and_recall(store, CREDS) == creds(1)
    commit(store, write(KEY, b"1"))
    store = start_after_kill(folder)
    assert read_all(store, CREDS, KEY) == [creds(1), b"1"]
    store.checkpoint()
    commit(store, restore(dropped, "other"))
    other = CREDS._replace(instance="other")
    assert read_and_recall(store, other) == creds(2)
    commit(store, write(other, creds(3)), write(CREDS, creds(4)))
    store = start_after_kill(folder)
    assert read_all(store, CREDS, other) == [creds(4), creds(3)]
    store.close()
    assert id_of(folder_of(folder)) != id_of(folder_of(folder, other))


# Odd ones


def test_an_instance_with_more_than_one_id_is_refused_and_no_other(folder: Path, reports: list[str]) -> None:
    copied(folder)
    (own_folder(folder_of(folder)) / f"id-{'0' * 32}").touch()
    store = start(folder, reports)
    for _ in range(2):
        assert refusals(store, write(KEY, b"1"), write(COPIED_KEY, b'"after"')) == [StoreUnavailable, None]
    assert len([line for line in reports if "more than one id" in line]) == 1
    assert read_all(store, KEY, COPIED_KEY) == [b'"before"', b'"after"']
    (own_folder(folder_of(folder)) / f"id-{'0' * 32}").unlink()
    commit(store, write(KEY, b"1"))
    store.close()


def test_a_file_in_the_place_of_what_is_ours_in_an_instance_s_folder_stops_no_other(
    folder: Path, reports: list[str]
) -> None:
    folder_of(folder).mkdir(parents=True)
    own_folder(folder_of(folder)).write_bytes(b"of somebody")
    store = start(folder, reports)
    create(store, SUPPORT)
    assert refusals(store, write(KEY, b"1"), write(SUPPORT, creds(1))) == [StoreUnavailable, None]
    store.close()
    assert own_folder(folder_of(folder)).read_bytes() == b"of somebody"
    assert len(reports) == 1


def test_an_instance_whose_folder_was_taken_by_another_one_s_is_refused(folder: Path) -> None:
    store = start(folder)
    create(store, CREDS, SUPPORT)
    commit(store, write(CREDS, creds(1)), write(SUPPORT, creds(2)))
    store.checkpoint()
    folder_of(folder).rename(folder / "elsewhere")
    folder_of(folder, SUPPORT).rename(folder_of(folder))
    for instance in ("sales", "support"):
        with pytest.raises(StoreUnavailable):
            store.check_creds("codechat", instance)
    folder_of(folder).rename(folder_of(folder, SUPPORT))
    (folder / "elsewhere").rename(folder_of(folder))
    assert read_all(store, CREDS, SUPPORT) == [creds(1), creds(2)]
    store.close()


def test_the_id_of_a_folder_that_could_not_be_taken_over_at_once_is_one(folder: Path) -> None:
    folder_of(folder).mkdir(parents=True)
    (own_folder(folder_of(folder))).mkdir()  # made, and no id in it yet, when the worker ended
    store = start(folder)
    commit(store, write(KEY, b"1"))
    store.close()
    assert [path.name for path in own_folder(folder_of(folder)).iterdir()] == [id_file_of(folder_of(folder)).name]
    store = start(folder)
    assert read_and_recall(store, KEY) == b"1"
    store.close()
