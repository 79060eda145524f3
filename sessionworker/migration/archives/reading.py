"""Reads an archive, and sees that all of it is there: each value, each instance, and the end."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self, cast

import msgspec

from sessionworker.errors import NameNotAllowed
from sessionworker.migration.archives.encryption import Piped, Unlock, is_locked
from sessionworker.migration.archives.records import FORM, ArchiveError, End, File, Head, Record, Sum, Total, decode
from sessionworker.migration.arriving import digest_of
from sessionworker.migration.readers.collecting import shown
from sessionworker.names import check_key, check_name
from sessionworker.values import is_json

LONGEST_BEGINNING = 32
"""Bytes by which it is told what a file is."""

_GZIP = b"\x1f\x8b"
_DAMAGED = "It is damaged, or no archive of the worker's"


class Instance(NamedTuple):
    """An instance of an archive."""

    group: str
    name: str
    values: dict[str, bytes]
    is_whole: bool
    """Whether it holds what its sum says, and all of it is what a worker takes."""


class Reader:
    """Reads the instances of an archive in their order. As a context manager, it is closed after the block."""

    def __init__(self, place: Path, unlock: Unlock) -> None:
        """Open an archive. Raises ArchiveError."""
        self._called = shown(str(place))
        self._stack = ExitStack()
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
        self.made = first.made
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
            stream: BinaryIO = self._stack.enter_context(place.open("rb"))
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
            for line in self._lines:
                yield decode(line)
        except ArchiveError as error:
            raise self._error(str(error)) from None
        except (OSError, EOFError, zlib.error, msgspec.MsgspecError, UnicodeError):
            raise self._error(f"{_DAMAGED}.") from None

    def instances(self) -> Iterator[Instance]:
        """Yield all instances. Raises ArchiveError, also behind the last one: what was read is not all, then."""
        total, values = Total(), dict[str, bytes]()
        place: tuple[str, str] | None = None
        for record in self._records():
            match record:
                case File(group, instance, key, data) if place in {None, (group, instance)} and key not in values:
                    place = group, instance
                    values[key] = data.encode()
                case Sum(group, instance) if place in {None, (group, instance)}:
                    total.add(record)
                    yield Instance(group, instance, values, _is_whole(record, values))
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


def _is_whole(one: Sum, values: dict[str, bytes]) -> bool:
    try:
        check_name("group", one.group)
        check_name("instance", one.instance)
        for key in values:
            check_key(key)
    except NameNotAllowed:
        return False
    return digest_of(values) == one.sha256 and one.keys == len(values) and all(map(is_json, values.values()))
