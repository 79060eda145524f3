"""What the doctor says of a disk, by figures that are handed in: those of the real one are nobody's to choose."""

from __future__ import annotations

import os

import pytest

from sessionworker.commands.machine import Line, Mark, look_at_room

GIB = 2**30


def disk(free_bytes: int, free_files: int, files: int = 1000) -> os.statvfs_result:
    """A disk of 100 GiB; root may have twice of what is free."""
    block = 4096
    blocks = free_bytes // block
    return os.statvfs_result((block, block, 100 * GIB // block, blocks * 2, blocks, files, files, free_files, 0, 255))


@pytest.mark.parametrize(("free", "mark"), [(5 * GIB, Mark.WELL), (5 * GIB - 4096, Mark.WRONG), (0, Mark.WRONG)])
def test_a_disk_that_is_nearly_full_is_told(free: int, mark: Mark) -> None:
    room, files = look_at_room(disk(free, 1000))
    assert (room.mark, room.what) == (mark, "room")
    assert room.said.endswith(", make some") == (mark is Mark.WRONG)
    assert files.mark is Mark.WELL


@pytest.mark.parametrize(("free", "mark"), [(50, Mark.WELL), (49, Mark.WRONG)])
def test_a_disk_that_takes_few_files_more_is_told(free: int, mark: Mark) -> None:
    _, files = look_at_room(disk(50 * GIB, free))
    assert files == Line(mark, "files", f"{free} of 1,000 more can be made")


def test_a_disk_that_counts_no_files_is_not_told_to_have_none() -> None:
    assert [line.what for line in look_at_room(disk(50 * GIB, 0, files=0))] == ["room"]
