"""A folder of session-manager is used in place, and can be given back to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker.names import SessionFile
from tests.contract.words import CREDS, KEY, commit, creds, delete, read_and_recall, versions, write
from tests.files.sketches import GIVEN_BACK, OLD_FILES, OLD_VALUES, leave_files
from tests.files.words import folder_of, id_of, ids_in, own_folder, session_files, start, start_after_kill


@pytest.fixture
def old_folder(folder: Path) -> Path:
    """A store as session-manager leaves it."""
    leave_files(folder_of(folder), OLD_FILES)
    return folder


def files_of(names: dict[str, bytes]) -> dict[str, bytes]:
    return {f"codechat/sales/{name}": value for name, value in names.items()}


def test_it_is_read_in_place_and_reads_change_nothing_in_it(old_folder: Path) -> None:
    for _ in range(2):
        store = start(old_folder)
        assert store.instances("codechat") == ["sales"]
        assert {key: read_and_recall(store, CREDS._replace(key=key)) for key in OLD_VALUES} == OLD_VALUES
        assert read_and_recall(store, CREDS._replace(key="a%20b%3A")) is None
        store.close()
    assert session_files(old_folder) == files_of(OLD_FILES)
    assert not own_folder(folder_of(old_folder)).exists()


def test_after_use_every_file_has_the_name_by_which_session_manager_looks_for_it(old_folder: Path) -> None:
    store = start(old_folder)
    commit(store, write(KEY, b"1"))
    store.close()
    assert session_files(old_folder) == files_of({**GIVEN_BACK, KEY.key: b"1"})


@pytest.mark.parametrize("ending", ["clean", "kill"])
def test_what_it_wrote_meanwhile_is_used_again(old_folder: Path, ending: str) -> None:
    store = start(old_folder)
    commit(store, write(CREDS, creds(4)), write(KEY, b"1"))
    if ending == "kill":
        store = start_after_kill(old_folder)
    store.close()
    leave_files(folder_of(old_folder), {"creds": creds(5), "a%20c": b"2"})
    (folder_of(old_folder) / KEY.key).unlink()
    store = start(old_folder)
    assert read_and_recall(store, CREDS) == creds(5)
    assert read_and_recall(store, CREDS._replace(key="a c")) == b"2"
    assert read_and_recall(store, KEY) is None
    store.close()


@pytest.mark.parametrize("key", OLD_VALUES)
@pytest.mark.parametrize("is_read_first", [False, True], ids=["not read", "read"])
def test_a_key_of_it_is_deleted_for_good(old_folder: Path, key: str, *, is_read_first: bool) -> None:
    file = CREDS._replace(key=key)
    store = start(old_folder)
    if is_read_first:
        assert store.read(file) == OLD_VALUES[key]
    commit(store, delete(file))
    assert read_and_recall(store, file) is None
    store.checkpoint()
    assert read_and_recall(store, file) is None
    store.close()
    store = start(old_folder)
    assert read_and_recall(store, file) is None
    store.close()
    assert len(session_files(old_folder)) == len(OLD_FILES) - 1


@pytest.mark.parametrize("key", OLD_VALUES)
@pytest.mark.parametrize("is_killed", [False, True], ids=["saved", "killed"])
def test_a_key_of_it_is_overwritten_and_deleted_for_good(old_folder: Path, key: str, *, is_killed: bool) -> None:
    file = CREDS._replace(key=key)
    store = start(old_folder)
    commit(store, write(file, b'{"new":1}'))
    if is_killed:
        store = start_after_kill(old_folder)
        assert read_and_recall(store, file) == b'{"new":1}'
    store.checkpoint()
    assert read_and_recall(store, file) == b'{"new":1}'
    assert len(session_files(old_folder)) == len(OLD_FILES)
    commit(store, delete(file))
    store.close()
    store = start(old_folder)
    assert read_and_recall(store, file) is None
    store.close()
    assert len(session_files(old_folder)) == len(OLD_FILES) - 1


def test_the_creds_that_it_left_are_kept_as_a_version_when_they_are_written_over(old_folder: Path) -> None:
    store = start(old_folder)
    commit(store, write(CREDS, creds(4)))
    store.checkpoint()
    read = [store.read_version("codechat", "sales", one.version) for one in versions(store)]
    assert read == [creds(4), creds(3)]
    store.close()


def test_an_instance_of_it_gets_an_id_when_something_is_written_and_keeps_it(old_folder: Path) -> None:
    store = start(old_folder)
    commit(store, write(KEY, b"1"))
    first = id_of(folder_of(old_folder))
    store = start_after_kill(old_folder)
    commit(store, write(KEY, b"2"))
    store.close()
    assert ids_in(folder_of(old_folder)) == [first]


@pytest.mark.parametrize(
    ("group", "instance"),
    [("Loja%20S%C3%A3o", "balc%C3%A3o%201"), ("Loja São", "balcão 1"), ("Loja São", "balc%C3%A3o%201")],
    ids=["escaped", "plain", "mixed"],
)
@pytest.mark.parametrize("ending", ["clean", "kill"])
def test_folders_with_escapes_are_found_and_given_back_without(
    folder: Path, group: str, instance: str, ending: str
) -> None:
    leave_files(folder / group / instance, {"creds": creds(1), "k%20k": b"1"})
    file = SessionFile("Loja São", "balcão 1", "creds")
    store = start(folder)
    assert store.groups() == ["Loja São"]
    assert store.instances("Loja São") == ["balcão 1"]
    assert read_and_recall(store, file) == creds(1)
    commit(store, write(file, creds(2)))
    if ending == "kill":
        store = start_after_kill(folder)
        assert read_and_recall(store, file) == creds(2)
    store.close()
    assert session_files(folder) == {"Loja São/balcão 1/creds": creds(2), "Loja São/balcão 1/k k": b"1"}


@pytest.mark.parametrize("name", [".loja", "...", ".x y"])
def test_a_folder_with_a_leading_dot_is_served(folder: Path, name: str) -> None:
    leave_files(folder / name / name, {"creds": creds(1)})
    file = SessionFile(name, name, "creds")
    store = start(folder)
    assert store.groups() == store.instances(name) == [name]
    assert read_and_recall(store, file) == creds(1)
    commit(store, write(file, creds(2)))
    store.close()
    assert session_files(folder) == {f"{name}/{name}/creds": creds(2)}
