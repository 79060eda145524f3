"""All that one instance's rows hold, as a copy reads and writes them; see `side`. Psycopg's errors pass.

No more of an instance is in memory at once than the names of its keys, and some of its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from psycopg import Connection

from sessionworker.stores.postgres.codec import Codec, NameNotOpened, by_key
from sessionworker.stores.postgres.held import version_in
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.rules.versions import parse_version
from sessionworker.stores.transfer import (
    BROKEN,
    FILE,
    VERSION,
    CopyError,
    Entry,
    Record,
    Unreadable,
    aside_name,
    in_order,
    label_of,
    read_aside_name,
)

AT_ONCE = 500
"""Rows that are read, or written, with one statement."""

MOST_BYTES = 8 * 2**20
"""Bytes of their values, at most, or one of more."""

T = TypeVar("T")


class _Broken(NamedTuple):
    """A row of a broken value, or of a session file that does not open."""

    is_file: bool
    key: bytes
    found_at: int
    name: str
    """The key, if it can be told."""


class Contents:
    """What instances hold, in the tables of one store."""

    def __init__(self, connection: Connection[Row], tables: Tables, codec: Codec) -> None:
        """Ask over `connection`; names and values are as `codec` has them."""
        self._connection = connection
        self._codec = codec
        self._statements = {name: tables.fill(text) for name, text in _STATEMENTS.items()}

    def _ask(self, statement: str, *parameters: object) -> list[Row]:
        return self._connection.execute(self._statements[statement], parameters, binary=True).fetchall()

    # Reading

    def entries(self, id_: UUID, rotten_at: int) -> Iterator[Entry]:
        """Yield all that an instance holds; what does not open as a broken value of the time `rotten_at`.

        Raises Unreadable.
        """
        rotten: list[tuple[int, str, _Broken]] = []
        text, open_ = str(id_), self._codec.open
        for key, name, data in self._files(id_):
            value = open_(data, "value", text, key)
            if value is None:  # as a worker would do it that reads it
                rotten.append((rotten_at, label_of(key), _Broken(is_file=True, key=name, found_at=0, name=key)))
            else:
                yield Entry(FILE, key, value)
        yield from self._versions_of(id_)
        for when, label, one in in_order([*self._broken(id_), *rotten]):
            row = ("files", id_, [one.key]) if one.is_file else ("a_broken", id_, one.key, one.found_at)
            data = self._ask(*row)[0][-1]
            value = None if one.is_file else open_(data, "value", text, one.name)
            yield Entry(BROKEN, aside_name(when, label), data if value is None else value)

    def _files(self, id_: UUID) -> Iterator[tuple[str, bytes, bytes]]:
        """Yield the keys of an instance, sorted, each with its name in the table and what that holds."""
        if self._ask("size", id_)[0][0] <= MOST_BYTES:  # as nearly always
            for key, found in self._by_key(id_, "all_files").items():
                yield key, *found
            return
        for some in _pages(self._by_key(id_, "names").items(), lambda item: item[1][1]):
            data: dict[bytes, bytes] = dict(self._ask("files", id_, [name for _, (name, _) in some]))
            for key, (name, _) in some:
                yield key, name, data[name]

    def _by_key(self, id_: UUID, statement: str) -> dict[str, tuple[bytes, Any]]:
        """Return rows of session files by their keys, sorted."""
        try:
            return by_key(self._codec, self._ask(statement, id_), str(id_))
        except NameNotOpened:
            raise Unreadable("no key opens the name of one of its rows") from None

    def _versions_of(self, id_: UUID) -> Iterator[Entry]:
        rows = sorted(self._ask("versions", id_), key=lambda row: row[:2])
        for some in _pages(rows, lambda row: row[2]):
            first, last = some[0][:2], some[-1][:2]
            for *version, data in self._ask("some_versions", id_, *first, *last):
                name = version_in(*version).file_name
                value = b"" if data is None else self._codec.open(data, "version", str(id_), name)
                yield Entry(VERSION, name, data if value is None else value)

    def _broken(self, id_: UUID) -> list[tuple[int, str, _Broken]]:
        found = []
        for name, found_at in sorted(self._ask("broken", id_)):
            key = self._codec.open_name(name, "key", str(id_)) or ""
            found.append((found_at, label_of(key), _Broken(is_file=False, key=name, found_at=found_at, name=key)))
        return found

    # Writing

    def write(self, record: Record, entries: Iterable[Entry]) -> None:
        """Write an instance of which nothing is there, in a transaction."""
        id_, codec = UUID(record.id), self._codec
        names = [codec.name(record.group, "group"), codec.name(record.name, "instance", record.group)]
        proof = codec.mark("instance", str(id_), record.group, record.name)
        state = [record.last_write, record.has_creds, proof]
        self._connection.execute(self._statements["add"], [id_, *names, record.dropped, *state])
        last_version = 0
        for some in _pages(entries, lambda entry: len(entry.value)):
            for kind, group in groupby(some, lambda entry: entry.kind):
                rows = [self._row_of(str(id_), entry) for entry in group]
                self._connection.execute(self._statements[f"add_{kind}"], [id_, *map(list, zip(*rows, strict=True))])
                if kind == VERSION:
                    last_version = max(last_version, *(row[0] for row in rows))
        self._connection.execute(self._statements["set_last_version"], [last_version, id_])

    def _row_of(self, id_: str, entry: Entry) -> Row:
        kind, name, value = entry
        if kind == FILE:
            return self._codec.name(name, "key", id_), self._codec.seal(value, "value", id_, name)
        if kind == BROKEN:
            when, label = read_aside_name(name)
            return self._codec.name(label, "key", id_), when, self._codec.seal(value, "value", id_, label)
        version = parse_version(name)
        if version is None:
            raise CopyError("A version of creds has a name that none has.")
        data = None if version.is_deletion else self._codec.seal(value, "version", id_, name)
        return *version, data


def _pages(items: Iterable[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    page: list[T] = []
    size = 0
    for item in items:
        if page and (len(page) == AT_ONCE or size + size_of(item) > MOST_BYTES):
            yield page
            page, size = [], 0
        page.append(item)
        size += size_of(item)
    if page:
        yield page


_STATEMENTS = {
    "size": "SELECT coalesce(sum(octet_length(value) + 100), 0) FROM {session_file} WHERE instance = %s",
    "all_files": "SELECT key, value FROM {session_file} WHERE instance = %s",
    "names": "SELECT key, octet_length(value) FROM {session_file} WHERE instance = %s",
    "files": "SELECT key, value FROM {session_file} WHERE instance = %s AND key = ANY(%b::bytea[])",
    "versions": "SELECT made_at, number, coalesce(octet_length(value), 0) FROM {creds_version} WHERE instance = %s",
    "some_versions": """
        SELECT made_at, number, identity, next_pre_key, value FROM {creds_version}
        WHERE instance = %s AND (made_at, number) BETWEEN (%s, %s) AND (%s, %s) ORDER BY made_at, number
    """,
    "broken": "SELECT key, found_at FROM {broken_value} WHERE instance = %s",
    "a_broken": "SELECT value FROM {broken_value} WHERE instance = %s AND key = %b AND found_at = %s",
    "add": """
        INSERT INTO {instance} (id, group_name, name, dropped, last_write, has_creds, proof)
        VALUES (%s, %b, %b, %s, %s, %s, %b)
    """,
    "add_file": """
        INSERT INTO {session_file} (instance, key, value)
        SELECT %s, a.key, a.value FROM unnest(%b::bytea[], %b::bytea[]) AS a (key, value)
    """,
    "add_version": """
        INSERT INTO {creds_version} (instance, made_at, number, identity, next_pre_key, value)
        SELECT %s, a.made_at, a.number, a.identity, a.next_pre_key, a.value
        FROM unnest(%b::bigint[], %b::integer[], %b::text[], %b::bigint[], %b::bytea[])
            AS a (made_at, number, identity, next_pre_key, value)
    """,
    "add_broken": """
        INSERT INTO {broken_value} (instance, key, found_at, value)
        SELECT %s, a.key, a.found_at, a.value
        FROM unnest(%b::bytea[], %b::bigint[], %b::bytea[]) AS a (key, found_at, value)
    """,
    "set_last_version": "UPDATE {instance} SET last_version = %s WHERE id = %s",
}
