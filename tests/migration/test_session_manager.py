"""session-manager's folders come with their groups, and with every name that its API can ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sessionworker.migration.found import SourceError
from sessionworker.migration.judging import judge
from sessionworker.migration.notes import Level
from sessionworker.migration.sources.session_manager import open_session_manager, open_session_manager_node
from tests.migration.examples import account
from tests.migration.places import codes, differing, everything_in, names, only, text_of_note, write_fixed, write_raw

UUID = "3f1c9b1e-1d1f-4c55-9a52-2a7a3d5f0001"


def test_each_instance_of_each_group_is_an_account(tmp_path: Path) -> None:
    write_raw(tmp_path / "evolution" / UUID, account("a"))
    write_raw(tmp_path / "codechat" / "São João", account("b"))
    (tmp_path / "codechat" / "São João" / "pre-key-4").write_bytes(b"")
    (tmp_path / "codechat" / "São João" / "pre-key-5").write_bytes(b"null")
    (tmp_path / "codechat" / "São João" / "pre-key-6").mkdir()
    (tmp_path / "codechat" / "README").touch()
    (tmp_path / "notes.txt").touch()
    before = everything_in(tmp_path)
    source = open_session_manager(tmp_path)
    assert [(one.group, one.name) for one in source.accounts()] == [("evolution", UUID), ("codechat", "São João")]
    evolution, codechat = (source.read(one) for one in source.accounts())
    assert differing(evolution.values, {k: v for k, v in account("a").items() if "/" not in k}) == []
    assert codes(evolution.notes) == []
    assert codes(codechat.notes) == ["skipped_empty", "skipped_foreign", "skipped_null"]
    assert codes(judge(codechat.values)) == ["app_state_key_missing"]
    assert "(2): codechat/README, notes.txt." in text_of_note(source.notes(), "files_left")
    assert everything_in(tmp_path) == before


def test_an_instance_without_files_is_made_empty(tmp_path: Path) -> None:
    write_raw(tmp_path / "codechat" / "a", account())
    (tmp_path / "codechat" / "cloud").mkdir()
    (tmp_path / "codechat" / "Loja (1)").mkdir()
    found = open_session_manager(tmp_path).accounts()
    assert [(one.name, one.is_empty) for one in found] == [("Loja (1)", True), ("a", False), ("cloud", True)]
    assert codes(found[0].notes) == ["instance_is_empty", "name_never_stored"]
    assert "names with ( ) again" in text_of_note(found[0].notes, "name_never_stored")
    assert codes(found[2].notes) == ["instance_is_empty"]
    assert open_session_manager(tmp_path).read(found[0]).values == {}


def test_an_installation_without_any_file_has_its_instances(tmp_path: Path) -> None:
    (tmp_path / "codechat" / "a").mkdir(parents=True)
    assert names(open_session_manager(tmp_path)) == ["a"]


def test_two_folders_that_mean_one_name_are_a_question_and_the_newer_one_is_told(tmp_path: Path) -> None:
    for number, name in enumerate(("Loja 1", "Loja%201")):
        folder = write_raw(tmp_path / "codechat" / name, account())
        os.utime(folder / "creds", (number, number))
    write_raw(tmp_path / "evolution" / "Loja 1", account("other"))
    write_raw(tmp_path / "codechat" / "Loja%FF", account("third"))
    found = open_session_manager(tmp_path).accounts()
    assert [(one.group, one.name) for one in found] == [
        ("codechat", "Loja 1"),
        ("codechat", "Loja 1"),
        ("evolution", "Loja 1"),
        ("codechat", "Loja%FF"),
    ]
    assert [codes(one.notes) for one in found] == [["same_name"], ["same_name"], [], []]
    [note] = found[0].notes
    assert note.level is Level.QUESTION
    assert note.text().startswith(f"{tmp_path}/codechat/Loja%201 would have the same name, Loja 1; {tmp_path}")
    assert "Loja%201 was written last" in note.text()


def test_names_that_stand_for_none_are_told(tmp_path: Path) -> None:
    write_raw(tmp_path / "codechat" / "a", account())
    write_raw(tmp_path / "codechat" / "b%2Fc", account())
    write_raw(tmp_path / "codechat" / "lost+found", account())
    source = open_session_manager(tmp_path)
    assert names(source) == ["a"]
    assert [note.details["count"] for note in source.notes()] == ["2"]
    assert codes(source.notes()) == ["names_left"]


# The first releases, in JavaScript


def test_the_first_release_had_no_groups(tmp_path: Path) -> None:
    write_raw(tmp_path / "a", account(), ".json")
    found, reading = only(open_session_manager_node(tmp_path))
    assert (found.group, found.name) == ("", "a")
    assert differing(reading.values, {k: v for k, v in account().items() if "/" not in k}) == []


def test_the_later_ones_had_groups(tmp_path: Path) -> None:
    write_raw(tmp_path / "codechat" / "a", account(), ".json")
    found, reading = only(open_session_manager_node(tmp_path))
    assert (found.group, found.name) == ("codechat", "a")
    assert codes(judge(reading.values)) == ["app_state_key_missing"]


def test_where_both_lie_the_operator_says_which(tmp_path: Path) -> None:
    write_raw(tmp_path / "a", account(), ".json")
    write_raw(tmp_path / "codechat" / "b", account(), ".json")
    with pytest.raises(SourceError, match="--release says which to take"):
        open_session_manager_node(tmp_path)
    for release, name in {"1": "a", "2": "b", "3": "b"}.items():
        source = open_session_manager_node(tmp_path, release=release)
        assert names(source) == [name]
        assert codes(source.notes()) == ["folders_left"]
    with pytest.raises(SourceError, match="--release is one of 1, 2, 3"):
        open_session_manager_node(tmp_path, release="4")


def test_a_folder_of_baileys_is_not_taken_for_one_of_the_first_release(tmp_path: Path) -> None:
    write_fixed(tmp_path / "a", account())
    assert codes(only(open_session_manager_node(tmp_path))[1].notes) == ["looks_fixed"]
