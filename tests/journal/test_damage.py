"""Damage that no crash makes stops the start, and nothing is thrown away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journal.words import SEGMENT_HEAD, assert_start_stops, end_of_records, flip, write_journal


def test_a_damaged_record_before_others_stops_the_start(folder: Path) -> None:
    [path] = write_journal(folder, [b"first", b"second", b"third"])
    flip(path, path.read_bytes().index(b"second"))
    assert path.name in assert_start_stops(folder)


def test_a_damaged_last_record_of_a_segment_before_others_stops_the_start(folder: Path) -> None:
    first, _ = write_journal(folder, [b"first", b"second"], [b"third"])
    flip(first, first.read_bytes().index(b"second"))
    assert_start_stops(folder)


def test_a_missing_segment_between_others_stops_the_start(folder: Path) -> None:
    _, second, _ = write_journal(folder, [b"1"], [b"2"], [b"3"])
    second.unlink()
    assert_start_stops(folder)


def test_a_segment_that_is_cut_short_before_others_stops_the_start(folder: Path) -> None:
    first, _ = write_journal(folder, [b"1", b"22222222"], [b"3"])
    first.write_bytes(first.read_bytes()[: end_of_records([b"1", b"22222222"]) - 4])
    assert_start_stops(folder)


@pytest.mark.parametrize("offset", [0, 7, 8, 16, SEGMENT_HEAD // 2, SEGMENT_HEAD - 1])
@pytest.mark.parametrize("position", [0, 1, 2], ids=["first", "middle", "last"])
def test_a_damaged_head_of_a_segment_stops_the_start(folder: Path, offset: int, position: int) -> None:
    paths = write_journal(folder, [b"1"], [b"2"], [b"3"])
    flip(paths[position], offset)
    assert_start_stops(folder)


def test_the_damaged_head_of_the_only_segment_stops_the_start(folder: Path) -> None:
    [path] = write_journal(folder, [b"1", b"2"])
    flip(path, 20)
    assert_start_stops(folder)
