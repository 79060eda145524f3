"""Reading: each question is one statement, so what it answers is of one moment. A reader changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psycopg import Connection

from sessionworker.errors import NoSuchGroup, NoSuchInstance, StoreUnavailable
from sessionworker.events import Event, Report
from sessionworker.names import CREDS, SessionFile
from sessionworker.stores.changes import Batch, Change, Delete, SetAside, Unwritten, Write
from sessionworker.stores.postgres.codec import Codec
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.held import Since, version_in
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.rules.creds import read_creds
from sessionworker.values import is_json


class Reading:
    """Reads session files, in any number of threads. Every method may raise NoSpace or StoreUnavailable."""

    def __init__(
        self, connections: Connections, tables: Tables, codec: Codec, report: Report, ask: Callable[[Batch], None]
    ) -> None:
        """Have `ask` called with a batch that is to be committed: a repair of something that was found broken."""
        self._connections = connections
        self._codec = codec
        self._report = report
        self._ask = ask
        self._one = tables.fill(_ONE)
        self._many = tables.fill(_MANY)
        self._names = tables.fill(_NAMES)
        self._group = tables.fill(_GROUP)
        self._versions = tables.fill(_VERSIONS)

    def place(self, group: str, instance: str) -> list[bytes]:
        """Return what stands for an instance's group and its name."""
        return [self._codec.name(group), self._codec.name(instance, group)]

    def missing(self, connection: Connection[Row], group: str) -> NoSuchGroup | NoSuchInstance:
        """Return what an instance that was not found is told as."""
        found = connection.execute(self._group, [self._codec.name(group)]).fetchone()
        return NoSuchGroup() if found is None else NoSuchInstance()

    def read(self, file: SessionFile) -> bytes | None:
        """Return a value, or None. Raises NoSuchGroup or NoSuchInstance."""

        def question(connection: Connection[Row]) -> bytes | None:
            parameters = [self._codec.name(file.key), *self.place(file.group, file.instance)]
            row = connection.execute(self._one, parameters, binary=True).fetchone()
            if row is None:
                raise self.missing(connection, file.group)
            id_, writes, has_creds, data = row
            return self._open(connection, file, Since(id_, writes), data, has_creds=has_creds)

        return self._connections.ask(question)

    def read_many(self, group: str, instance: str, keys: Sequence[str], most_bytes: int) -> dict[str, bytes | None]:
        """Return what the first keys hold that have so many bytes together, one at least; as of one moment.

        Raises NoSuchGroup or NoSuchInstance.
        """
        names = list(dict.fromkeys(keys))

        def question(connection: Connection[Row]) -> dict[str, bytes | None]:
            parameters = [most_bytes, [self._codec.name(key) for key in names], *self.place(group, instance)]
            rows = connection.execute(self._many, parameters, binary=True).fetchall()
            if not rows:
                raise self.missing(connection, group)
            id_, writes, has_creds, *_ = rows[0]
            since = Since(id_, writes)
            found = {names[number - 1]: data for *_, number, data in rows if number is not None}
            values: dict[str, bytes | None] = {}
            size = 0
            for key in names:
                data = found.get(key)
                size += len(data or b"")
                if values and (size > most_bytes or (key in found and data is None)):
                    break
                file = SessionFile(group, instance, key)
                values[key] = self._open(connection, file, since, data, has_creds=has_creds)
            return values

        return self._connections.ask(question)

    def _open(
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
        where = f"instance {file.instance!r} in group {file.group!r}"
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
            text = (
                f"The creds of {where} cannot be read ({problem}), and no older version is left. The instance is "
                "refused until its creds are restored from a backup, or the instance is dropped to be paired again."
            )
            self._report(Event("creds_lost", text, file.group, file.instance))
            raise StoreUnavailable("The credentials of this instance cannot be read. The worker's log says more.")
        self._connections.counts["creds_restored"] += 1
        text = f"The creds of {where} could not be read ({problem}); the newest good version takes their place."
        self._report(Event("creds_restored", text, file.group, file.instance, level="warn"))
        self._ask_for(file, since, SetAside(CREDS), Write(CREDS, good))
        return good

    def _ask_for(self, file: SessionFile, since: Since, *changes: Change) -> None:
        self._ask(Batch(file.group, file.instance, changes, Unwritten(since)))

    def names(self, group: str, instance: str, beginning: str, after: str, most: int) -> list[str]:
        """Return the keys that begin so and come after another in the order of their code points."""

        def question(connection: Connection[Row]) -> list[str]:
            first, last = beginning.encode(), _behind(beginning.encode())
            parameters = [after.encode(), first, last, last, *self.place(group, instance), most]
            rows = connection.execute(self._names, parameters, binary=True).fetchall()
            if not rows:
                raise self.missing(connection, group)
            return [self._codec.open_name(name, str(id_)) for id_, name in rows if name is not None]

        return self._connections.ask(question)


def _behind(beginning: bytes) -> bytes | None:
    """Return what comes behind all that begins so; None where nothing does. UTF-8 has no byte 0xFF."""
    return beginning[:-1] + bytes([beginning[-1] + 1]) if beginning else None


_OF = "i.group_name = %b AND i.name = %b AND i.dropped = ''"

_ONE = f"""
SELECT i.id, i.writes, i.has_creds, f.value
FROM {{instance}} i LEFT JOIN {{session_file}} f ON f.instance = i.id AND f.key = %b
WHERE {_OF}
"""

# Values after which there would be too many bytes stay where they are; their rows say that there are some.
_MANY = f"""
SELECT i.id, i.writes, i.has_creds, f.number, CASE WHEN f.up_to <= %s OR f.up_to = f.size THEN f.value END
FROM {{instance}} i LEFT JOIN LATERAL (
    SELECT a.number, s.value, octet_length(s.value) AS size, sum(octet_length(s.value)) OVER (ORDER BY a.number) up_to
    FROM unnest(%b::bytea[]) WITH ORDINALITY AS a (key, number)
    JOIN {{session_file}} s ON s.instance = i.id AND s.key = a.key
) f ON true
WHERE {_OF}
"""

_NAMES = f"""
SELECT i.id, f.key
FROM {{instance}} i LEFT JOIN {{session_file}} f
  ON f.instance = i.id AND f.key > %b AND f.key >= %b AND (%b::bytea IS NULL OR f.key < %b)
WHERE {_OF}
ORDER BY f.key LIMIT %s
"""

_GROUP = "SELECT 1 FROM {session_group} WHERE name = %b"

_VERSIONS = """
SELECT made_at, number, identity, next_pre_key, value FROM {creds_version}
WHERE instance = %s ORDER BY made_at DESC, number DESC
"""
