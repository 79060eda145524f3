"""Files are written whole or not at all, and what fails leaves nothing behind."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from sessionworker.stores.disk import is_full, make_folder, remove_if_there, sync_folder, write_whole
from tests.powercut import recording


@pytest.mark.parametrize("value", [b"", b"x", bytes(5 * 2**20)], ids=["empty", "short", "5 MiB"])
@pytest.mark.parametrize("sync", [True, False])
def test_a_file_holds_exactly_what_was_written(tmp_path: Path, value: bytes, *, sync: bool) -> None:
    for content in (value, b"longer than before" + value, value):
        write_whole(str(tmp_path), "creds", content, sync=sync)
        assert [path.name for path in tmp_path.iterdir()] == ["creds"]
        assert (tmp_path / "creds").read_bytes() == content
        assert stat.S_IMODE((tmp_path / "creds").stat().st_mode) == 0o600


def test_a_file_is_synced_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with recording(tmp_path, monkeypatch) as operations:
        write_whole(str(tmp_path), "creds", b"1", sync=True)
        sync_folder(tmp_path)
    assert [operation[0] for operation in operations] == ["create", "write", "sync", "rename", "sync folder"]
    assert operations[-2][2] == f"{tmp_path}/creds"
    with recording(tmp_path, monkeypatch) as operations:
        write_whole(str(tmp_path), "k", b"1", sync=False)
    assert [operation[0] for operation in operations] == ["create", "write", "rename"]


def test_a_write_that_is_cut_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, bytes(data)[:7]))
    write_whole(str(tmp_path), "creds", bytes(range(100)), sync=False)
    assert (tmp_path / "creds").read_bytes() == bytes(range(100))


@pytest.mark.parametrize("function", ["open", "write", "fdatasync", "rename"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_what_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: int
) -> None:
    write_whole(str(tmp_path), "creds", b"old", sync=True)

    def fail(*arguments: Any) -> Any:
        raise OSError(error, os.strerror(error))

    before = len(list(Path("/proc/self/fd").iterdir()))
    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        with pytest.raises(OSError, match=os.strerror(error)) as failure:
            write_whole(str(tmp_path), "creds", b"new", sync=True)
    assert is_full(failure.value) == (error in {errno.ENOSPC, errno.EDQUOT})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"creds": b"old"}
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_that_is_too_large_for_the_file_system_counts_as_full() -> None:
    assert is_full(OSError(errno.EFBIG, "too large"))
    assert not is_full(OSError(errno.EMFILE, "too many open files"))


def test_folders_are_made_where_they_are_missing_each_durably(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with recording(tmp_path, monkeypatch) as operations:
        make_folder(tmp_path / "a" / "b" / "c", sync=True)
    assert operations == [
        ("mkdir", f"{tmp_path}/a"),
        ("sync folder", f"{tmp_path}"),
        ("mkdir", f"{tmp_path}/a/b"),
        ("sync folder", f"{tmp_path}/a"),
        ("mkdir", f"{tmp_path}/a/b/c"),
        ("sync folder", f"{tmp_path}/a/b"),
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")} == {0o700}
    make_folder(tmp_path / "a" / "b", sync=True)
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_removing_what_is_not_there_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    remove_if_there(f"{tmp_path}/file")
    remove_if_there(f"{tmp_path}/file")
    remove_if_there(f"{tmp_path}/nowhere/file")
    assert list(tmp_path.iterdir()) == []
