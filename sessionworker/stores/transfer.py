"""Copying all that one store holds into another one: see `copying`, and `side` of each store.

An instance is a **record**, found by its id, and what it holds are entries in an order that is the same in each store.
One that is equal in both is left alone, so a copy that was ended goes on, and a second one brings what has changed.
Whatever was written is read back, and compared by a digest of all of it.

The target says that it is a part of a copy before anything in it changes, and that it is whole only when it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Struct

from sessionworker.errors import NameNotAllowed
from sessionworker.file_names import encode_name
from sessionworker.names import CREDS
from sessionworker.stores.rules.creds import read_creds
from sessionworker.stores.rules.versions import parse_version

FILE, VERSION, BROKEN = "file", "version", "broken"
"""The kinds of entries, in the order in which they come."""

UNKNOWN = "unknown"
"""What a broken value is called whose key cannot be told."""

LONGEST_LABEL = 100
"""Bytes that the name of a broken value may have, as it is written in a file's name beside other things."""

T = TypeVar("T")


class CopyError(Exception):
    """What ends a copy, told to the operator in one line."""


class Unreadable(Exception):
    """Why an instance cannot be copied, or the half of a sentence that says so."""


class Entry(NamedTuple):
    """Something that an instance holds."""

    kind: str
    name: str
    """The key, the version's name, or when something was found broken and what it was."""
    value: bytes


class Record(Struct, frozen=True):
    """What is to be said of an instance besides what it holds."""

    id: str
    group: str
    name: str
    dropped: str
    """What its drop is called; empty where it is live."""
    last_write: int
    """Milliseconds since 1970; it means something only where there are session files."""
    has_creds: bool
    """Whether there should be `creds`."""
    label: str = ""
    """What operators call it."""

    def __str__(self) -> str:
        """Say which one it is."""
        return called(self.group, self.name, self.dropped)


class Listed(NamedTuple):
    """An instance of a list: it may be another one when it is opened."""

    id: str
    files: int
    """About how many session files it has."""


class Opened(NamedTuple):
    """An instance of one moment."""

    record: Record
    entries: Iterator[Entry]
    """Session files by their keys, versions, broken values; each sorted. Raises Unreadable."""


class Source(Protocol):
    """A store that is copied. Every method may raise CopyError."""

    shown: str
    """Where it is, without anything secret."""

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""

    def problems(self) -> list[str]:
        """Return sentences about what cannot even be listed."""

    def records(self) -> list[Listed]:
        """Return all instances, live or dropped, sorted by their ids."""

    def opened(self, id_: str) -> AbstractContextManager[Opened | None]:
        """Give what an instance holds for a block; None where it is gone. Raises Unreadable."""

    def close(self) -> None:
        """Let go of the store."""


class Target(Source, Protocol):
    """A store that is copied into."""

    def begin(self) -> None:
        """Say durably that it is a part of a copy; refuse if it is somebody's store."""

    def keep_groups(self, groups: Sequence[str]) -> None:
        """Make the groups that are missing, and remove others."""

    def put(self, record: Record, entries: Iterable[Entry]) -> None:
        """Write an instance whole, in the place of what has its id or its name, or nothing where that fails."""

    def remove(self, id_: str) -> None:
        """Remove an instance."""

    def finish(self) -> None:
        """Make all durable, and then say that the copy is whole."""


class Totals(Struct):
    """How much one side holds."""

    groups: int = 0
    instances: int = 0
    drops: int = 0
    files: int = 0
    versions: int = 0
    broken: int = 0
    bytes: int = 0
    digest: str = ""
    """The digest of everything."""


class Contents(Struct, frozen=True):
    """What an instance was found to hold."""

    digest: bytes
    is_dropped: bool
    files: int
    versions: int
    broken: int
    bytes: int


class Digest:
    """Adds up what an instance holds, while it passes."""

    def __init__(self, opened: Opened) -> None:
        """Add up what `opened` gives."""
        self._record, self._entries = opened
        self._sum = sha256()
        self._counts = {FILE: 0, VERSION: 0, BROKEN: 0}
        self._bytes = 0

    def __iter__(self) -> Iterator[Entry]:
        """Give the entries on."""
        for entry in checked(self._record, self._entries):
            kind, name, value = entry
            text = name.encode()
            self._sum.update(b"%b %d %b %d " % (kind.encode(), len(text), text, len(value)))
            self._sum.update(value)
            self._counts[kind] += 1
            if kind == FILE:
                self._bytes += len(value)
            yield entry

    @property
    def contents(self) -> Contents:
        """What it was, once all has passed."""
        record, files = self._record, self._counts[FILE]
        last_write = record.last_write if files else 0
        said = ["record", record.id, record.group, record.name, record.dropped, str(last_write), str(record.has_creds)]
        said.append(record.label)
        self._sum.update(msgspec.json.encode(said))
        digest = self._sum.digest()
        return Contents(digest, bool(record.dropped), files, self._counts[VERSION], self._counts[BROKEN], self._bytes)


def checked(record: Record, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Give entries on; raise Unreadable after the last where a store would refuse the instance for its `creds`."""
    creds = is_good = is_deleted = has_good = False
    for entry in entries:
        if entry.kind == FILE and entry.name == CREDS:
            creds, is_good = True, read_creds(entry.value) is not None
        elif entry.kind == VERSION:
            version = parse_version(entry.name)
            is_deleted = version is not None and version.is_deletion  # the newest one comes last
            has_good = has_good or (not is_deleted and read_creds(entry.value) is not None)
        yield entry
    if not (is_good or is_deleted or has_good) and (creds or record.has_creds):
        raise Unreadable(f"{record}: its creds are broken, and no older version is left")


def contents_of(opened: Opened) -> Contents:
    """Read all that an instance holds, and return what that comes to. Raises Unreadable."""
    digest = Digest(opened)
    for _ in digest:
        pass
    return digest.contents


def sum_up(groups: Sequence[str], contents: dict[str, Contents]) -> Totals:
    """Return how much some groups and instances come to, these by their ids."""
    everything = sha256()
    for name in groups:
        everything.update(len(name.encode()).to_bytes(8, "big") + name.encode())
    for id_ in sorted(contents):
        everything.update(contents[id_].digest)
    found = contents.values()
    return Totals(
        groups=len(groups),
        instances=sum(not one.is_dropped for one in found),
        drops=sum(one.is_dropped for one in found),
        files=sum(one.files for one in found),
        versions=sum(one.versions for one in found),
        broken=sum(one.broken for one in found),
        bytes=sum(one.bytes for one in found),
        digest=everything.hexdigest(),
    )


def called(group: str, name: str, dropped: str = "") -> str:
    """Return what to call an instance in a sentence."""
    return f"instance {name!r} in group {group!r}{', which was dropped,' if dropped else ''}"


def label_of(key: str) -> str:
    """Return what a broken value of a key is called: the key, or its beginning where that is long."""
    while key and len(_file_name_of(key)) > LONGEST_LABEL:
        key = key[:-1]
    return key or UNKNOWN


def _file_name_of(key: str) -> bytes:
    try:
        return encode_name(key).encode()
    except NameNotAllowed:
        return b"?" * (LONGEST_LABEL + 1)


def in_order(asides: Iterable[tuple[int, str, T]]) -> Iterator[tuple[int, str, T]]:
    """Yield broken values, each with its time and its label, sorted; of two with the same ones one has a later time."""
    found: dict[tuple[int, str], T] = {}
    for when, label, what in sorted(asides, key=lambda one: one[:2]):
        free = when
        while (free, label) in found:
            free += 1
        found[free, label] = what
    for (when, label), what in sorted(found.items(), key=lambda one: one[0]):
        yield when, label, what


def aside_name(when: int, label: str) -> str:
    """Return the name of the entry for a broken value."""
    return f"{when:013}-{label}"


def read_aside_name(name: str) -> tuple[int, str]:
    """Return the time and the label that `aside_name` was given."""
    when, _, label = name.partition("-")
    return int(when), label


def in_use(shown: str) -> CopyError:
    """Return what is told of a target that is no copy, and holds something."""
    return CopyError(
        f"{shown} holds something that no copy brought there. Nothing was changed. Name one that is empty."
    )
