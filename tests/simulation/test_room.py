"""The room of the simulated disk, and who may do what on it."""

from __future__ import annotations

import errno
import os

import pytest

from tests.simulation.nodes import BLOCK
from tests.simulation.test_crashes import NEW, make_disk, put, read

# Room


def test_a_full_disk_takes_what_fits_and_then_nothing() -> None:
    disk = make_disk(blocks=4)
    handle = disk.open("/a", NEW)
    assert disk.write(handle, b"x" * 100) == 100
    assert disk.write(handle, b"x" * 5 * BLOCK) == 3 * BLOCK - 100
    with pytest.raises(OSError, match="No space") as error:
        disk.write(handle, b"x")
    assert error.value.errno == errno.ENOSPC
    assert disk.pwrite(handle, b"over", 0) == 4  # no room is needed for that
    disk.ftruncate(handle, 1)
    assert disk.used == 2 * BLOCK


def test_holes_occupy_nothing_and_ranges_that_were_asked_for_do() -> None:
    disk = make_disk(blocks=100)
    handle = disk.open("/a", NEW)
    disk.pwrite(handle, b"x", 10 * BLOCK)
    assert disk.used == 2 * BLOCK
    disk.posix_fallocate(handle, 0, 10 * BLOCK)
    assert disk.used == 12 * BLOCK
    with pytest.raises(OSError, match="No space"):
        disk.posix_fallocate(handle, 0, 200 * BLOCK)
    disk.ftruncate(handle, 300 * BLOCK)
    assert disk.used == 12 * BLOCK


def test_a_folder_grows_with_its_names() -> None:
    disk = make_disk(blocks=3)
    disk.mkdir("/a")
    for number in range(64):
        put(disk, f"/a/{number}")
    assert disk.used == 2 * BLOCK
    put(disk, "/b")
    put(disk, "/a/64")
    assert disk.used == 3 * BLOCK
    with pytest.raises(OSError, match="No space"):
        disk.mkdir("/c")
    disk.rename("/a/64", "/c")
    disk.mkdir("/d")
    with pytest.raises(OSError, match="No space"):
        disk.rename("/b", "/a/b")


def test_inodes_may_be_all_used() -> None:
    disk = make_disk(inodes=3)
    put(disk, "/a")
    disk.mkdir("/b")
    with pytest.raises(OSError, match="No space"):
        disk.symlink("a", "/c")
    disk.rmdir("/b")
    disk.symlink("a", "/c")


# Permissions


def test_permissions_are_asked() -> None:
    disk = make_disk()
    disk.mkdir("/a")
    put(disk, "/a/x", b"data")
    disk.mkdir("/a/y")
    disk.chmod("/a", 0o500)
    assert read(disk, "/a/x") == b"data"
    for call in (
        lambda: put(disk, "/a/z"),
        lambda: disk.unlink("/a/x"),
        lambda: disk.rmdir("/a/y"),
        lambda: disk.rename("/a/x", "/x"),
        lambda: disk.mkdir("/a/z"),
    ):
        with pytest.raises(PermissionError):
            call()
    disk.chmod("/a", 0o000)
    with pytest.raises(PermissionError):
        disk.listdir("/a")
    with pytest.raises(PermissionError):
        read(disk, "/a/x")
    disk.chmod("/a", 0o700)
    disk.chmod("/a/x", 0o400)
    with pytest.raises(PermissionError):
        disk.open("/a/x", os.O_RDWR)
