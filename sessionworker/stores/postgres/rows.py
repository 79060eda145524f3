"""What a transaction asks of the tables: lock instances, write what became of them. A few statements, however many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from uuid import UUID

from psycopg import Connection

from sessionworker.stores.postgres.held import CLOCK, COLUMNS, Held, Moment, held_of, version_in
from sessionworker.stores.postgres.sealing import SAID, Sealing
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.rules.drops import is_drop

PROBE = "probe"
"""The row of `state` that a probe writes."""


class Rows:
    """The rows of instances and of what they hold, in transactions."""

    def __init__(self, tables: Tables, sealing: Sealing) -> None:
        """Use these tables, with names and values as `sealing` has them."""
        self._sealing = sealing
        self._codec = sealing.codec
        self._clock = tables.fill(_CLOCK)
        self._lock = tables.fill(_LOCK)
        self._locked = tables.fill(_LOCKED)
        self._lock_dropped = tables.fill(_LOCK_DROPPED)
        self._lock_group = tables.fill(_LOCK_GROUP)
        self._versions = tables.fill(_VERSIONS)
        self._groups = tables.fill(_GROUPS)
        self._aside = tables.fill(_ASIDE)
        self._write = tables.fill(_WRITE)
        self._delete = tables.fill(_DELETE)
        self._add_versions = tables.fill(_ADD_VERSIONS)
        self._delete_versions = tables.fill(_DELETE_VERSIONS)
        self._update = tables.fill(_UPDATE)
        self._probe = tables.fill(_PROBE)

    # Locking

    def lock(
        self,
        connection: Connection[Row],
        places: Iterable[tuple[str, str]],
        with_versions: Iterable[tuple[str, str]] = (),
    ) -> tuple[dict[tuple[str, str], Held], Moment]:
        """Lock the instances of some groups and names, as far as they exist, in the order that all workers keep.

        Returns them, those of `with_versions` with the versions of their `creds`, and the time. Nobody rewrites what
        they hold from then on, nor writes it under another key than this worker knows. Raises StoreUnavailable.
        """
        places, with_versions = list(places), list(with_versions)
        found = self._sealing.again(lambda again: self._try_to_lock(again, places, with_versions), connection)
        if len(found[0]) < len(set(places)):
            # One that takes another's place, or is given its name under another key, while that row was waited for, is
            # not found by a statement that began before: nobody may be told that there is none.
            return self._sealing.again(lambda again: self._try_to_lock(again, places, with_versions), connection)
        return found

    def _try_to_lock(
        self, connection: Connection[Row], places: list[tuple[str, str]], with_versions: list[tuple[str, str]]
    ) -> tuple[dict[tuple[str, str], Held], Moment]:
        said = self._sealing.data
        names = self._spelled(places)
        locking = connection.execute(self._lock, _columns(names, 2), binary=True)
        versions = self._spelled(with_versions)
        listing = connection.execute(self._versions, _columns(versions, 2), binary=True) if versions else None
        clock = connection.execute(self._clock, binary=True)
        found = {names[group, name]: row for group, name, *row in locking.fetchall()}
        held = {place: held_of(*place, tuple(row), self._codec) for place, row in found.items()}
        if listing is not None:
            by_id = {one.id: one for one in held.values()}
            for id_, *version in listing.fetchall():
                if id_ in by_id:  # it may have been made since
                    by_id[id_].versions[version_in(*version)] = None
            for one in by_id.values():
                one.before = tuple(one.versions)
        seconds, said_now = clock.fetchone() or (0.0, None)
        self._sealing.admit(connection, said, said_now)
        return held, Moment(int(seconds * 1000), seconds)

    def locked(self, connection: Connection[Row], places: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which instances somebody else has locked."""
        names = self._spelled(places)
        found = connection.execute(self._locked, _columns(names, 2) * 2, binary=True).fetchall()
        return {names[group, name] for group, name in found}

    def lock_dropped(self, connection: Connection[Row], group: str, name: str, drop: str) -> tuple[UUID, bool] | None:
        """Lock an instance that was dropped; return its id and whether that is its own, if there is such a one."""
        if not is_drop(drop):  # one that is live has none
            return None
        parameters = [self._codec.names(group, "group"), self._codec.names(name, "instance", group), drop]
        row = connection.execute(self._lock_dropped, parameters, binary=True).fetchone()
        return None if row is None else (row[0], self._codec.is_proven(row[1], "instance", str(row[0]), group, name))

    def lock_group(self, connection: Connection[Row], group: str) -> bool:
        """Lock a group, so that nobody makes instances in it meanwhile; tell whether it exists."""
        names = self._codec.names(group, "group")
        return connection.execute(self._lock_group, [names]).fetchone() is not None

    def lock_names(self, connection: Connection[Row]) -> None:
        """Let nobody make a group or an instance meanwhile that would be the same one, under another key."""
        self._sealing.again(self._sealing.lock, connection)

    def groups(self, connection: Connection[Row], names: Sequence[str]) -> set[str]:
        """Return which of some groups exist."""
        by_data = {data: name for name in names for data in self._codec.names(name, "group")}
        found = connection.execute(self._groups, [list(by_data)], binary=True).fetchall()
        return {by_data[data] for (data,) in found}

    def _spelled(self, places: Iterable[tuple[str, str]]) -> dict[tuple[bytes, bytes], tuple[str, str]]:
        names = self._codec.names
        return {
            pair: (group, instance)
            for group, instance in places
            for pair in product(names(group, "group"), names(instance, "instance", group))
        }

    # Writing

    def write(self, connection: Connection[Row], instances: Iterable[Held], now: int) -> None:
        """Write what became of instances that are locked."""
        touched = [one for one in instances if one.is_touched]
        aside, written, deleted = [], [], []
        for one in touched:
            id_ = str(one.id)
            for key in one.aside:
                aside += [(one.id, name, now) for name in self._codec.names(key, "key", id_)]
            for key, value in one.values.items():
                names = self._codec.names(key, "key", id_)
                if value is not None:
                    written.append((one.id, names.pop(0), self._codec.seal(value, "value", id_, key)))
                deleted += [(one.id, name) for name in names]
        if aside:
            connection.execute(self._aside, _columns(aside, 3))
        if written:
            connection.execute(self._write, _columns(written, 3))
        if deleted:
            connection.execute(self._delete, _columns(deleted, 2))
        self._write_versions(connection, touched)
        if touched:
            connection.execute(self._update, _columns([self._state_of(one) for one in touched], 9))

    def _write_versions(self, connection: Connection[Row], touched: Iterable[Held]) -> None:
        new, old = [], []
        for one in touched:
            old += [(one.id, each.when, each.number) for each in one.before if each not in one.versions]
            for each, value in one.versions.items():
                if each not in one.before:
                    data = None if value is None else self._codec.seal(value, "version", str(one.id), each.file_name)
                    new.append((one.id, each.when, each.number, each.identity, each.next_pre_key, data))
        if old:
            connection.execute(self._delete_versions, _columns(old, 3))
        if new:
            connection.execute(self._add_versions, _columns(new, 6))

    def _state_of(self, one: Held) -> Row:
        tenure = one.tenure
        of_lease = ("", "", 0.0) if tenure is None else (tenure.owner, tenure.lease.id, tenure.until)
        proof = self._codec.mark("instance", str(one.id), one.group, one.name)
        return (one.id, one.writes, one.last_write, one.last_version, one.has_creds, *of_lease, proof)

    def probe(self, connection: Connection[Row], now: int) -> None:
        """Write something that means nothing."""
        connection.execute(self._probe, [PROBE, str(now).encode()])


def _columns(rows: Iterable[Row], width: int) -> list[list[object]]:
    """Return the columns of some rows, for `unnest`."""
    columns: list[list[object]] = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


# Locked in the order of their ids, so that no two transactions wait for each other.
_LOCK = f"""
SELECT i.group_name, i.name, {COLUMNS}
FROM {{instance}} i
WHERE (i.group_name, i.name) IN (SELECT * FROM unnest(%b::bytea[], %b::bytea[])) AND i.dropped = ''
ORDER BY i.id FOR UPDATE
"""

_LOCKED = """
SELECT group_name, name FROM {instance}
WHERE (group_name, name) IN (SELECT * FROM unnest(%b::bytea[], %b::bytea[])) AND dropped = ''
AND id NOT IN (
    SELECT id FROM {instance}
    WHERE (group_name, name) IN (SELECT * FROM unnest(%b::bytea[], %b::bytea[])) AND dropped = ''
    FOR UPDATE SKIP LOCKED
)
"""

_CLOCK = f"SELECT {CLOCK}, {SAID}"

_LOCK_DROPPED = """
SELECT id, proof FROM {instance}
WHERE group_name = ANY(%b::bytea[]) AND name = ANY(%b::bytea[]) AND dropped = %s FOR UPDATE
"""

_LOCK_GROUP = "SELECT 1 FROM {session_group} WHERE name = ANY(%b::bytea[]) FOR UPDATE"

_GROUPS = "SELECT name FROM {session_group} WHERE name = ANY(%b::bytea[])"

_VERSIONS = """
SELECT v.instance, v.made_at, v.number, v.identity, v.next_pre_key
FROM {instance} i JOIN {creds_version} v ON v.instance = i.id
WHERE (i.group_name, i.name) IN (SELECT * FROM unnest(%b::bytea[], %b::bytea[])) AND i.dropped = ''
"""

_ASIDE = """
INSERT INTO {broken_value} (instance, key, found_at, value)
SELECT f.instance, f.key, a.found_at, f.value
FROM unnest(%b::uuid[], %b::bytea[], %b::bigint[]) AS a (instance, key, found_at)
JOIN {session_file} f ON f.instance = a.instance AND f.key = a.key
ON CONFLICT DO NOTHING
"""

_WRITE = """
INSERT INTO {session_file} (instance, key, value)
SELECT * FROM unnest(%b::uuid[], %b::bytea[], %b::bytea[])
ON CONFLICT (instance, key) DO UPDATE SET value = excluded.value
"""

_DELETE = """
DELETE FROM {session_file}
WHERE (instance, key) IN (SELECT * FROM unnest(%b::uuid[], %b::bytea[]))
"""

_ADD_VERSIONS = """
INSERT INTO {creds_version} (instance, made_at, number, identity, next_pre_key, value)
SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::integer[], %b::text[], %b::bigint[], %b::bytea[])
"""

_DELETE_VERSIONS = """
DELETE FROM {creds_version}
WHERE (instance, made_at, number) IN (SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::integer[]))
"""

_UPDATE = """
UPDATE {instance} i
SET writes = a.writes, last_write = a.last_write, last_version = a.last_version, has_creds = a.has_creds,
    owner = a.owner, lease = a.lease, lease_until = a.lease_until, proof = a.proof
FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::bigint[], %b::boolean[], %b::text[], %b::text[],
            %b::double precision[], %b::bytea[])
    AS a (id, writes, last_write, last_version, has_creds, owner, lease, lease_until, proof)
WHERE i.id = a.id
"""

_PROBE = "INSERT INTO {state} VALUES (%s, %b) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
