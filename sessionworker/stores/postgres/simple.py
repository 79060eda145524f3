"""Most commits, in one statement: values written to instances that nobody has, with nothing else about them.

It takes a fourth of the time of a transaction that locks first and writes then, and a fourth of what that computes.
What it does not do is left to that one: deletions (of what another worker wrote while this one waited for the row, the
statement's snapshot knows nothing), `creds`, owners, conditions, and instances that are not there. Nor does it write to
an instance that has a proof, which whoever seals gives it with his first write: that is looked at in the row as it is
when it is locked, and what the store says of its keys is not.

A transaction sends what it changes only when it has its rows, so nothing of one that was given up is done later. Here
that is a matter of time: a statement that gets its rows after a moment of the database's clock does nothing, and nobody
is told that it failed before that moment has passed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TypeAlias

from psycopg import Connection

from sessionworker.names import CREDS
from sessionworker.stores.changes import Batch, Probe, ReleaseInstance, Write
from sessionworker.stores.postgres.sealing import KNOWN, Sealing
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.postgres.watched import LOCK_SECONDS

Place: TypeAlias = tuple[str, str]

VALID_SECONDS = LOCK_SECONDS + 0.5
"""For how long a statement that was sent may still do something: where its connection is lost, this is waited for."""


def is_simple(entry: Batch | Probe | ReleaseInstance) -> bool:
    """Tell whether all that an entry asks for is that values are written."""
    return (
        type(entry) is Batch
        and not entry.owner
        and entry.condition is None
        and bool(entry.changes)
        and all(type(change) is Write and change.key != CREDS for change in entry.changes)
    )


class SimpleWrites:
    """Writes values, of any number of instances, in one statement."""

    def __init__(self, tables: Tables, sealing: Sealing) -> None:
        """Use these tables, with names and values as `sealing` has them."""
        self._sealing = sealing
        self._codec = sealing.codec
        self._statement = tables.fill(_STATEMENT)
        self._one_value = tables.fill(_ONE_VALUE)
        self._ahead = 0.0  # by how many seconds the database's clock is ahead of `time.monotonic`

    @property
    def is_usable(self) -> bool:
        """Whether names are not bound to an instance's id, which would have to be asked for first."""
        return not self._codec.is_bound

    def set_clock(self, connection: Connection[Row]) -> None:
        """Find out what time it is there."""
        row = connection.execute(_CLOCK).fetchone()
        if row is not None:
            self._ahead = row[0] - time.monotonic()

    def write(self, connection: Connection[Row], values: Mapping[Place, Mapping[str, bytes]]) -> dict[Place, int]:
        """Write the values of some instances, each whole or not at all; return when those were written that were.

        Times are in milliseconds since 1970.
        """
        name = self._codec.name
        until = time.monotonic() + self._ahead + VALID_SECONDS
        if len(values) == 1:
            [(place, written)] = values.items()
            if len(written) == 1:
                [(key, value)] = written.items()
                parameters = (name(place[0]), name(place[1], place[0]), until, self._sealing.data, name(key), value)
                found = connection.execute(self._one_value, parameters, binary=True).fetchone()
                return {} if found is None else {place: self._learned(found[0])}
        places = {(name(group), name(instance, group)): (group, instance) for group, instance in values}
        asked = [
            (*place, name(key), value) for place, original in places.items() for key, value in values[original].items()
        ]
        columns = [list(column) for column in zip(*asked, strict=True)]
        rows = connection.execute(self._statement, [*columns, until, self._sealing.data], binary=True).fetchall()
        return {places[group, instance]: self._learned(seconds) for group, instance, seconds in rows}

    def _learned(self, seconds: float) -> int:
        """Take in what time it is there, and return it in milliseconds."""
        self._ahead = seconds - time.monotonic()
        return int(seconds * 1000)


_CLOCK = b"SELECT extract(epoch from clock_timestamp())::double precision"

# Rows are locked in the order of their ids, as all transactions do it.
_STATEMENT = f"""
WITH asked AS (
    SELECT * FROM unnest(%b::bytea[], %b::bytea[], %b::bytea[], %b::bytea[]) AS a (group_name, name, key, value)
), locked AS (
    SELECT i.id FROM {{instance}} i
    WHERE (i.group_name, i.name) IN (SELECT group_name, name FROM asked)
        AND i.dropped = '' AND i.owner = '' AND i.proof = ''
    ORDER BY i.id FOR UPDATE
), changed AS (
    UPDATE {{instance}} i
    SET writes = i.writes + 1, last_write = (extract(epoch from clock_timestamp()) * 1000)::bigint
    FROM locked l WHERE i.id = l.id AND extract(epoch from clock_timestamp()) < %s AND {KNOWN}
    RETURNING i.id, i.group_name, i.name
), written AS (
    INSERT INTO {{session_file}} (instance, key, value)
    SELECT c.id, a.key, a.value FROM changed c JOIN asked a ON a.group_name = c.group_name AND a.name = c.name
    ON CONFLICT (instance, key) DO UPDATE SET value = excluded.value
)
SELECT group_name, name, extract(epoch from clock_timestamp())::double precision FROM changed
"""

# The same for one value, which is what most are: it takes two thirds of the time.
_ONE_VALUE = f"""
WITH locked AS (
    SELECT id FROM {{instance}}
    WHERE group_name = %b AND name = %b AND dropped = '' AND owner = '' AND proof = '' FOR UPDATE
), changed AS (
    UPDATE {{instance}} i
    SET writes = i.writes + 1, last_write = (extract(epoch from clock_timestamp()) * 1000)::bigint
    FROM locked l WHERE i.id = l.id AND extract(epoch from clock_timestamp()) < %s AND {KNOWN}
    RETURNING i.id
), written AS (
    INSERT INTO {{session_file}} (instance, key, value) SELECT id, %b, %b FROM changed
    ON CONFLICT (instance, key) DO UPDATE SET value = excluded.value
)
SELECT extract(epoch from clock_timestamp())::double precision FROM changed
"""
