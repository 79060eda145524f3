"""What was appended comes back whole and in order, and what was let go does not."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.journal.words import SEGMENT, begin, let_go, opened, replay, segments, write_journal


def test_what_was_appended_comes_back_in_order(folder: Path) -> None:
    payloads = [b"one", b"", b"\x00" * 100, b"four"]
    write_journal(folder, payloads)
    assert replay(folder) == (payloads, [])
    assert replay(folder) == (payloads, [])  # and again: a replay alone lets go of nothing


def test_it_comes_back_across_segments(folder: Path) -> None:
    paths = write_journal(folder, [b"1", b"2"], [b"3"], [b"4", b"5"])
    assert len(paths) == 3
    assert replay(folder) == ([b"1", b"2", b"3", b"4", b"5"], [])


@pytest.mark.parametrize("size", [SEGMENT, SEGMENT + 1, 5 * SEGMENT, 2**20])
def test_a_record_may_be_larger_than_a_segment(folder: Path, size: int) -> None:
    payload = Random(1).randbytes(size)
    write_journal(folder, [b"before", payload, b"after"], [payload])
    assert replay(folder) == ([b"before", payload, b"after", payload], [])


def test_what_was_let_go_does_not_come_back(folder: Path) -> None:
    journal = begin(folder)
    journal.append(b"old")
    journal.rotate()
    journal.append(b"new")
    journal.release(journal.closed)
    let_go(journal)
    assert replay(folder) == ([b"new"], [])


def test_a_segment_that_is_used_again_does_not_give_back_its_earlier_records(folder: Path) -> None:
    journal = begin(folder)
    for number in range(8):
        for _ in range(8 - number):
            journal.append(b"round %d" % number)
        if number < 7:
            journal.rotate()
            journal.release(journal.closed)
    let_go(journal)
    [segment] = segments(folder).values()
    assert any(b"round %d" % number in segment for number in range(7)), "it was not used again: this shows nothing"
    assert replay(folder) == ([b"round 7"], [])


def test_nothing_is_left_after_a_clean_end(folder: Path) -> None:
    journal = begin(folder)
    journal.append(b"1")
    journal.rotate()
    journal.release(journal.closed)
    journal.close()
    assert segments(folder) == {}
    assert replay(folder) == ([], [])


def test_what_was_not_let_go_is_kept_at_the_end(folder: Path) -> None:
    journal = begin(folder)
    journal.append(b"1")
    journal.close()
    assert replay(folder) == ([b"1"], [])


@pytest.mark.parametrize("times", [1, 2, 3])
def test_rotating_a_journal_to_which_nothing_was_appended_loses_nothing(folder: Path, times: int) -> None:
    journal = begin(folder)
    journal.append(b"1")
    for _ in range(times):
        journal.rotate()
    journal.release(journal.closed)
    journal.append(b"2")
    let_go(journal)
    assert replay(folder)[0][-1:] == [b"2"]


def test_what_is_appended_after_a_replay_is_kept(folder: Path) -> None:
    write_journal(folder, [b"1", b"2"])
    journal = opened(folder)
    assert list(journal.replay(lambda *_: None)) == [b"1", b"2"]
    journal.rotate()
    journal.release(journal.closed)
    journal.append(b"3")
    let_go(journal)
    assert replay(folder) == ([b"3"], [])
