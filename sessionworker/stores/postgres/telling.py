"""What an operator asks: what each instance holds, older `creds`, and what was dropped."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from uuid import UUID

from msgspec import Struct, field
from psycopg import Connection

from sessionworker.errors import NoSuchGroup, NoSuchVersion
from sessionworker.names import type_of_key
from sessionworker.stores.changes import PurgeDrop
from sessionworker.stores.postgres.connections import Connections
from sessionworker.stores.postgres.held import version_in
from sessionworker.stores.postgres.labels import Labels
from sessionworker.stores.postgres.reading import OF, ROWS_AT_ONCE, Reading
from sessionworker.stores.postgres.sealing import KNOWN, Sealing
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.rules.creds import read_creds
from sessionworker.stores.rules.drops import is_due, when_of
from sessionworker.stores.rules.versions import DAY, parse_version, pinned
from sessionworker.wire import DropSummary, InstanceSummary, StoreOverview, VersionSummary


class _Sum(Struct):
    """What an instance holds."""

    files: int = 0
    size: int = 0
    types: Counter[str] = field(default_factory=Counter)


class Telling:
    """Answers operators. Every method may raise NoSpace or StoreUnavailable."""

    def __init__(
        self, connections: Connections, tables: Tables, sealing: Sealing, labels: Labels, reading: Reading
    ) -> None:
        """Ask by `connections`, and find instances as `reading` does."""
        self._connections = connections
        self._sealing = sealing
        self._codec = sealing.codec
        self._labels = labels
        self._reading = reading
        self._statements = {name: tables.fill(text) for name, text in _STATEMENTS.items()}

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""

        def question(connection: Connection[Row]) -> list[str]:
            said = self._sealing.data
            rows = connection.execute(self._statements["groups"], binary=True).fetchall()
            self._sealing.check(connection, said)
            return sorted({name for (data,) in rows if (name := self._codec.open_name(data, "group")) is not None})

        return self._reading.ask(question)

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted. Raises NoSuchGroup."""
        return sorted(name for _, name, _ in self._reading.ask(lambda one: self._instances(one, group)))

    def _instances(self, connection: Connection[Row], group: str) -> list[tuple[UUID, str, int]]:
        said, names = self._sealing.data, self._codec.names(group, "group")
        rows = connection.execute(self._statements["instances"], [names, names], binary=True).fetchall()
        self._sealing.check(connection, said)
        if not rows:
            raise NoSuchGroup
        opened = {id_: (self._codec.open_name(data, "instance", group), when) for id_, data, when in rows if id_}
        return [(id_, name, when) for id_, (name, when) in opened.items() if name is not None]

    def describe(self, group: str) -> list[InstanceSummary]:
        """Return what each instance of a group holds, sorted by name. Raises NoSuchGroup."""

        def question(connection: Connection[Row]) -> list[InstanceSummary]:
            instances = self._instances(connection, group)
            ids = [id_ for id_, _, _ in instances]
            sums, labels = self._sum_up(connection, ids), self._labels.of(connection, ids)
            return [
                InstanceSummary(name, one.files, one.size, last_write, dict(one.types), label=labels.get(id_, ""))
                for id_, name, last_write in sorted(instances, key=lambda one: one[1])
                for one in [sums[id_]]
            ]

        return self._reading.ask(question)

    def _sum_up(self, connection: Connection[Row], ids: list[UUID]) -> defaultdict[UUID, _Sum]:
        sums: defaultdict[UUID, _Sum] = defaultdict(_Sum)
        rows = connection.execute(self._statements["keys"], [ids], binary=True).fetchall()
        for number, (id_, name, size) in enumerate(rows):
            key = self._codec.open_name(name, "key", str(id_))
            if key is not None:
                one = sums[id_]
                one.files += 1
                one.size += size - self._codec.overhead(name)
                one.types[type_of_key(key)] += 1
            if number % ROWS_AT_ONCE == 0:
                time.sleep(0)
        return sums

    def overview(self) -> StoreOverview:
        """Return all groups and instances at a glance."""
        row = self._connections.ask(lambda one: one.execute(self._statements["overview"], _AGES).fetchone())
        groups, instances, without_creds, *ages = row or [0] * 8
        states = {"well": instances, "apart": 0, "refused": 0}
        last_writes = dict(zip(("day", "week", "month", "earlier", "unknown"), ages, strict=True))
        return StoreOverview(groups, instances, states, without_creds, last_writes, [])

    # What was dropped

    def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped, newest first."""

        def question(connection: Connection[Row]) -> list[DropSummary]:
            found = self._dropped(connection)
            ids = [id_ for id_, *_ in found]
            sums, labels = self._sum_up(connection, ids), self._labels.of(connection, ids)
            return [
                DropSummary(group, name, drop, when_of(drop), one.files, one.size, label=labels.get(id_, ""))
                for id_, group, name, drop in found
                for one in [sums[id_]]
            ]

        return self._reading.ask(question)

    def drops_before(self, when: int) -> list[PurgeDrop]:
        """Return what erases the instances that were dropped before a time, in milliseconds since 1970."""
        found, now = self._reading.ask(self._dropped), time.time_ns() // 1_000_000
        return [PurgeDrop(group, name, drop) for _, group, name, drop in found if is_due(drop, when, now)]

    def _dropped(self, connection: Connection[Row]) -> list[tuple[UUID, str, str, str]]:
        said = self._sealing.data
        rows = connection.execute(self._statements["drops"], binary=True).fetchall()
        self._sealing.check(connection, said)
        opened = []
        for id_, group_name, name, drop in rows:
            group = self._codec.open_name(group_name, "group")
            instance = None if group is None else self._codec.open_name(name, "instance", group)
            if group is not None and instance is not None:
                opened.append((id_, group, instance, drop))
        return sorted(opened, key=lambda one: when_of(one[3]), reverse=True)

    # Versions of creds

    def versions(self, group: str, instance: str) -> list[VersionSummary]:
        """Return the versions of an instance's creds, newest first. Raises NoSuchGroup or NoSuchInstance."""

        def question(connection: Connection[Row]) -> list[VersionSummary]:
            rows = self._reading.look_for(
                connection, self._statements["versions"], self._reading.assume(group, instance)
            )
            sizes = {
                version_in(*version): size - self._codec.overhead(beginning) if size else 0
                for _, *version, size, beginning in rows
                if version[0] is not None
            }
            newest, stay = max(sizes, default=None), pinned(sizes)
            return [
                VersionSummary(
                    version.file_name,
                    version.when,
                    "" if version.is_deletion else version.identity,
                    size,
                    is_pinned=version in stay,
                    is_current=version == newest,
                )
                for version, size in sorted(sizes.items(), reverse=True)
            ]

        return self._reading.ask(question)

    def read_version(self, group: str, instance: str, name: str) -> bytes:
        """Return the creds of a version. Raises NoSuchVersion, NoSuchGroup or NoSuchInstance."""
        version = parse_version(name)

        def question(connection: Connection[Row]) -> bytes | None:
            when, number = (version.when, version.number) if version is not None else (-1, -1)
            assumed = self._reading.assume(group, instance)
            [row] = self._reading.look_for(connection, self._statements["version"], assumed, when, number)
            id_, made_at, made_number, identity, next_pre_key, data = row
            if data is None or version_in(made_at, made_number, identity, next_pre_key) != version:
                return None
            return self._codec.open(data, "version", str(id_), name)

        value = self._reading.ask(question)
        if value is None or read_creds(value) is None:
            raise NoSuchVersion
        return value


_AGES = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}

_NOW = "(extract(epoch from clock_timestamp()) * 1000)::bigint"

_STATEMENTS = {
    "groups": "SELECT name FROM {session_group}",
    # A row of its own for a group without instances.
    "instances": """
        SELECT i.id, i.name, i.last_write FROM {session_group} g
        LEFT JOIN {instance} i ON i.group_name = ANY(%b::bytea[]) AND i.dropped = '' WHERE g.name = ANY(%b::bytea[])
    """,
    "keys": "SELECT instance, key, octet_length(value) FROM {session_file} WHERE instance = ANY(%b::uuid[])",
    "drops": "SELECT id, group_name, name, dropped FROM {instance} WHERE dropped <> ''",
    "overview": f"""
        SELECT (SELECT count(*) FROM {{session_group}}), count(*), coalesce(sum((NOT has_creds)::integer), 0),
            coalesce(sum((age < %(day)s AND last_write > 0)::integer), 0),
            coalesce(sum((age >= %(day)s AND age < %(week)s AND last_write > 0)::integer), 0),
            coalesce(sum((age >= %(week)s AND age < %(month)s AND last_write > 0)::integer), 0),
            coalesce(sum((age >= %(month)s AND last_write > 0)::integer), 0),
            coalesce(sum((last_write = 0)::integer), 0)
        FROM (SELECT last_write, has_creds, {_NOW} - last_write AS age FROM {{instance}} WHERE dropped = '') live
    """,
    "versions": f"""
        SELECT i.id, i.proof, {KNOWN}, v.made_at, v.number, v.identity, v.next_pre_key, octet_length(v.value),
            substr(v.value, 1, 4)
        FROM {{instance}} i LEFT JOIN {{creds_version}} v ON v.instance = i.id WHERE {OF}
    """,
    "version": f"""
        SELECT i.id, i.proof, {KNOWN}, v.made_at, v.number, v.identity, v.next_pre_key, v.value
        FROM {{instance}} i LEFT JOIN {{creds_version}} v ON v.instance = i.id AND v.made_at = %s AND v.number = %s
        WHERE {OF}
    """,
}
