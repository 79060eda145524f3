"""What `backup` removes is its own, and never the last one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sessionworker.commands.backing_up import read_back
from sessionworker.commands.endings import Stop
from sessionworker.commands.old_backups import LEFT_SECONDS, remove_left, remove_older
from sessionworker.migration.archives.encryption import Lock, Unlock
from sessionworker.migration.archives.writing import writing_file
from sessionworker.migration.reports import Told

OLDER = [f"sessionworker-2020010{day}T000000Z.jsonl.gz" for day in range(1, 6)]


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def names_in(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


@pytest.mark.parametrize(("keep", "removed"), [(1, OLDER[:4]), (2, OLDER[:3]), (5, []), (9, [])])
def test_the_newest_are_kept(tmp_path: Path, keep: int, removed: list[str]) -> None:
    make(tmp_path, *OLDER)
    assert remove_older(tmp_path / OLDER[4], keep) == (removed, [])
    assert names_in(tmp_path) == {*OLDER} - {*removed}


def test_the_new_one_stays_though_the_clock_was_set_back(tmp_path: Path) -> None:
    make(tmp_path, *OLDER)
    assert remove_older(tmp_path / OLDER[0], 2) == (OLDER[1:4], [])
    assert names_in(tmp_path) == {OLDER[0], OLDER[4]}


def test_what_is_not_a_backup_of_this_command_stays(tmp_path: Path) -> None:
    others = {
        "sessionworker-before-the-move.jsonl.gz",
        "sessionworker-20200101T000000Z.jsonl.gz.bak",
        "sessionworker-20200101T000000Z.jsonl.gz.damaged",
        "sessionworker-20200101T000000.jsonl",
        "a-sessionworker-20200101T000000Z.jsonl",
    }
    make(tmp_path, *others, OLDER[4])
    (tmp_path / OLDER[0]).symlink_to(tmp_path / "sessionworker-before-the-move.jsonl.gz")
    (tmp_path / OLDER[1]).mkdir()
    assert remove_older(tmp_path / OLDER[4], 1) == ([], [])
    assert names_in(tmp_path) == {*others, OLDER[0], OLDER[1], OLDER[4]}


def test_one_that_cannot_be_removed_is_told_and_the_next_one_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, *OLDER)
    unlink = Path.unlink

    def refuse(path: Path) -> None:
        if path.name == OLDER[0]:
            raise PermissionError(1, "Operation not permitted")
        unlink(path)

    monkeypatch.setattr(Path, "unlink", refuse)
    removed, problems = remove_older(tmp_path / OLDER[4], 2)
    assert removed == OLDER[1:3]
    assert problems == [f"{OLDER[0]} cannot be removed: Operation not permitted."]


def test_what_a_killed_backup_left_goes_once_nobody_can_be_writing_it(tmp_path: Path) -> None:
    old, new = (f".{OLDER[0]}.new-{number:08x}" for number in range(2))
    others = {f".{OLDER[0]}.new-", ".somebody.new-00000000"}
    make(tmp_path, old, new, *others)
    long_ago = time.time() - LEFT_SECONDS - 1
    for name in (old, *others):
        os.utime(tmp_path / name, (long_ago, long_ago))
    assert remove_left(tmp_path) == ([old], [])
    assert names_in(tmp_path) == {new, *others}


def test_a_backup_with_another_label_is_none_either(tmp_path: Path) -> None:
    place = tmp_path / OLDER[0].removesuffix(".gz")
    with writing_file(place, Lock(), is_compressed=False) as writer:
        writer.add("g", "i", {}, "Loja Centro")
        writer.finish()
    told = Told("g", "i", "", "Loja Centro")
    told.measure({})
    read_back(place, Unlock(), [told])
    told.label = ""
    with pytest.raises(Stop, match="not what was read back"):
        read_back(place, Unlock(), [told])


@pytest.mark.parametrize("is_cut", [True, False])
def test_what_is_not_read_back_is_no_backup_any_more(tmp_path: Path, is_cut: bool) -> None:
    place = tmp_path / OLDER[0].removesuffix(".gz")
    with writing_file(place, Lock(), is_compressed=False) as writer:
        writer.add("g", "i", {"key": b"1"})
        writer.finish()
    told = Told("g", "i", "")
    told.measure({"key": b"1"})
    read_back(place, Unlock(), [told])
    told.measure({"key": b"2"})
    if is_cut:
        place.write_bytes(place.read_bytes()[:-20])
    with pytest.raises(Stop, match="read back"):
        read_back(place, Unlock(), [told])
    assert names_in(tmp_path) == {f"{place.name}.damaged"}
