"""A value is one plain file with exactly its bytes, under its own name and for its owner; the rest is left alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessionworker.errors import NoSuchGroup
from sessionworker.file_names import decode_name
from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropGroup
from tests.contract.words import (
    CREDS,
    KEY,
    SUPPORT,
    changes,
    commit,
    create,
    creds,
    delete,
    drop,
    purge,
    read_and_recall,
    refusals,
    restore,
    write,
)
from tests.files.words import contents, folder_of, id_file_of, own_folder, session_files, start, start_after_kill

VALUES = {
    "creds": b' {"me":\t1}\n',
    "session-5511999999999.0": b'"x"',
    "a b": b" []\n",
    ".x": b"{}",
    "...": b"3",
    "a\xe7\xe3o": b'"\xc3\xa7"',
    "\U0001f511": b"1",
    "new\nline": b"4",
    "AA/+on==": b"5",
    "%": b"2",
    "%2F": b"6",
    ".sessionworker": b"7",
    ".hidden": b"8",
    "id-1": b"9",
    "lost+found": b"10",
}

FILE_NAMES = {
    **{key: key for key in VALUES},
    "AA/+on==": "AA%2F+on==",
    "%2F": "%252F",
    ".sessionworker": "%2Esessionworker",
    "lost+found": "%6Cost+found",
}


def test_a_value_is_one_plain_file_with_exactly_its_bytes_under_its_own_name(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, *(write(CREDS._replace(key=key), value) for key, value in VALUES.items()))
    store.checkpoint()
    expected = {f"codechat/sales/{FILE_NAMES[key]}": value for key, value in VALUES.items()}
    assert session_files(folder) == expected
    for opened in (store, start_after_kill(folder)):
        assert {key: read_and_recall(opened, CREDS._replace(key=key)) for key in VALUES} == VALUES
    start_after_kill(folder).close()
    assert session_files(folder) == expected


@pytest.mark.parametrize("name", ["Loja S\xe3o", ".loja", " ", "a:b", "100%", ".sessionworker-1", "lost+found", "..."])
def test_groups_and_instances_have_folders_of_their_own_names(folder: Path, name: str) -> None:
    file = SessionFile(name, name, "creds")
    store = start(folder)
    create(store, file)
    commit(store, write(file, creds(1)))
    store.close()
    [path] = session_files(folder)
    assert [decode_name(part) for part in path.split("/")] == [name, name, "creds"]
    store = start(folder)
    assert store.groups() == store.instances(name) == [name]
    assert read_and_recall(store, file) == creds(1)
    commit(store, DropGroup(name))
    [dropped] = store.drops()
    commit(store, restore(dropped))
    assert read_and_recall(store, file) == creds(1)
    store.close()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00/"), min_size=1, max_size=60)))
def test_whatever_the_keys_are_they_are_there_after_the_next_start(folder: Path, keys: set[str]) -> None:
    values = {
        CREDS._replace(key=key): b'"%d"' % number for number, key in enumerate(sorted(keys - {".", "..", "creds"}))
    }
    store = start(folder)
    create(store)
    commit(store, *(write(file, value) for file, value in values.items()))
    store.close()
    store = start(folder)
    assert {file: read_and_recall(store, file) for file in values} == values
    commit(store, *map(delete, values))
    store.close()
    assert session_files(folder) == {}


def test_files_and_folders_are_for_their_owner_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        store = start(folder, sync=True)
        create(store, CREDS, SUPPORT)
        commit(store, write(CREDS, creds(1)), write(SUPPORT, creds(1)), write(KEY, b"1"))
        store.checkpoint()
        commit(store, purge(drop(store, SUPPORT)), write(CREDS, creds(2)), CreateInstance("other", "one"))
        drop(store, SessionFile("other", "one", "creds"))
        store.check()
        store.checkpoint()
        commit(store, write(KEY, b"2"))
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert len(modes) > 20
    assert {path: oct(mode) for path, mode in modes.items() if path.is_dir() and mode != 0o700} == {}
    assert {path: oct(mode) for path, mode in modes.items() if path.is_file() and mode != 0o600} == {}
    store.close()


def test_what_the_worker_has_in_an_instance_s_folder_is_its_id_and_versions_alone(folder: Path) -> None:
    store = start(folder)
    create(store)
    commit(store, write(CREDS, creds(1)), write(KEY, b"1"))
    store.close()
    ours = own_folder(folder_of(folder))
    assert sorted(path.name for path in ours.iterdir()) == [id_file_of(folder_of(folder)).name, "versions"]
    assert [path.read_bytes() for path in (ours / "versions").iterdir()] == [creds(1)]


# What is not ours


def strange_files(folder: Path) -> dict[str, bytes]:
    """Put files into a store and an instance's folder that are nobody's session files, and return them."""
    instance = folder_of(folder)
    (folder / "lost+found").mkdir(parents=True)
    (instance / "folder").mkdir(parents=True)
    for path in (
        folder / "README",
        folder / "lost+found" / "#1",
        folder / "codechat" / "notes.txt",
        folder / os.fsdecode(b"\xff") / "creds",
        folder / "codechat" / os.fsdecode(b"\xff") / "creds",
        instance / os.fsdecode(b"\xff%FF"),
        instance / "%FF",
        instance / "folder" / "creds",
        instance / ".sessionworker-5",
        own_folder(instance) / "of somebody",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(path.name))
    (instance / "link").symlink_to(folder / "README")
    return {name: value for name, value in contents(folder).items() if not name.startswith(".sessionworker")}


def test_files_and_folders_that_are_not_ours_are_left_alone(folder: Path) -> None:
    strange = strange_files(folder)
    for number in range(2):
        store = start(folder)
        assert store.groups() == ["codechat"]
        assert store.instances("codechat") == ["sales"]
        assert read_and_recall(store, CREDS._replace(key="new")) == (b"1" if number else None)
        commit(store, write(CREDS._replace(key="new"), b"1"))
        store.close()
        assert strange.items() <= contents(folder).items()
        assert (folder_of(folder) / "link").is_symlink()


def test_they_go_and_come_back_with_their_instance(folder: Path) -> None:
    strange_files(folder)
    foreign = contents(folder_of(folder))
    store = start(folder)
    dropped = drop(store)
    assert not folder_of(folder).exists()
    commit(store, restore(dropped))
    store.close()
    assert foreign.items() <= contents(folder_of(folder)).items()


def test_lost_and_found_is_no_group_though_a_group_may_have_its_name(folder: Path) -> None:
    (folder / "lost+found" / "#12").mkdir(parents=True)
    store = start(folder)
    assert refusals(store, DropGroup("lost+found")) == [NoSuchGroup]
    commit(store, CreateGroup("lost+found"))
    assert store.instances("lost+found") == []
    commit(store, DropGroup("lost+found"))
    store.close()
    assert (folder / "lost+found" / "#12").is_dir()


# What stands in a key's place


@pytest.mark.parametrize("what", ["folder", "link", "dangling link", "pipe"])
def test_what_stands_in_a_key_s_place_and_is_no_file_holds_nothing_and_is_kept_when_the_key_is_written(
    folder: Path, tmp_path: Path, what: str
) -> None:
    (tmp_path / "elsewhere").write_bytes(b'"elsewhere"')
    place = folder_of(folder) / KEY.key
    place.parent.mkdir(parents=True)
    match what:
        case "folder":
            place.mkdir()
            (place / "of somebody").write_bytes(b"?")
        case "link":
            place.symlink_to(tmp_path / "elsewhere")
        case "dangling link":
            place.symlink_to(tmp_path / "nowhere")
        case "pipe":
            os.mkfifo(place)
    store = start(folder)
    assert read_and_recall(store, KEY) is None
    commit(store, write(KEY, b'"new"'))
    store.checkpoint()
    assert read_and_recall(store, KEY) == b'"new"'
    store.close()
    assert place.read_bytes() == b'"new"'
    assert not place.is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == b'"elsewhere"'
    assert not (tmp_path / "nowhere").exists()
    if what == "folder":
        assert b"?" in contents(own_folder(folder_of(folder)) / "broken").values()


def test_a_folder_in_a_key_s_place_is_set_aside_by_a_deletion_and_among_many_files_too(folder: Path) -> None:
    files = [CREDS._replace(key=f"k{number}") for number in range(100)]  # so many are written together
    for file in (files[50], files[99]):
        (folder_of(folder) / file.key / "of somebody").mkdir(parents=True)
    store = start(folder, sync=True)
    commit(store, changes(*(write(file, b"1").changes[0] for file in files[:99])), delete(files[99]))
    store.close()
    assert session_files(folder) == {f"codechat/sales/{file.key}": b"1" for file in files[:99]}
    kept = own_folder(folder_of(folder)) / "broken"
    assert sorted(path.name.split("-")[-1] for path in kept.iterdir()) == ["k50", "k99"]
