"""What a crash tears is cut off, and what was refused does not come back."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.journal.words import RECORD_HEAD, begin, end_of_records, let_go, opened, replay, segments, write_journal


@pytest.mark.parametrize("cut", range(1, RECORD_HEAD + 10 - 4))
def test_a_torn_last_record_is_cut_off_and_reported(folder: Path, cut: int) -> None:
    *_, last = write_journal(folder, [b"1"], [b"whole", b"torn apart"])
    data = last.read_bytes()
    end = end_of_records([b"whole", b"torn apart"])
    last.write_bytes(data[: end - cut] + bytes(len(data) - end + cut))
    payloads, reports = replay(folder)
    assert payloads == [b"1", b"whole"]
    assert len(reports) == 1
    assert "is not whole" in reports[0]


def test_a_torn_record_is_cut_off_where_the_file_ends_too(folder: Path) -> None:
    *_, last = write_journal(folder, [b"whole", b"torn apart"])
    data = last.read_bytes()
    last.write_bytes(data[: end_of_records([b"whole", b"torn apart"]) - 3])
    payloads, reports = replay(folder)
    assert payloads == [b"whole"]
    assert len(reports) == 1


def test_a_record_takes_the_place_of_a_torn_one(folder: Path) -> None:
    *_, last = write_journal(folder, [b"whole", b"torn apart"])
    data = last.read_bytes()
    end = end_of_records([b"whole", b"torn apart"])
    last.write_bytes(data[: end - 3] + bytes(len(data) - end + 3))
    journal = opened(folder)
    assert list(journal.replay(lambda *_: None)) == [b"whole"]
    journal.append(b"next")
    let_go(journal)
    assert replay(folder)[0] == [b"whole", b"next"]


class Refusing:
    """A disk that does what `os.pwritev` is to do, but says that it failed, for the calls of these numbers."""

    def __init__(self, patch: pytest.MonkeyPatch, error: int, *calls: int) -> None:
        self._real = os.pwritev
        self._error = error
        self._calls = calls
        self._count = 0
        patch.setattr(os, "pwritev", self._pwritev)

    def _pwritev(self, *arguments: Any) -> int:
        self._count += 1
        written = self._real(*arguments)
        if self._count in self._calls:
            raise OSError(self._error, os.strerror(self._error))
        return written


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("calls", [(1,), (1, 2)], ids=["undone", "not undone"])
def test_what_was_refused_does_not_come_back_though_the_disk_has_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: int, calls: tuple[int, ...]
) -> None:
    journal = begin(folder)
    journal.append(b"1")
    with monkeypatch.context() as patch:
        Refusing(patch, error, *calls)
        with pytest.raises(OSError, match=os.strerror(error)):
            journal.append(b"refused, and longer than what follows")
    journal.append(b"2")
    let_go(journal)
    assert replay(folder) == ([b"1", b"2"], [])


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_what_was_refused_does_not_come_back_though_nothing_was_appended_since(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    journal = begin(folder)
    journal.append(b"1")
    with monkeypatch.context() as patch:
        Refusing(patch, error, 1)
        with pytest.raises(OSError, match=os.strerror(error)):
            journal.append(b"refused")
    let_go(journal)
    assert replay(folder) == ([b"1"], [])


def test_after_a_failed_sync_nothing_more_is_written_to_that_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begin(folder)
    journal.append(b"first")
    with monkeypatch.context() as patch:
        Refusing(patch, errno.EIO, 1)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            journal.append(b"refused")
    journal.append(b"second")
    let_go(journal)
    assert [b"first" in data for data in segments(folder).values()] == [True, False]
    assert [b"second" in data for data in segments(folder).values()] == [False, True]


def test_one_kill_after_the_other_takes_no_further_segment(folder: Path) -> None:
    for number in range(5):
        journal = opened(folder)
        assert list(journal.replay(lambda *_: None)) == [b"%d" % before for before in range(number)]
        journal.append(b"%d" % number)
        let_go(journal)
    assert len(segments(folder)) == 1
    assert replay(folder) == ([b"0", b"1", b"2", b"3", b"4"], [])


def test_a_segment_with_a_torn_end_is_not_appended_to(folder: Path) -> None:
    [path] = write_journal(folder, [b"1", b"2"])
    data = bytearray(path.read_bytes())
    data[end_of_records([b"1", b"2"]) - 1] ^= 1
    path.write_bytes(data)
    journal = opened(folder)
    assert list(journal.replay(lambda *_: None)) == [b"1"]
    journal.append(b"3")
    let_go(journal)
    assert len(segments(folder)) == 2
    assert replay(folder)[0] == [b"1", b"3"]
