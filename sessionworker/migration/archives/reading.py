"""Reads an archive, and sees that all of it is there: each value, each instance, and the end."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self, cast

import msgspec

from sessionworker.errors import NameNotAllowed
from sessionworker.migration.archives.encryption import Piped, Unlock, is_locked
from sessionworker.migration.archives.records import (
    FORM,
    ArchiveError,
    End,
    File,
    Head,
    Record,
    Sum,
    Total,
    decode,
    digest_of_label,
)
from sessionworker.migration.arriving import digest_of
from sessionworker.migration.readers.collecting import shown
from sessionworker.names import check_key, check_name
from sessionworker.values import is_json

LONGEST_BEGINNING = 32
"""Bytes by which it is told what a file is."""

LARGEST = 2**30
"""Bytes of the records of one instance, at most: four times what a worker gives at once. A small file can be made that
unpacks to any size."""

_GZIP = b"\x1f\x8b"
_DAMAGED = "It is damaged, or no archive of the worker's"


class Instance(NamedTuple):
    """An instance of an archive."""

    group: str
    name: str
    values: dict[str, bytes]
    is_whole: bool
    """Whether it holds what its sum says, and all of it is what a worker takes."""
    label: str | None = ""
    """What people call it; None where that is damaged."""


class Reader:
    """Reads the instances of an archive in their order. As a context manager, it is closed after the block."""

    def __init__(self, place: Path, unlock: Unlock) -> None:
        """Open an archive. Raises ArchiveError."""
        self._called = shown(str(place))
        self._stack = ExitStack()
        self._room = LARGEST
        try:
            self._lines = self._open(place, unlock)
            first = next(self._records(), None)
        except BaseException:
            self._stack.close()
            raise
        if not isinstance(first, Head):
            self.close()
            raise self._error(f"{_DAMAGED}.")
        if first.form > FORM:
            self.close()
            raise self._error("A newer version of sessionworker wrote it, and this one cannot read it.")
        self.made = shown(first.made)
        """When it was written, in UTC."""
        self.end: End | None = None
        """What it comes to, once all of it was read."""

    def __enter__(self) -> Self:
        """Nothing to do: it is open."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._stack.close()

    def _error(self, why: str) -> ArchiveError:
        return ArchiveError(f"{self._called}: {why}")

    def _open(self, place: Path, unlock: Unlock) -> BinaryIO:
        try:
            handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # and wait for nobody in a pipe
            stream: BinaryIO = self._stack.enter_context(os.fdopen(handle, "rb"))
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise self._error("It is no file. What comes through a pipe has to be put into one first.")
            beginning = stream.read(LONGEST_BEGINNING)
            stream.seek(0)
        except OSError as error:
            raise self._error(f"It cannot be read: {error.strerror}.") from None
        if is_locked(beginning):
            try:
                piped = self._stack.enter_context(closing(unlock.under(stream)))
            except ArchiveError as error:
                raise self._error(str(error)) from None
            stream = cast(BinaryIO, BufferedReader(_Readable(piped)))
            beginning = cast(BufferedReader, stream).peek(len(_GZIP))
        if beginning.startswith(_GZIP):
            stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
        return stream

    def _records(self) -> Iterator[Record]:
        try:
            while line := self._lines.readline(self._room + 1):
                self._room -= len(line)
                if self._room < 0:
                    raise ArchiveError("An instance in it is too large.")  # noqa: TRY301 - told as the others are
                yield decode(line)
        except ArchiveError as error:
            raise self._error(str(error)) from None
        except (OSError, EOFError, zlib.error, msgspec.MsgspecError, UnicodeError, RecursionError):
            raise self._error(f"{_DAMAGED}.") from None

    def instances(self) -> Iterator[Instance]:
        """Yield all instances. Raises ArchiveError, also behind the last one: what was read is not all, then."""
        total, values = Total(), dict[str, bytes]()
        place: tuple[str, str] | None = None
        seen = set[tuple[str, str]]()
        for record in self._records():
            match record:
                case File(group, instance, key, data) if place in {None, (group, instance)} and key not in values:
                    place = group, instance
                    values[key] = data.encode()
                case Sum(group, instance) if place in {None, (group, instance)}:
                    if (group, instance) in seen:
                        raise self._error("An instance is in it twice.")
                    seen.add((group, instance))
                    total.add(record)
                    self._room = LARGEST
                    yield Instance(group, instance, values, _is_whole(record, values), _label_of(record))
                    place, values = None, {}
                case End() if place is None and record == total.end and next(self._records(), None) is None:
                    self.end = record
                    return
                case _:
                    raise self._error(f"{_DAMAGED}.")
        raise self._error("It was cut off: its end is missing.")


class _Readable(RawIOBase):
    """A pipe's end, as Python's buffers want it."""

    def __init__(self, piped: Piped) -> None:
        self._piped = piped

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # of bytes
        data = self._piped.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _label_of(one: Sum) -> str | None:
    return one.label if one.label_sha256 == digest_of_label(one.group, one.instance, one.label) else None


def _is_whole(one: Sum, values: dict[str, bytes]) -> bool:
    try:
        check_name("group", one.group)
        check_name("instance", one.instance)
        for key in values:
            check_key(key)
    except NameNotAllowed:
        return False
    sums = one.sha256, one.keys, one.bytes
    is_as_summed = sums == (digest_of(values), len(values), sum(map(len, values.values())))
    return is_as_summed and all(map(is_json, values.values()))
