"""All that one instance holds, read with one statement, so that it is of one moment."""

from __future__ import annotations

from uuid import UUID

from psycopg import Connection

from sessionworker.errors import InstanceTooLarge, StoreUnavailable
from sessionworker.names import CREDS, SessionFile
from sessionworker.stores.interface import AllValues
from sessionworker.stores.postgres.codec import Codec, NameNotOpened, by_key
from sessionworker.stores.postgres.held import Since
from sessionworker.stores.postgres.reading import OF, Reading
from sessionworker.stores.postgres.sealing import KNOWN
from sessionworker.stores.postgres.tables import Row, Tables


class Whole:
    """Reads instances whole, in any number of threads."""

    def __init__(self, reading: Reading, tables: Tables, codec: Codec) -> None:
        """Ask as `reading` does."""
        self._reading = reading
        self._codec = codec
        self._statement = tables.fill(_WHOLE)

    def read(self, group: str, instance: str, most_bytes: int) -> AllValues:
        """Return what all keys hold that hold something, and how many are broken.

        Raises NoSuchGroup, NoSuchInstance, InstanceTooLarge, NoSpace or StoreUnavailable.
        """

        def question(connection: Connection[Row]) -> AllValues:
            assumed = self._reading.assume(group, instance)
            over = self._codec.overhead(self._codec.name("", "key", ""))
            rows = self._reading.look_for(connection, self._statement, assumed, over, most_bytes)
            id_, writes, has_creds, *_ = rows[0]
            values: dict[str, bytes] = {}
            broken = 0
            if any(name is not None and data is None for *_, name, data in rows):
                raise InstanceTooLarge(most_bytes)
            for key, data in self._by_key(id_, rows).items():
                file, since = SessionFile(group, instance, key), Since(id_, writes)
                value = self._reading.open_value(connection, file, since, data, has_creds=has_creds)
                if value is not None:
                    values[key] = value
                elif key != CREDS:  # no creds: those were deleted
                    broken += 1
            if sum(map(len, values.values())) > most_bytes:
                raise InstanceTooLarge(most_bytes)
            return AllValues(values, broken)

        return self._reading.ask(question)

    def _by_key(self, id_: UUID, rows: list[Row]) -> dict[str, bytes | None]:
        """Return what is stored for each key, and for creds in any case: an older version may be all there is."""
        held = [(name, data) for *_, name, data in rows if name is not None]
        try:
            found = by_key(self._codec, held, str(id_))
        except NameNotOpened:
            raise StoreUnavailable("The name of one of this instance's keys cannot be opened.") from None
        return {key: found[key][1] if key in found else None for key in sorted({*found, CREDS})}


# Of an instance that is too large nothing is sent but names.
_WHOLE = f"""
SELECT i.id, i.proof, {KNOWN}, i.writes, i.has_creds, f.key, f.value
FROM {{instance}} i LEFT JOIN LATERAL (
    SELECT s.key, CASE WHEN sum(octet_length(s.value) - %s) OVER () <= %s THEN s.value END AS value
    FROM {{session_file}} s WHERE s.instance = i.id
) f ON true
WHERE {OF}
"""
