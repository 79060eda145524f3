"""A store on PostgreSQL as one side of a copy; see `stores.transfer`.

It has one connection of its own. What it reads of an instance is of one moment, whoever writes meanwhile: so a store
can be copied while workers serve it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from psycopg import Connection, Error, IsolationLevel

from sessionworker.errors import StartError
from sessionworker.events import Report
from sessionworker.stores.copied import FINISHED, UNFINISHED
from sessionworker.stores.postgres.address import Address, read_address
from sessionworker.stores.postgres.contents import Contents
from sessionworker.stores.postgres.faults import reason_of
from sessionworker.stores.postgres.labels import Labels
from sessionworker.stores.postgres.moves import LAST_DROP
from sessionworker.stores.postgres.sealing import Sealing
from sessionworker.stores.postgres.tables import Row, Tables
from sessionworker.stores.postgres.watched import CONFIGURE
from sessionworker.stores.seal import KeyRing
from sessionworker.stores.transfer import CopyError, Entry, Listed, Opened, Record, Unreadable, called, in_use

__all__ = ["open_source", "open_target", "read_address"]

_SETTINGS = {
    "statement_timeout": "600000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "0",  # the other side may take long
    "transaction_timeout": "0",
    "client_min_messages": "warning",
}


class PostgresSide:
    """What both sides of a copy have in common."""

    def __init__(self, connection: Connection[Row], tables: Tables, sealing: Sealing, shown: str) -> None:
        """Ask over `connection`, of which nobody else has the use."""
        self.shown = shown
        self._connection = connection
        self._sealing = sealing
        self._contents = Contents(connection, tables, sealing.codec)
        self._labels = Labels(tables, sealing.codec)
        self._statements = {name: tables.fill(text) for name, text in _STATEMENTS.items()}

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def _ask(self, statement: str, *parameters: object) -> list[Row]:
        return self._connection.execute(self._statements[statement], parameters, binary=True).fetchall()

    def _do(self, statement: str, *parameters: object) -> None:
        self._connection.execute(self._statements[statement], parameters)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except Error as error:
            raise CopyError(f"{self.shown} cannot be used: {reason_of(error)}.") from None
        except StartError as error:
            raise CopyError(str(error)) from None

    def _groups(self) -> dict[bytes, str | None]:
        return {name: self._sealing.codec.open_name(name, "group") for (name,) in self._ask("groups")}

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""
        with self._telling():
            return sorted({name for name in self._groups().values() if name is not None})

    def problems(self) -> list[str]:
        """Return sentences about what cannot even be listed."""
        with self._telling():
            count = sum(name is None for name in self._groups().values())
        return [f"{count} groups: no key opens their names"] if count else []

    def records(self) -> list[Listed]:
        """Return all instances, live or dropped, sorted by their ids."""
        with self._telling():
            return sorted(Listed(id_.hex, files) for id_, files in self._ask("instances"))

    @contextmanager
    def opened(self, id_: str) -> Iterator[Opened | None]:
        """Give what an instance holds; see `stores.transfer`."""
        with self._telling(), self._connection.transaction():
            self._look_again()
            rows = self._ask("instance", UUID(id_))
            if not rows:
                yield None
                return
            record = self._record(UUID(id_), rows[0])
            yield Opened(record, self._told(record, self._contents.entries(UUID(id_), record.last_write)))

    def _look_again(self) -> None:
        """See that names are looked for under all keys that there are now."""
        rows = self._ask("said")
        if not rows or rows[0][0] != self._sealing.data:
            self._sealing.look(self._connection)

    def _record(self, id_: UUID, row: Row) -> Record:
        group_name, name, dropped, last_write, has_creds, proof = row
        codec = self._sealing.codec
        group = codec.open_name(group_name, "group")
        instance = None if group is None else codec.open_name(name, "instance", group)
        if group is None or instance is None:
            raise Unreadable(f"the instance with the id {id_}: no key opens its name")
        if not codec.is_proven(proof, "instance", str(id_), group, instance):
            raise Unreadable(f"{called(group, instance, dropped)}: its row was made for another instance")
        label = self._labels.of(self._connection, [id_]).get(id_, "")
        return Record(id_.hex, group, instance, dropped, last_write, has_creds, label)

    def _told(self, record: Record, entries: Iterator[Entry]) -> Iterator[Entry]:
        try:
            with self._telling():
                yield from entries
        except Unreadable as problem:
            raise Unreadable(f"{record}: {problem}") from None


class PostgresTarget(PostgresSide):
    """A store that is copied into."""

    def begin(self) -> None:
        """Say that it is a part of a copy; see `stores.transfer`. Workers that use it notice, and refuse everything."""
        with self._telling(), self._connection.transaction():
            self._sealing.mark(self._connection, UNFINISHED, self.check)

    def check(self) -> None:
        """Refuse a store that is no copy, and not empty."""
        if not (self._sealing.statement.copy or self._ask("is_empty")[0][0]):
            raise in_use(self.shown)

    def records(self) -> list[Listed]:
        """Return all instances that are in it; nobody asks how much they hold."""
        with self._telling():
            return sorted(Listed(id_.hex, 0) for (id_,) in self._ask("ids"))

    def keep_groups(self, groups: Sequence[str]) -> None:
        """Make the groups that are missing, and remove others."""
        with self._telling(), self._connection.transaction():
            there = self._groups()
            self._do("delete_groups", [data for data, name in there.items() if name not in groups])
            new = [self._sealing.codec.name(name, "group") for name in groups if name not in there.values()]
            self._do("add_groups", new)

    def put(self, record: Record, entries: Iterable[Entry]) -> None:
        """Write an instance whole; see `stores.transfer`."""
        names = self._sealing.codec.names
        place = names(record.group, "group"), names(record.name, "instance", record.group), record.dropped
        with self._telling(), self._connection.transaction():
            for (id_,) in self._ask("in_the_way", UUID(record.id), *place):
                self._remove(id_)
            self._contents.write(record, entries)
            self._labels.put(self._connection, UUID(record.id), record.label)

    def remove(self, id_: str) -> None:
        """Remove an instance."""
        with self._telling(), self._connection.transaction():
            self._remove(UUID(id_))

    def _remove(self, id_: UUID) -> None:
        for statement in ("delete_files", "delete_versions", "delete_broken", "delete_instance"):
            self._do(statement, id_)
        self._labels.put(self._connection, id_, "")

    def finish(self) -> None:
        """Make all durable, and then say that the copy is whole."""
        with self._telling(), self._connection.transaction():
            # What was committed before is durable when this is, however long the server may take for each commit.
            self._do("durably")
            drops = [int(drop.partition("-")[0]) for (drop,) in self._ask("drops")]
            self._do("set_last_drop", LAST_DROP.decode(), str(max(drops, default=0)).encode())
            self._sealing.mark(self._connection, FINISHED, lambda: None)


def open_source(address: Address, ring: KeyRing | None) -> PostgresSide:
    """Open a store that is copied. Raises CopyError or StartError."""
    with _connecting(address) as connection:
        tables = Tables(address.schema)
        if not tables.are_made(connection):
            raise CopyError(
                f"In {address.shown} there are no tables in the schema {tables.schema}, or an older worker made them: "
                "start and stop this one on them then. Nothing was changed."
            )
        sealing = Sealing(tables, ring, lambda _: None)  # which only says why it would not be written to
        sealing.look(connection)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return PostgresSide(connection, tables, sealing, address.shown)


def open_target(address: Address, ring: KeyRing | None, report: Report) -> PostgresTarget:
    """Open a store that is copied into; its tables are made. Raises CopyError or StartError."""
    with _connecting(address) as connection:
        tables = Tables(address.schema)
        tables.make(connection)
        sealing = Sealing(tables, ring, report, is_target=True)
        target = PostgresTarget(connection, tables, sealing, address.shown)
        sealing.look(connection)
        target.check()
        sealing.begin(connection)
        return target


@contextmanager
def _connecting(address: Address) -> Iterator[Connection[Row]]:
    """Connect; the connection is closed where a block fails."""
    connection = None
    try:
        connection = Connection.connect(address.conninfo, autocommit=True)
        connection.execute(CONFIGURE, [list(_SETTINGS), list(_SETTINGS.values())])
        yield connection
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, Error):
            raise CopyError(f"The database cannot be used: {reason_of(error)}.") from None
        raise


_STATEMENTS = {
    "groups": "SELECT name FROM {session_group}",
    "instances": """
        SELECT i.id, coalesce(f.files, 0) FROM {instance} i
        LEFT JOIN (SELECT instance, count(*) AS files FROM {session_file} GROUP BY instance) f ON f.instance = i.id
    """,
    "ids": "SELECT id FROM {instance}",
    "instance": "SELECT group_name, name, dropped, last_write, has_creds, proof FROM {instance} WHERE id = %s",
    "said": "SELECT value FROM {state} WHERE name = 'seals'",
    "is_empty": """
        SELECT NOT EXISTS (SELECT 1 FROM {session_group}) AND NOT EXISTS (SELECT 1 FROM {instance})
            AND NOT EXISTS (SELECT 1 FROM {session_file}) AND NOT EXISTS (SELECT 1 FROM {purged_instance})
    """,
    "delete_groups": "DELETE FROM {session_group} WHERE name = ANY(%b::bytea[])",
    "add_groups": "INSERT INTO {session_group} (name) SELECT * FROM unnest(%b::bytea[])",
    "in_the_way": """
        SELECT id FROM {instance} WHERE id = %s
        OR (group_name = ANY(%b::bytea[]) AND name = ANY(%b::bytea[]) AND dropped = %s)
    """,
    "delete_files": "DELETE FROM {session_file} WHERE instance = %s",
    "delete_versions": "DELETE FROM {creds_version} WHERE instance = %s",
    "delete_broken": "DELETE FROM {broken_value} WHERE instance = %s",
    "delete_instance": "DELETE FROM {instance} WHERE id = %s",
    "drops": "SELECT dropped FROM {instance} WHERE dropped <> ''",
    "durably": """
        SELECT set_config('synchronous_commit', 'on', true) FROM pg_catalog.pg_settings
        WHERE name = 'synchronous_commit' AND setting = 'off'
    """,
    "set_last_drop": """
        INSERT INTO {state} (name, value) VALUES (%s, %b) ON CONFLICT (name) DO UPDATE SET value = excluded.value
    """,
}
