"""Segments are ready before they are needed, so that on a full disk room can still be made."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sessionworker.stores.files.segments import HEAD_SIZE, RECORD_HEAD_SIZE
from sessionworker.stores.files.spares import RESERVE
from tests.journal.words import SEGMENT, begin, let_go, replay, segments


def spares(folder: Path) -> int:
    """How many segments are ready for use."""
    return len(list(folder.glob("spare-*")))


class Full:
    """A disk on which no file can be filled."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.tries = 0
        patch.setattr(os, "posix_fallocate", self._refuse)

    def _refuse(self, *_: object) -> None:
        self.tries += 1
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


LARGE = bytes(SEGMENT - HEAD_SIZE - 2 * RECORD_HEAD_SIZE)
"""A payload that fills a segment."""


def test_the_reserve_is_filled_and_stays_filled(folder: Path) -> None:
    journal = begin(folder)
    journal.spares.refill()
    for _ in range(5):
        journal.append(LARGE)
        journal.rotate()
        assert spares(folder) >= RESERVE
        journal.release(journal.closed)
    assert journal.spares.missing() == 0
    journal.close()
    assert spares(folder) == RESERVE
    assert segments(folder) == {}


def test_without_room_what_frees_none_is_refused_and_what_frees_some_has_the_reserve(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begin(folder)
    journal.spares.refill()
    journal.append(LARGE)
    with monkeypatch.context() as patch:
        disk = Full(patch)
        for _ in range(3):
            with pytest.raises(OSError, match="space"):
                journal.append(LARGE)
        assert disk.tries == 1, "a full disk is filled with zeros again and again"
        for _ in range(RESERVE):
            journal.append(LARGE, frees_room=True)
        with pytest.raises(OSError, match="space"):
            journal.append(LARGE, frees_room=True)
        assert journal.spares.missing() == RESERVE * SEGMENT
        # What was let go of is the reserve again, and needs no room.
        journal.rotate()
        journal.release(journal.closed)
        journal.spares.refill()
    journal.append(b"there is room")
    let_go(journal)
    assert replay(folder)[0] == [b"there is room"]


def test_the_reserve_can_be_lent_to_the_disk_until_it_is_gone(folder: Path) -> None:
    journal = begin(folder)
    journal.spares.refill()
    assert [journal.spares.lend() for _ in range(RESERVE + 1)] == [True] * RESERVE + [False]
    assert spares(folder) == 0
    journal.spares.refill()
    assert spares(folder) == RESERVE
    journal.close()


def test_segments_that_a_load_needed_stay_ready_for_the_next_and_go_when_there_is_none(folder: Path) -> None:
    journal = begin(folder)
    for _ in range(8):
        journal.append(LARGE)
    journal.rotate()
    journal.release(journal.closed)
    assert spares(folder) == 8
    journal.append(b"1")
    journal.rotate()
    journal.release(journal.closed)
    assert spares(folder) == RESERVE + 1
    journal.close()


def test_what_was_being_filled_when_the_worker_ended_is_removed(folder: Path) -> None:
    folder.mkdir()
    for name, size in {"filling-3": 7, "spare-5": SEGMENT - 1, "spare-x": SEGMENT, "spare": 2**16}.items():
        (folder / name).write_bytes(bytes(size))
    begin(folder).close()
    assert list(folder.iterdir()) == []
