"""The worker's own archive while it is written: beside its place, for its owner alone, and in nobody's way."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from sessionworker.migration.archives.records import ArchiveError
from sessionworker.migration.archives.writing import writing_file
from tests.migration.test_archive import NO_LOCK, SALES, names_in, read, write


def test_what_one_left_that_was_killed_goes_with_the_next_to_the_same_place(tmp_path: Path) -> None:
    left = [f".archive.new-{number:08x}" for number in range(2)]
    others = {".archive.new-", ".archive.new-0000000g", ".archive2.new-00000000", "archive.new-00000000"}
    for name in (*left, *others):
        (tmp_path / name).write_text("credentials")
    (tmp_path / ".archive.new-0000000a").mkdir()
    (tmp_path / ".archive.new-0000000b").symlink_to("archive.new-00000000")
    write(tmp_path / "archive", SALES)
    assert names_in(tmp_path) == {"archive", ".archive.new-0000000a", ".archive.new-0000000b", *others}


def test_one_that_is_being_written_is_not_taken_for_what_was_left(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    with writing_file(place, NO_LOCK, is_compressed=False) as first:
        with writing_file(place, NO_LOCK, is_compressed=False):
            assert len(names_in(tmp_path)) == 2  # neither is finished
        first.add("g", "i", {"key": b"1"})
        first.finish()
    assert [one.values for one in read(place)] == [{"key": b"1"}]


def test_one_that_is_taken_for_left_before_it_is_locked_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, removed = fcntl.flock, list[str]()

    def lock_late(handle: int, operation: int) -> None:
        if not removed:
            [name] = names_in(tmp_path)
            (tmp_path / name).unlink()
            removed.append(name)
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    write(tmp_path / "archive", SALES)
    assert len(removed) == 1
    assert names_in(tmp_path) == {"archive"}


def test_credentials_are_for_their_owner_and_the_last_of_an_instance(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    write(place, SALES)
    assert place.stat().st_mode & 0o777 == 0o600
    keys = [json.loads(line).get("key", "") for line in place.read_text().splitlines()]
    assert {"creds"} < {*keys}
    assert not any(keys[keys.index("creds") + 1 :])


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("mine")
    with pytest.raises(ArchiveError, match="is there already"):
        write(tmp_path / "archive", SALES)

    def come_late() -> None:
        with writing_file(tmp_path / "late", NO_LOCK, is_compressed=False) as writer:
            (tmp_path / "late").write_text("mine")
            writer.finish()

    with pytest.raises(ArchiveError, match="is there already"):
        come_late()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "late"]
