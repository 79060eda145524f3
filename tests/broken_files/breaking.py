"""The ways in which a session file can be broken, and what is to be seen of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.admin.words import creds
from tests.answers import Answer
from tests.memory import Worker

GOOD = creds(3)
"""The newest `creds` that were whole."""


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def fill_with_nuls(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def put_a_folder_in_its_place(file: Path) -> None:
    file.unlink()
    file.mkdir()
    (file / "something").write_text("of somebody")


def put_a_link_in_its_place(file: Path) -> None:
    elsewhere = file.parent.parent / "elsewhere"
    elsewhere.write_text(creds(9, registration=666))
    file.unlink()
    file.symlink_to(elsewhere)


def put_a_link_to_nowhere_in_its_place(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.parent / "nowhere")


def put_a_pipe_in_its_place(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def put_json_that_is_no_object_in_its_place(file: Path) -> None:
    file.write_text("null")


def remove(file: Path) -> None:
    file.unlink()


BREAKS = [
    truncate,
    empty,
    fill_with_nuls,
    put_a_folder_in_its_place,
    put_a_link_in_its_place,
    put_a_link_to_nowhere_in_its_place,
    put_a_pipe_in_its_place,
    remove,
]


@contextmanager
def disk_error(number: int, *names: str) -> Iterator[None]:
    """Have the disk refuse to read the files of these names, or all files of the group if there are none."""
    usual = os.open

    def open_or_fail(path: str, flags: int, *arguments: int, dir_fd: int | None = None) -> int:
        folder = "" if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink()
        is_read = not flags & (os.O_WRONLY | os.O_RDWR | os.O_DIRECTORY)
        if is_read and "/codechat/" in f"{folder}/{path}" and (not names or Path(path).name in names):
            raise OSError(number, os.strerror(number), path)
        return usual(path, flags, *arguments, dir_fd=dir_fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_or_fail)
        yield


# What is there


def file_of(store: Path, key: str = "creds") -> Path:
    return store / "codechat" / "sales" / key


def aside(store: Path) -> list[Path]:
    folder = file_of(store, ".sessionworker/broken")
    return list(folder.iterdir()) if folder.is_dir() else []


def look_of(path: Path) -> tuple[int, int, int]:
    """What tells a file from another, and whether it was written to."""
    status = path.lstat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def create(worker: Worker) -> Answer:
    return worker.ask("POST", "/session/codechat", {"instance": "sales"})
