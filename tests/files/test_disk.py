"""Each thing that is asked of a file system is done whole and durably, or not at all, and leaves no file open."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from sessionworker.disk import (
    NotAFile,
    emptying,
    is_full,
    make_folder,
    make_folders,
    open_folder,
    opened_folder,
    read_file,
    remove_if_there,
    remove_tree,
    stands_in,
    sync_file_system,
    write_new,
)
from tests.defects.faults import disk_of
from tests.files.words import contents, error_of, open_files


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder."""
    place = tmp_path / "place"
    place.mkdir()
    return place


@pytest.fixture
def handle(place: Path) -> Iterator[int]:
    """The same, open."""
    with opened_folder(str(place)) as handle:
        yield handle


def calls_of(place: Path, action: Callable[[], object]) -> list[tuple[str, str]]:
    """The calls of the disk that something makes, each with what it is about."""
    with disk_of(place) as disk, disk.recording() as calls:
        action()
    return [(call.function, call.paths[0] or ".") for call in calls]


# Files


VALUES = pytest.mark.parametrize("value", [b"", b"x", bytes(5 * 2**20)], ids=["empty", "short", "5 MiB"])


@VALUES
@pytest.mark.parametrize("sync", [True, False])
def test_a_file_holds_exactly_what_was_written_and_that_is_read(
    place: Path, handle: int, value: bytes, *, sync: bool
) -> None:
    write_new("creds", handle, value, sync=sync)
    assert contents(place) == {"creds": value}
    assert stat.S_IMODE((place / "creds").stat().st_mode) == 0o600
    assert read_file("creds", handle) == value
    assert read_file("nothing", handle) is None


def test_the_data_of_a_file_is_synced_if_it_is_to_be(place: Path, handle: int) -> None:
    for sync, expected in ((True, ["open", "write", "fdatasync"]), (False, ["open", "write"])):
        calls = calls_of(place, lambda: write_new("creds", handle, b"1", sync=sync))  # noqa: B023 - it is called at once
        assert calls == [(function, "creds") for function in expected]
        (place / "creds").unlink()


def test_a_file_takes_nobody_s_place(place: Path, handle: int) -> None:
    (place / "creds").write_bytes(b"old")
    (place / "link").symlink_to(place / "nowhere")
    for name in ("creds", "link"):
        with pytest.raises(FileExistsError):
            write_new(name, handle, b"new", sync=False)
    assert (place / "creds").read_bytes() == b"old"
    assert not (place / "nowhere").exists()


def test_a_write_that_is_cut_short_goes_on(place: Path, handle: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, bytes(data)[:7]))
    write_new("creds", handle, bytes(range(100)), sync=False)
    assert (place / "creds").read_bytes() == bytes(range(100))


def test_a_read_that_is_cut_short_goes_on(place: Path, handle: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "creds").write_bytes(bytes(range(100)))
    real = os.read
    monkeypatch.setattr(os, "read", lambda file, size: real(file, min(size, 7)))
    assert read_file("creds", handle) == bytes(range(100))


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_write_that_fails_leaves_nothing_behind(place: Path, handle: int, error: int) -> None:
    before = open_files()
    for number in count(1):
        with disk_of(place) as disk, disk.failing(error, at=number) as fault:
            failure = error_of(lambda: write_new("creds", handle, b"new", sync=True), OSError)
        if failure is None:
            break
        assert is_full(failure) == (error in {errno.ENOSPC, errno.EDQUOT})
        assert list(place.iterdir()) == [], fault.where
        assert open_files() == before, fault.where
    assert number > 3
    assert contents(place) == {"creds": b"new"}


@pytest.mark.parametrize("what", ["folder", "link", "dangling link", "pipe", "socket"])
def test_what_is_no_regular_file_is_not_read_and_nobody_waits_for_it(place: Path, handle: int, what: str) -> None:
    (place / "file").write_bytes(b"elsewhere")
    path = place / "creds"
    match what:
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(place / "file")
        case "dangling link":
            path.symlink_to(place / "nowhere")
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with opened_folder(str(place)) as there, socket.socket(socket.AF_UNIX) as made:
                made.bind(f"/proc/self/fd/{there}/creds")  # the path itself may be too long for one
    before = open_files()
    with pytest.raises(NotAFile):
        read_file("creds", handle)
    assert open_files() == before
    assert stands_in("creds", handle)


@pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE, errno.EACCES])
def test_a_file_that_the_disk_does_not_give_is_not_missing(place: Path, handle: int, error: int) -> None:
    (place / "creds").write_bytes(b"1")
    before = open_files()
    for number in count(1):
        with disk_of(place) as disk, disk.failing(error, at=number) as fault:
            failure = error_of(lambda: read_file("creds", handle), OSError)
        assert open_files() == before
        if not fault.hits:
            break
        assert isinstance(failure, OSError), fault.where
        assert failure.errno == error, fault.where
    assert number > 1


def test_what_there_is_no_room_for_counts_as_full_and_nothing_else_does() -> None:
    for error in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        assert is_full(OSError(error, os.strerror(error)))
    assert not is_full(OSError(errno.EMFILE, "too many open files"))
    assert not is_full(ValueError(errno.ENOSPC))


# Folders


def test_a_folder_is_made_durably_though_it_is_there_already(place: Path, handle: int) -> None:
    for _ in range(2):
        assert calls_of(place, lambda: make_folder("a", handle, sync=True)) == [("mkdir", "a"), ("fsync", ".")]
    assert calls_of(place, lambda: make_folder("b", handle, sync=False)) == [("mkdir", "b")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o700}


def test_folders_are_made_where_they_are_missing_each_durably(place: Path) -> None:
    calls = calls_of(place, lambda: make_folders(str(place / "a" / "b" / "c"), sync=True))
    assert [call for call in calls if call[0] != "open"] == [
        ("mkdir", "a"),
        ("fsync", "."),
        ("mkdir", "a/b"),
        ("fsync", "a"),
        ("mkdir", "a/b/c"),
        ("fsync", "a/b"),
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.rglob("*")} == {0o700}
    make_folders(str(place / "a" / "b"), sync=True)
    assert (place / "a" / "b" / "c").is_dir()


def test_folders_that_cannot_be_made_leave_no_file_open(place: Path) -> None:
    before = open_files()
    for number in count(1):
        with disk_of(place) as disk, disk.failing(errno.EIO, at=number) as fault:
            failure = error_of(lambda: make_folders(str(place / "a" / "b" / "c"), sync=True), OSError)
        assert open_files() == before, fault.where
        shutil.rmtree(place / "a", ignore_errors=True)
        if failure is None:
            break
        assert fault.hits
    assert number > 6


@pytest.mark.parametrize("what", ["file", "link", "dangling link"])
def test_what_is_no_folder_is_not_opened_as_one(place: Path, handle: int, what: str) -> None:
    (place / "folder").mkdir()
    match what:
        case "file":
            (place / "a").write_bytes(b"1")
        case "link":
            (place / "a").symlink_to(place / "folder")
        case "dangling link":
            (place / "a").symlink_to(place / "nowhere")
    with pytest.raises(NotADirectoryError):
        open_folder("a", handle)


def test_what_is_done_in_an_open_folder_goes_with_it(place: Path) -> None:
    (place / "before").mkdir()
    with opened_folder(str(place / "before")) as folder:
        (place / "before").rename(place / "after")
        (place / "before").mkdir()
        write_new("creds", folder, b"1", sync=True)
        assert read_file("creds", folder) == b"1"
    assert contents(place) == {"after/creds": b"1"}


def test_a_file_system_is_synced_or_the_reason_is_told(handle: int) -> None:
    sync_file_system(handle)
    with pytest.raises(OSError, match="Bad file descriptor"):
        sync_file_system(10**6)


# Removing


def test_removing_what_is_not_there_is_no_failure(place: Path, handle: int) -> None:
    (place / "file").write_bytes(b"1")
    for _ in range(2):
        remove_if_there("file", handle)
    assert not stands_in("file", handle)
    (place / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        remove_if_there("folder", handle)


def test_a_tree_is_removed_with_all_that_is_in_it_and_nothing_that_links_lead_to(
    place: Path, handle: int, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(b"1")
    (place / "tree" / "a" / "b").mkdir(parents=True)
    (place / "tree" / "a" / "file").write_bytes(b"1")
    (place / "tree" / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(place / "tree" / "a" / "b" / "pipe")
    (place / "other").write_bytes(b"1")
    remove_tree("tree", handle)
    assert contents(place) == {"other": b"1"}
    assert (tmp_path / "elsewhere" / "file").exists()
    remove_tree("other", handle)
    assert list(place.iterdir()) == []


def test_what_is_in_a_folder_is_removed_and_the_folder_stays(place: Path, handle: int) -> None:
    (place / "a" / "b").mkdir(parents=True)
    (place / "file").write_bytes(b"1")
    list(emptying(handle))
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES])
def test_whether_something_stands_there_is_not_guessed_at(place: Path, handle: int, error: int) -> None:
    (place / "link").symlink_to(place / "nowhere")
    assert stands_in("link", handle)
    assert not stands_in("nothing", handle)
    with disk_of(place) as disk, disk.failing(error), pytest.raises(OSError, match=os.strerror(error)):
        stands_in("link", handle)
