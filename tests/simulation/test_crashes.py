"""What a crash leaves of the simulated disk, and what room it has."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

import pytest

from tests.simulation.crashes import How, after_crash
from tests.simulation.disk import Disk
from tests.simulation.nodes import BLOCK
from tests.simulation.writes import SECTOR

FOLDER = os.O_RDONLY | os.O_DIRECTORY
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL


def make_disk(*, blocks: int | None = None, inodes: int | None = None) -> Disk:
    return Disk(lambda: 0, blocks=blocks, inodes=inodes)


def put(disk: Disk, path: str, data: bytes = b"", *, sync: bool = False) -> None:
    handle = disk.open(path, os.O_WRONLY | os.O_CREAT)
    disk.write(handle, data)
    if sync:
        disk.fsync(handle)
    disk.close(handle)


def read(disk: Disk, path: str) -> bytes | None:
    try:
        handle = disk.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    data = disk.read(handle, 10**6)
    disk.close(handle)
    return data


def sync(disk: Disk, path: str) -> None:
    handle = disk.open(path, os.O_RDONLY)
    disk.fsync(handle)
    disk.close(handle)


def cut(disk: Disk) -> Disk:
    return after_crash(disk, "power cut", Random(1))


def outcomes(make: Callable[[], Disk], look: Callable[[Disk], object], how: How = "torn") -> set[object]:
    """All that was seen after many crashes of the same disk."""
    return {look(after_crash(make(), how, Random(seed))) for seed in range(300)}


# Data


def test_a_kill_forgets_nothing_but_descriptors_and_locks() -> None:
    disk = make_disk()
    handle = disk.open("/a", NEW)
    disk.write(handle, b"data")
    disk.flock(handle, exclusive=True)
    left = after_crash(disk, "kill", Random(1))
    assert read(left, "/a") == b"data"
    with pytest.raises(OSError, match="Bad file descriptor"):
        left.fsync(handle)
    left.flock(left.open("/a", os.O_RDWR), exclusive=True)
    assert read(cut(left), "/a") is None  # what was not synced still is not


@pytest.mark.parametrize("name_is_synced", [True, False])
@pytest.mark.parametrize("data_is_synced", [True, False])
def test_a_power_cut_leaves_what_was_synced(*, name_is_synced: bool, data_is_synced: bool) -> None:
    disk = make_disk()
    put(disk, "/a", b"data", sync=data_is_synced)
    if name_is_synced:
        sync(disk, "/")
    wanted = (b"data" if data_is_synced else b"") if name_is_synced else None
    assert read(cut(disk), "/a") == wanted


def test_a_write_with_dsync_is_durable_at_once_and_nothing_else_is() -> None:
    disk = make_disk()
    handle = disk.open("/a", NEW)
    sync(disk, "/")
    disk.pwrite(handle, b"first", 0)
    disk.pwrite(handle, b"before", 8)
    disk.pwritev(handle, [b"sec", b"ond"], 10, os.RWF_DSYNC)
    disk.pwrite(handle, b"third", 0)
    assert read(cut(disk), "/a") == bytes(8) + b"besecond"
    disk.fsync(handle)
    assert read(cut(disk), "/a") == b"third" + bytes(3) + b"besecond"


def test_writes_over_one_another_are_taken_back_in_their_order() -> None:
    disk = make_disk()
    put(disk, "/a", b"0123456789", sync=True)
    sync(disk, "/")
    handle = disk.open("/a", os.O_RDWR)
    disk.pwrite(handle, b"xxx", 2)
    disk.ftruncate(handle, 4)
    disk.pwrite(handle, b"y", 8)
    disk.posix_fallocate(handle, 0, 20)
    disk.ftruncate(handle, 1)
    assert read(disk, "/a") == b"0"
    assert read(cut(disk), "/a") == b"0123456789"


def test_a_torn_file_holds_any_of_its_unsynced_sectors() -> None:
    def make() -> Disk:
        disk = make_disk()
        put(disk, "/a", bytes(3 * SECTOR), sync=True)
        sync(disk, "/")
        handle = disk.open("/a", os.O_RDWR)
        disk.pwrite(handle, b"x" * 2 * SECTOR, SECTOR // 2)
        return disk

    def sectors(disk: Disk) -> object:
        data = read(disk, "/a")
        assert data is not None
        parts = [data[:512], data[512:1024], data[1024:]]
        assert all(len(set(part)) == 1 or part is not parts[1] for part in parts)  # a sector is whole
        return tuple(b"x" in part for part in parts)

    seen = outcomes(make, sectors)
    assert {(False, False, False), (True, False, False), (True, True, False), (True, True, True)} <= seen
    assert (False, True, False) in seen
    assert outcomes(make, sectors, "power cut") == {(False, False, False)}


def test_what_a_failed_sync_lost_stays_lost_although_a_later_one_succeeds() -> None:
    disk = make_disk()
    handle = disk.open("/a", NEW)
    sync(disk, "/")
    disk.pwrite(handle, b"old", 0)
    disk.fsync(handle)
    disk.pwrite(handle, b"lost", 0)
    disk.fail_to_sync(handle)
    disk.pwrite(handle, b"later", 10)
    disk.fsync(handle)
    assert read(disk, "/a") == b"lost" + bytes(6) + b"later"
    assert read(cut(disk), "/a") == b"old" + bytes(7) + b"later"


# Names


def test_a_rename_between_folders_is_never_half_done() -> None:
    def make() -> Disk:
        disk = make_disk()
        disk.mkdir("/a")
        disk.mkdir("/b")
        put(disk, "/a/x", b"data", sync=True)
        sync(disk, "/a")
        sync(disk, "/")
        disk.rename("/a/x", "/b/y")
        return disk

    def places(disk: Disk) -> object:
        return read(disk, "/a/x"), read(disk, "/b/y")

    assert outcomes(make, places) == {(b"data", None), (None, b"data")}
    assert outcomes(make, places, "power cut") == {(b"data", None)}
    for synced in ("/a", "/b"):
        disk = make()
        sync(disk, synced)
        assert places(cut(disk)) == (None, b"data")


def test_a_rename_takes_along_the_new_folder_that_it_moves_into() -> None:
    disk = make_disk()
    disk.mkdir("/a")
    put(disk, "/a/x", b"data", sync=True)
    sync(disk, "/a")
    sync(disk, "/")
    disk.mkdir("/b")
    disk.mkdir("/b/c")
    disk.rename("/a/x", "/b/c/x")
    sync(disk, "/a")
    assert read(cut(disk), "/b/c/x") == b"data"


def test_an_earlier_change_of_a_name_does_not_undo_a_later_one_that_is_durable() -> None:
    disk = make_disk()
    disk.mkdir("/a")
    disk.mkdir("/b")
    put(disk, "/a/x", b"new", sync=True)
    sync(disk, "/a")
    sync(disk, "/")
    put(disk, "/b/y", b"old", sync=True)
    disk.rename("/a/x", "/b/y")
    sync(disk, "/a")  # the rename is durable by it; that there was another file is not, and comes later
    assert read(cut(disk), "/b/y") == b"new"
    sync(disk, "/b")
    assert read(cut(disk), "/b/y") == b"new"


def test_a_torn_folder_has_its_first_so_many_changes() -> None:
    def make() -> Disk:
        disk = make_disk()
        for name in "abc":
            put(disk, f"/{name}")
        disk.unlink("/a")
        return disk

    seen = outcomes(make, lambda disk: tuple(disk.listdir("/")))
    assert seen == {(), ("a",), ("a", "b"), ("a", "b", "c"), ("b", "c")}


def test_a_file_that_was_removed_comes_back_where_that_was_not_synced() -> None:
    disk = make_disk()
    put(disk, "/a", b"data", sync=True)
    sync(disk, "/")
    disk.unlink("/a")
    put(disk, "/a", b"other", sync=True)
    assert read(cut(disk), "/a") == b"data"


def test_sync_all_makes_everything_durable() -> None:
    disk = make_disk()
    disk.mkdir("/a")
    put(disk, "/a/x", b"data")
    disk.rename("/a/x", "/y")
    disk.sync_all()
    assert read(cut(disk), "/y") == b"data"
    assert not disk.unsynced


# Descriptors


def test_a_file_without_a_name_is_there_while_it_is_open() -> None:
    disk = make_disk(blocks=4)
    handle = disk.open("/a", NEW)
    disk.write(handle, b"x" * 3 * BLOCK)
    disk.unlink("/a")
    put(disk, "/b")
    with pytest.raises(OSError, match="No space"):
        disk.mkdir("/c")
    assert disk.pread(handle, 1, 0) == b"x"
    disk.close(handle)
    disk.mkdir("/c")


def test_an_open_folder_takes_along_what_is_done_in_it() -> None:
    disk = make_disk()
    disk.mkdir("/a")
    handle = disk.open("/a", FOLDER)
    disk.rename("/a", "/b")
    disk.close(disk.open("x", NEW, dir_fd=handle))
    assert disk.listdir("/b") == disk.listdir(handle) == ["x"]
    disk.unlink("x", dir_fd=handle)
    disk.rmdir("/b")
    with pytest.raises(FileNotFoundError):
        disk.open("x", NEW, dir_fd=handle)
