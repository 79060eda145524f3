"""What is written for another program is read back as it was, and nothing that is there is written to."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sessionworker import disk
from sessionworker.migration.found import Source
from sessionworker.migration.notes import Note
from sessionworker.migration.sources.baileys import open_baileys
from sessionworker.migration.sources.baileys_sqlite import open_baileys_sqlite
from sessionworker.migration.sources.session_manager import open_session_manager
from sessionworker.migration.targets.baileys_folder import write_baileys_folder
from sessionworker.migration.targets.baileys_sqlite import write_baileys_sqlite
from sessionworker.migration.targets.session_manager_folder import write_session_manager_folder
from sessionworker.migration.targets.target import TargetError
from tests.migration.examples import account
from tests.migration.places import codes, differing, everything_in, only, text_of_note

Write = Callable[[Mapping[str, bytes], Path], list[Note]]
WRITERS = (write_baileys_folder, write_session_manager_folder, write_baileys_sqlite)


@pytest.mark.parametrize(
    ("write", "read"), [(write_baileys_folder, open_baileys), (write_baileys_sqlite, open_baileys_sqlite)]
)
def test_an_account_comes_back_as_it_was(tmp_path: Path, write: Write, read: Callable[[Path], Source]) -> None:
    assert write(account(), tmp_path / "shop") == []
    found, reading = only(read(tmp_path / "shop"))
    assert found.name == "shop"
    assert differing(reading.values, account()) == []
    assert reading.notes == []
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_session_manager_gets_what_it_can_serve(tmp_path: Path) -> None:
    (tmp_path / "codechat").mkdir()
    notes = write_session_manager_folder(account(), tmp_path / "codechat" / "Loja 1")
    assert codes(notes) == ["left_out_slashes", "not_objects"]
    assert "(2): app-state-sync-key-//AA+w==, app-state-sync-key-AA/+on==." in text_of_note(notes, "left_out_slashes")
    assert "4 keys that Baileys 7 wrote" in text_of_note(notes, "not_objects")
    found, reading = only(open_session_manager(tmp_path))
    assert (found.group, found.name) == ("codechat", "Loja 1")
    assert differing(reading.values, {k: v for k, v in account().items() if "/" not in k}) == []


@pytest.mark.parametrize("write", WRITERS)
def test_nobody_else_can_read_it(tmp_path: Path, write: Write) -> None:
    write(account(), tmp_path / "shop")
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_nothing_that_is_there_is_written_to(tmp_path: Path, write: Write, what: str) -> None:
    place = tmp_path / "shop"
    if what == "folder":
        place.mkdir()
    elif what == "file":
        place.touch()
    else:
        place.symlink_to(tmp_path / "elsewhere")
    before = everything_in(tmp_path)
    with pytest.raises(TargetError, match="shop is there already"):
        write(account(), place)
    assert everything_in(tmp_path) == before


def test_a_log_of_another_database_is_not_taken_for_the_new_one_s(tmp_path: Path) -> None:
    (tmp_path / "shop.db-wal").touch()
    with pytest.raises(TargetError, match=r"shop\.db-wal is there already"):
        write_baileys_sqlite(account(), tmp_path / "shop.db")


@pytest.mark.parametrize("write", WRITERS)
def test_what_fails_leaves_nothing(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(TargetError, match=r"shop cannot be written: No space left on device\.$"):
        write(account(), tmp_path / "shop")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TargetError, match="No such file or directory"):
        write(account(), tmp_path / "nowhere" / "shop")


@pytest.mark.parametrize("write", WRITERS)
def test_an_account_without_creds_is_not_written(tmp_path: Path, write: Write) -> None:
    values = account()
    del values["creds"]
    with pytest.raises(TargetError, match="without creds"):
        write(values, tmp_path / "shop")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_baileys_folder, write_session_manager_folder])
def test_creds_come_last_and_all_is_synced_before_it_is_there(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    write_new, rename, sync = disk.write_new, os.rename, disk.sync_file_system
    module = "sessionworker.migration.targets.new_places"

    def note_write(name: str, folder: int, value: bytes, *, sync: bool) -> None:
        done.append(name)
        write_new(name, folder, value, sync=sync)

    def note_sync(folder: int) -> None:
        done.append("sync")
        sync(folder)

    def note_rename(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        done.append("rename")
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(f"{module}.write_new", note_write)
    monkeypatch.setattr(f"{module}.sync_file_system", note_sync)
    monkeypatch.setattr(os, "rename", note_rename)
    write(account(), tmp_path / "shop")
    assert done[-3].removesuffix(".json") == "creds"
    assert done[-2:] == ["sync", "rename"]


def test_what_makes_no_name_there_is_told(tmp_path: Path) -> None:
    values = {**account(), "x-" + "y" * 252: b"{}", "x-a/b": b"{}", "x-a__b": b"{}", "odd": b"{}"}
    notes = write_baileys_folder(values, tmp_path / "a")
    assert codes(notes) == ["left_out_names"]
    assert "(2): x-a__b, x-yyy" in text_of_note(notes, "left_out_names")
    notes = write_baileys_sqlite(values, tmp_path / "b.db")
    assert codes(notes) == ["left_out_types"]
    assert "(4): odd, x-a/b, x-a__b, x-yyy" in text_of_note(notes, "left_out_types")


def test_the_database_is_as_baileys_makes_it(tmp_path: Path) -> None:
    write_baileys_sqlite(account(), tmp_path / "shop.db")
    connection = sqlite3.connect(tmp_path / "shop.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("SELECT key, typeof(value) FROM creds").fetchall() == [("__creds__", "text")]
    memory = "SELECT id FROM signal_keys WHERE type = 'sender-key-memory'"
    assert connection.execute(memory).fetchall() == [("120363000000000001@g.us",)]
    connection.close()


def test_two_names_are_exchanged_at_once_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with disk.opened_folder(str(tmp_path)) as folder:
        disk.exchange("folder", "file", folder)
        assert (tmp_path / "file").is_dir()
        assert (tmp_path / "folder").is_file()
        with pytest.raises(FileNotFoundError):
            disk.exchange("folder", "missing", folder)
        monkeypatch.setattr(disk, "_libc", object())  # a C library that does not know it
        with pytest.raises(OSError, match="Function not implemented"):
            disk.exchange("folder", "file", folder)
    assert (tmp_path / "folder").is_file()
