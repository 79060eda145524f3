"""Baileys' databases are read as they are at one moment, also while a program has them open; nothing is left there."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers import sqlite as reader
from sessionworker.migration.readers.sqlite import opened_database
from sessionworker.migration.sources.baileys_sqlite import open_baileys_sqlite
from tests.migration.databases import write_develop, write_gorm
from tests.migration.examples import account
from tests.migration.places import codes, differing, everything_in, names, only, text_of_note


def test_a_database_that_nobody_has_open_is_left_as_it_was(tmp_path: Path) -> None:
    write_develop(tmp_path / "shop.db", account()).close()
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]
    before = everything_in(tmp_path)
    for path in (tmp_path, tmp_path / "shop.db"):
        found, reading = only(open_baileys_sqlite(path))
        assert (found.name, found.group) == ("shop", "")
        assert differing(reading.values, account()) == []
        assert reading.notes == []
    assert everything_in(tmp_path) == before


def test_what_is_in_the_log_alone_is_read_while_a_program_runs(tmp_path: Path) -> None:
    connection = write_develop(tmp_path / "shop.db", account())
    assert (tmp_path / "shop.db-wal").stat().st_size > 0
    before = set(everything_in(tmp_path))
    _, reading = only(open_baileys_sqlite(tmp_path))
    assert differing(reading.values, account()) == []
    with opened_database(tmp_path / "shop.db") as reading_connection:
        connection.execute("DELETE FROM signal_keys")
        connection.commit()
        assert reading_connection.execute("SELECT count(*) FROM signal_keys").fetchone() == (len(account()) - 1,)
    assert set(everything_in(tmp_path)) == before
    connection.close()


def test_a_copy_with_its_log_is_read_and_left_as_it_was(tmp_path: Path) -> None:
    connection = write_develop(tmp_path / "shop.db", account())
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("shop.db", "shop.db-wal"):
        shutil.copy(tmp_path / name, copy / name)
    connection.close()
    before = everything_in(copy)
    assert differing(only(open_baileys_sqlite(copy))[1].values, account()) == []
    assert everything_in(copy) == before


def test_a_copy_without_its_log_is_none_of_baileys(tmp_path: Path) -> None:
    connection = write_develop(tmp_path / "shop.db", account())
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(tmp_path / "shop.db", copy / "shop.db")
    connection.close()
    with pytest.raises(SourceError, match=r"-wal file"):
        open_baileys_sqlite(copy)


def test_a_crash_in_the_midst_of_a_write_is_undone_in_a_copy(tmp_path: Path) -> None:
    path = write_gorm(tmp_path / "a.db", [("creds", b"old")])
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN")
    connection.execute("UPDATE creds SET content = 'new'")
    connection.executemany("INSERT INTO creds(name, content) VALUES('x', ?)", [(b"x" * 4096,)] * 50)
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("a.db", "a.db-journal"):
        shutil.copy(tmp_path / name, crashed / name)
    connection.close()
    assert (crashed / "a.db").read_bytes() != path.read_bytes()
    before = everything_in(crashed)
    with opened_database(crashed / "a.db") as found:
        assert found.execute("SELECT content FROM creds").fetchall() == [(b"old",)]
    assert everything_in(crashed) == before


def test_a_database_that_is_being_written_is_waited_for_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_gorm(tmp_path / "a.db", [("creds", b"old")])
    monkeypatch.setattr(reader, "PATIENCE", 0.01)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SourceError, match="database is locked"), opened_database(path):
        pass
    connection.close()


def test_what_the_migration_of_baileys_left_is_not_taken(tmp_path: Path) -> None:
    connection = write_develop(tmp_path / "shop.db", account())
    memory = '{"5511":true,"stale":true}'
    connection.execute("INSERT INTO signal_keys VALUES('sender-key', 'memory-120363000000000001@g.us', ?)", (memory,))
    connection.execute("INSERT INTO creds VALUES('other', '{}')")
    connection.commit()
    _, reading = only(open_baileys_sqlite(tmp_path))
    assert differing(reading.values, account()) == []
    assert codes(reading.notes) == ["skipped_foreign", "skipped_migration_error"]
    assert "(1): sender-key-memory-120363000000000001@g.us." in text_of_note(reading.notes, "skipped_migration_error")
    connection.close()


def test_each_database_of_a_folder_is_an_account(tmp_path: Path) -> None:
    write_develop(tmp_path / "b.sqlite", account("b")).close()
    write_develop(tmp_path / "a.db", account("a")).close()
    write_gorm(tmp_path / "c.db", [])
    (tmp_path / "notes").touch()
    source = open_baileys_sqlite(tmp_path)
    assert names(source) == ["a", "b"]
    for found in source.accounts():
        assert differing(source.read(found).values, account(found.name)) == []
    assert codes(source.notes()) == ["databases_left"]
    with pytest.raises(SourceError, match="there are 2"):
        open_baileys_sqlite(tmp_path, instance="shop")
    assert names(open_baileys_sqlite(tmp_path / "a.db", instance="shop")) == ["shop"]
    (tmp_path / "a.db").unlink()
    assert codes(source.read(source.accounts()[0]).notes) == ["database_not_read"]


def test_where_nothing_is_the_operator_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(SourceError, match=r"^There is no database of Baileys, "):
            open_baileys_sqlite(path)
        (tmp_path / "file").write_bytes(b"no database")
    with pytest.raises(SourceError, match=r"is not there\.$"):
        open_baileys_sqlite(tmp_path / "nothing")
