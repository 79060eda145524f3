"""Of session-manager's databases the newest row of each key is taken, and of creds the newest that are paired."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionworker.migration.found import SourceError
from sessionworker.migration.sources.session_manager_sqlite import open_session_manager_sqlite
from tests.migration.databases import in_a_string, write_gorm
from tests.migration.examples import account, paired_creds, text_of, unpaired_creds
from tests.migration.places import codes, differing, everything_in, names, only, text_of_note

ROWS = [(key, in_a_string(value)) for key, value in account().items()]


def test_each_database_is_an_account_of_its_group(tmp_path: Path) -> None:
    write_gorm(tmp_path / "codechat" / "Loja 1.db.db", ROWS)
    (tmp_path / "codechat" / "Loja 1.db.db-journal").touch()
    before = everything_in(tmp_path)
    found, reading = only(open_session_manager_sqlite(tmp_path))
    assert (found.group, found.name) == ("codechat", "Loja 1.db")
    assert differing(reading.values, account()) == []
    assert reading.notes == []
    assert everything_in(tmp_path) == before


def test_the_newest_row_of_each_name_is_taken_whatever_it_is_written_as(tmp_path: Path) -> None:
    rows: list[tuple[str, bytes | str]] = [
        ("pre-key-1", in_a_string(b'"old"')),
        ("pre-key-1", in_a_string(b'"<new>"')),
        ("pre-key-2", in_a_string(b"{}").decode()),
        ("pre-key-3", b'{"a":"b"}'),
        ("pre-key-4", b'"\\"22'),
        ("lid-mapping-1", in_a_string(b'"223456789012345"')),
        ("device-list-1", in_a_string(b'["0","12"]')),
        *ROWS[:1],
    ]
    write_gorm(tmp_path / "g" / "a.db", rows)
    _, reading = only(open_session_manager_sqlite(tmp_path))
    assert reading.values["pre-key-1"] == b'"<new>"'
    assert reading.values["pre-key-2"] == b"{}"
    assert reading.values["pre-key-3"] == b'{"a":"b"}'
    assert reading.values["lid-mapping-1"] == b'"223456789012345"'
    assert reading.values["device-list-1"] == b'["0","12"]'
    assert codes(reading.notes) == ["skipped_unreadable"]


def creds_of(*documents: dict[str, object]) -> list[tuple[str, bytes]]:
    return [*ROWS[1:], *(("creds", in_a_string(text_of(one))) for one in documents)]


def test_creds_that_a_restart_began_anew_do_not_hide_the_account(tmp_path: Path) -> None:
    fresh = unpaired_creds("fresh")
    rows = creds_of(paired_creds(nextPreKeyId=1), paired_creds(), fresh, fresh)
    write_gorm(tmp_path / "g" / "a.db", rows)
    _, reading = only(open_session_manager_sqlite(tmp_path))
    assert reading.values["creds"] == text_of(paired_creds())
    assert "2 writes older" in text_of_note(reading.notes, "older_creds_taken")


def test_of_creds_of_which_none_are_paired_the_newest_are_taken(tmp_path: Path) -> None:
    write_gorm(tmp_path / "g" / "a.db", creds_of(unpaired_creds("first"), unpaired_creds("second")))
    _, reading = only(open_session_manager_sqlite(tmp_path))
    assert reading.values["creds"] == text_of(unpaired_creds("second"))
    assert reading.notes == []


def test_a_database_that_was_only_asked_for_is_no_account(tmp_path: Path) -> None:
    write_gorm(tmp_path / "a" / "one.db", ROWS)
    write_gorm(tmp_path / "b" / "one.db", [])
    write_gorm(tmp_path / "b" / "two.db", [])
    (tmp_path / "b" / "three.db").touch()
    (tmp_path / "b" / "four.db").write_bytes(b"no database")
    (tmp_path / "b" / "notes").touch()
    source = open_session_manager_sqlite(tmp_path)
    assert names(source) == ["one"]
    assert "(3): b/one.db, b/three.db, b/two.db." in text_of_note(source.notes(), "phantoms_left")
    assert "(1): b/four.db." in text_of_note(source.notes(), "databases_left")
    [found] = source.accounts()
    assert ": b. " in text_of_note(found.notes, "same_in_other_groups")


def test_where_nothing_is_the_operator_is_told(tmp_path: Path) -> None:
    write_gorm(tmp_path / "b" / "two.db", [])
    with pytest.raises(SourceError, match=r"^There is no database of session-manager that holds something in "):
        open_session_manager_sqlite(tmp_path)


def test_a_database_that_was_damaged_meanwhile_is_a_failure_of_its_account(tmp_path: Path) -> None:
    path = write_gorm(tmp_path / "g" / "a.db", ROWS)
    source = open_session_manager_sqlite(tmp_path)
    path.write_bytes(path.read_bytes()[:4096])
    _, reading = only(source)
    assert codes(reading.notes) == ["database_not_read"]
