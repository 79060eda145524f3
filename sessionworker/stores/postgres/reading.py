"""Reading: each question is one statement, so what it answers is of one moment. A reader changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar
from uuid import UUID

from psycopg import Connection

from sessionworker.errors import NoSuchGroup, NoSuchInstance, StoreUnavailable
from sessionworker.events import Report
from sessionworker.names import CREDS, SessionFile
from sessionworker.stores.changes import Batch, Change, Delete, SetAside, Unwritten, Write
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.held import Since, not_its_own, version_in
from sessionworker.stores.postgres.sealing import KNOWN, Changed, Sealing
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.rules.creds import read_creds
from sessionworker.stores.rules.told import creds_lost, creds_restored
from sessionworker.values import is_json

ROWS_AT_ONCE = 1_000
"""Rows of a long answer after which other threads may run."""

MOST_IDS = 20_000
"""Ids of instances that are remembered."""

T = TypeVar("T")


class Assumed(NamedTuple):
    """What a question about an instance goes by: it is asked again where this was wrong."""

    group: str
    instance: str
    id: UUID | None
    """None where it has to be found out first, if anything is bound to it."""
    said: bytes
    """What the store says of its keys."""


class Reading:
    """Reads session files, in any number of threads. Every method may raise NoSpace or StoreUnavailable."""

    def __init__(
        self, connections: Connections, tables: Tables, sealing: Sealing, report: Report, ask: Callable[[Batch], None]
    ) -> None:
        """Have `ask` called with a batch that is to be committed: a repair of something that was found broken."""
        self._connections = connections
        self._sealing = sealing
        self._codec = sealing.codec
        self._ids: dict[tuple[str, str], UUID] = {}
        """Those of instances, as they were when they were looked at last: a key's name is bound to the id."""
        self._report = report
        self._ask = ask
        self._one = tables.fill(_ONE)
        self._many = tables.fill(_MANY)
        self._names = tables.fill(_NAMES)
        self._all_names = tables.fill(_ALL_NAMES)
        self._group = tables.fill(_GROUP)
        self._versions = tables.fill(_VERSIONS)

    def ask(self, question: Callable[[Connection[Row]], T]) -> T:
        """Return what a question comes to, asked again where the answer is that too little was known."""
        return self._connections.ask(lambda connection: self._sealing.again(question, connection))

    def assume(self, group: str, instance: str) -> Assumed:
        """Return what is known of a live instance. It comes before any name of it."""
        return Assumed(group, instance, self._ids.get((group, instance)), self._sealing.data)

    def look_for(
        self,
        connection: Connection[Row],
        statement: bytes,
        assumed: Assumed,
        *parameters: object,
        last: Sequence[object] = (),
    ) -> list[Row]:
        """Ask about a live instance. Raises NoSuchGroup, NoSuchInstance, StoreUnavailable, or Changed.

        What a statement takes is what KNOWN does, the parameters, what OF does, and the last ones. Its rows begin with
        the id, the proof, and what KNOWN says; only the first of these is returned.
        """
        group, instance, _, said = assumed
        names = [self._codec.names(group, "group"), self._codec.names(instance, "instance", group)]
        rows = connection.execute(statement, [said, *parameters, *names, *last], binary=True).fetchall()
        if not rows:
            raise self._missing(connection, group, said)
        id_, proof, is_known = rows[0][:3]
        self._sealing.expect(connection, is_known)
        if self._codec.is_bound and id_ != assumed.id:
            if not self._codec.is_proven(proof, "instance", str(id_), group, instance):
                raise not_its_own()
            if len(self._ids) >= MOST_IDS:
                self._ids.clear()
            self._ids[group, instance] = id_
            raise Changed
        return [(id_, *row[3:]) for row in rows]

    def _key_names(self, assumed: Assumed, key: str) -> list[bytes]:
        """Return all that may stand for a key; nothing where the instance's id has to be found out first."""
        is_known = assumed.id is not None or not self._codec.is_bound
        return self._codec.names(key, "key", str(assumed.id)) if is_known else []

    def _missing(self, connection: Connection[Row], group: str, said: bytes) -> NoSuchGroup | NoSuchInstance:
        found = connection.execute(self._group, [said, self._codec.names(group, "group")]).fetchone()
        is_known, count = found or (False, 0)
        self._sealing.expect(connection, is_known)
        return NoSuchInstance() if count else NoSuchGroup()

    def read(self, file: SessionFile) -> bytes | None:
        """Return a value, or None. Raises NoSuchGroup or NoSuchInstance."""

        def question(connection: Connection[Row]) -> bytes | None:
            assumed = self.assume(file.group, file.instance)
            names = self._key_names(assumed, file.key)
            rows = self.look_for(connection, self._one, assumed, names)
            id_, writes, has_creds, _, data = min(rows, key=lambda row: names.index(row[3]) if row[3] else 0)
            return self.open_value(connection, file, Since(id_, writes), data, has_creds=has_creds)

        return self.ask(question)

    def read_many(self, group: str, instance: str, keys: Sequence[str], most_bytes: int) -> dict[str, bytes | None]:
        """Return what the first keys hold that have so many bytes together, one at least; as of one moment.

        Raises NoSuchGroup or NoSuchInstance.
        """
        names = list(dict.fromkeys(keys))

        def question(connection: Connection[Row]) -> dict[str, bytes | None]:
            assumed = self.assume(group, instance)
            asked = [(name, key) for key in names for name in self._key_names(assumed, key)]
            sealed = [name for name, _ in asked]
            over = [self._codec.overhead(name) for name in sealed]
            parameters = most_bytes, sealed, over, [*range(len(asked))]
            rows = self.look_for(connection, self._many, assumed, *parameters)
            id_, writes, has_creds, *_ = rows[0]
            since = Since(id_, writes)
            found: dict[str, bytes | None] = {}
            for *_, number, data in rows:
                if number is not None:
                    found.setdefault(asked[number][1], data)
            values: dict[str, bytes | None] = {}
            size = 0
            for key in names:
                data = found.get(key)
                size += len(data) - self._codec.overhead(data) if data else 0
                if values and (size > most_bytes or (key in found and data is None)):
                    break
                file = SessionFile(group, instance, key)
                values[key] = self.open_value(connection, file, since, data, has_creds=has_creds)
            return values

        return self.ask(question)

    def open_value(
        self, connection: Connection[Row], file: SessionFile, since: Since, data: bytes | None, *, has_creds: bool
    ) -> bytes | None:
        """Return the value that a row holds, or what takes its place where it is broken."""
        value = None if data is None else self._codec.open(data, "value", str(since.id), file.key)
        if file.key == CREDS:
            if value is not None and read_creds(value) is not None:
                return value
            if data is None and not has_creds:
                return None
            return self._older(connection, file, since, "they are missing" if data is None else "they are not whole")
        if data is None or (value is not None and is_json(value)):
            return value
        self._ask_for(file, since, SetAside(file.key), Delete(file.key))
        return None

    def _older(self, connection: Connection[Row], file: SessionFile, since: Since, problem: str) -> bytes | None:
        """Bring back the newest good creds in place of broken ones; None where they were deleted."""
        good = None
        for *version, data in connection.execute(self._versions, [since.id], binary=True).fetchall():
            found = version_in(*version)
            if found.is_deletion and good is None:
                return None
            value = None if data is None else self._codec.open(data, "version", str(since.id), found.file_name)
            if value is not None and read_creds(value) is not None:
                good = value
                break
        if good is None:
            self._connections.counts["creds_lost"] += 1
            self._report(creds_lost(file.group, file.instance, problem))
            raise StoreUnavailable("The credentials of this instance cannot be read. The worker's log says more.")
        self._connections.counts["creds_restored"] += 1
        self._report(creds_restored(file.group, file.instance, problem))
        self._ask_for(file, since, SetAside(CREDS), Write(CREDS, good))
        return good

    def _ask_for(self, file: SessionFile, since: Since, *changes: Change) -> None:
        self._ask(Batch(file.group, file.instance, changes, Unwritten(since)))

    def names(self, group: str, instance: str, beginning: str, after: str, most: int) -> list[str]:
        """Return the keys that begin so and come after another in the order of their code points."""

        def question(connection: Connection[Row]) -> list[str]:
            assumed = self.assume(group, instance)
            if self._codec.is_bound:  # a sealed name tells nothing of its order
                rows = self.look_for(connection, self._all_names, assumed)
                return sorted(self._opened(rows, beginning, after))[:most]
            first, last = beginning.encode(), _behind(beginning.encode())
            parameters = [after.encode(), first, last, last]
            rows = self.look_for(connection, self._names, assumed, *parameters, last=[most])
            return [key for _, name in rows if name is not None and (key := self._codec.open_name(name)) is not None]

        return self.ask(question)

    def _opened(self, rows: Iterable[Row], beginning: str, after: str) -> set[str]:
        found = set()
        for number, (id_, name) in enumerate(rows, 1):
            key = None if name is None else self._codec.open_name(name, "key", str(id_))
            if key is not None and key.startswith(beginning) and key > after:
                found.add(key)
            if number % ROWS_AT_ONCE == 0:
                time.sleep(0)  # others may run
        return found


def _behind(beginning: bytes) -> bytes | None:
    """Return what comes behind all that begins so; None where nothing does. UTF-8 has no byte 0xFF."""
    return beginning[:-1] + bytes([beginning[-1] + 1]) if beginning else None


OF = "i.group_name = ANY(%b::bytea[]) AND i.name = ANY(%b::bytea[]) AND i.dropped = ''"
"""What finds a live instance, by all that may stand for its group and its name."""

_ONE = f"""
SELECT i.id, i.proof, {KNOWN}, i.writes, i.has_creds, f.key, f.value
FROM {{instance}} i LEFT JOIN {{session_file}} f ON f.instance = i.id AND f.key = ANY(%b::bytea[])
WHERE {OF}
"""

# Values after which there would be too many bytes stay where they are; their rows say that there are some.
_MANY = f"""
SELECT i.id, i.proof, {KNOWN}, i.writes, i.has_creds, f.number,
    CASE WHEN f.up_to <= %s OR f.up_to = f.size THEN f.value END
FROM {{instance}} i LEFT JOIN LATERAL (
    SELECT a.number, s.value, octet_length(s.value) - a.overhead AS size,
        sum(octet_length(s.value) - a.overhead) OVER (ORDER BY a.number) AS up_to
    FROM unnest(%b::bytea[], %b::integer[], %b::integer[]) AS a (key, overhead, number)
    JOIN {{session_file}} s ON s.instance = i.id AND s.key = a.key
) f ON true
WHERE {OF}
ORDER BY f.number
"""

_NAMES = f"""
SELECT i.id, i.proof, {KNOWN}, f.key
FROM {{instance}} i LEFT JOIN {{session_file}} f
  ON f.instance = i.id AND f.key > %b AND f.key >= %b AND (%b::bytea IS NULL OR f.key < %b)
WHERE {OF}
ORDER BY f.key LIMIT %s
"""

_ALL_NAMES = f"""
SELECT i.id, i.proof, {KNOWN}, f.key FROM {{instance}} i LEFT JOIN {{session_file}} f ON f.instance = i.id WHERE {OF}
"""

_GROUP = f"SELECT {KNOWN}, count(*) FROM {{session_group}} WHERE name = ANY(%b::bytea[])"

_VERSIONS = """
SELECT made_at, number, identity, next_pre_key, value FROM {creds_version}
WHERE instance = %s ORDER BY made_at DESC, number DESC
"""
