"""Writes an archive: beside its place first, and into it once it is whole and on the disk."""

from __future__ import annotations

import fcntl
import gzip
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from sessionworker.disk import opened_folder
from sessionworker.migration.archives.encryption import Lock
from sessionworker.migration.archives.records import (
    FORM,
    ArchiveError,
    End,
    File,
    Head,
    Record,
    Sum,
    Total,
    digest_of_label,
    encode,
)
from sessionworker.migration.arriving import digest_of
from sessionworker.migration.readers.collecting import shown
from sessionworker.names import CREDS
from sessionworker.version import VERSION

_DIGITS = 8
"""Of the end of a name that an archive has until it is finished."""


class Writer:
    """Writes instances to a stream, one after the other. Every method raises OSError and ArchiveError."""

    def __init__(self, out: BinaryIO) -> None:
        """Begin an archive."""
        self._out = out
        self._total = Total()
        self.is_finished = False
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._put(Head(FORM, now, f"sessionworker {VERSION}"))

    def add(self, group: str, instance: str, values: Mapping[str, bytes], label: str = "") -> None:
        """Write an instance: its `creds` last, so that a part of it is no account."""
        for key in sorted(values, key=lambda key: (key == CREDS, key)):
            self._put(File(group, instance, key, values[key].decode()))
        sums = len(values), sum(map(len, values.values())), digest_of(values)
        one = Sum(group, instance, *sums, label, digest_of_label(group, instance, label))
        self._put(one)
        self._total.add(one)

    def finish(self) -> End:
        """Say that this is all, and return what it comes to."""
        self._put(self._total.end)
        self._out.flush()
        self.is_finished = True
        return self._total.end

    def _put(self, record: Record) -> None:
        self._out.write(encode(record) + b"\n")


@contextmanager
def writing(out: BinaryIO, lock: Lock, *, is_compressed: bool) -> Iterator[Writer]:
    """Give what writes an archive to a stream, within a block. Raises ArchiveError."""
    with ExitStack() as stack:
        if lock:
            out = cast(BinaryIO, stack.enter_context(closing(lock.over(out))))
        if is_compressed:
            zipped = gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6, mtime=0, filename="")
            out = cast(BinaryIO, stack.enter_context(closing(zipped)))
        yield Writer(out)


@contextmanager
def writing_file(place: Path, lock: Lock, *, is_compressed: bool) -> Iterator[Writer]:
    """Give what writes an archive to a file that is not there yet, within a block.

    It takes its place when it was finished, readable for its owner alone. Raises ArchiveError.
    """
    try:
        _refuse(place)
        _remove_left(place)
        handle, temporary = _begin(place)
        try:
            with os.fdopen(handle, "wb") as file:
                with writing(file, lock, is_compressed=is_compressed) as writer:
                    yield writer
                if not writer.is_finished:
                    return
                file.flush()
                os.fsync(file.fileno())
                _refuse(place)
                temporary.rename(place)  # before it is let go of: nobody takes it for one that was left
            with opened_folder(os.path.realpath(place.parent)) as folder:
                os.fsync(folder)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ArchiveError(f"{shown(str(place))} cannot be written: {error.strerror}.") from error


def _begin(place: Path) -> tuple[int, Path]:
    """Open a new file beside a place, locked as long as somebody writes it."""
    while True:
        temporary = place.with_name(f"{_beginning(place)}{secrets.token_hex(_DIGITS // 2)}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, temporary
        os.close(handle)  # it was removed before it was locked


def _remove_left(place: Path) -> None:
    """Remove what is left of earlier ones to the same place that were killed: it holds credentials."""
    is_one = re.compile(rf"{re.escape(_beginning(place))}[0-9a-f]{{{_DIGITS}}}").fullmatch
    left: list[Path] = []
    with suppress(OSError):  # one may write there, perhaps, and not list
        left = [one for one in place.parent.iterdir() if is_one(one.name)]
    for path in left:
        with suppress(OSError):  # it is no file of ours, or is being written
            handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "wb"):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _beginning(place: Path) -> str:
    return f".{place.name}.new-"


def _refuse(place: Path) -> None:
    if os.path.lexists(place):
        raise ArchiveError(f"{shown(str(place))} is there already.")
