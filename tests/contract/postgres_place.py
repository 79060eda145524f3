"""Where stores on PostgreSQL live in tests, and how they are left there."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg_pool import ConnectionPool

from sessionworker.names import SessionFile
from sessionworker.stores.interface import Store
from sessionworker.stores.postgres import connections
from sessionworker.stores.postgres.address import read_address
from sessionworker.stores.postgres.held import Moment
from sessionworker.stores.postgres.store import PostgresStore
from sessionworker.stores.postgres.tables import NAMES, Tables
from sessionworker.stores.rules.versions import Keep
from sessionworker.stores.seal import KeyRing

_numbers = count()
_free: list[str] = []
"""Schemas whose tables are empty: to make tables takes longer than most tests."""


def moment_of_this_process(_moment: Moment) -> Moment:
    """The time as this process has it, which a test may set; see `clock`."""
    return Moment(time.time_ns() // 1_000_000, time.monotonic())


def one_at_first(*arguments: Any, **options: Any) -> ConnectionPool[Any]:
    """A pool that makes its other connections where they are wanted: few tests come to that, and all would wait."""
    return ConnectionPool(*arguments, **{**options, "min_size": 1})


class PostgresPlace:
    """A schema for a store."""

    large_from = 20_000
    stories = 6
    keeps_owners = True

    def __init__(
        self,
        url: str,
        keep: Keep = Keep(),  # noqa: B008 - it is frozen
        *,
        connection: psycopg.Connection,
        ring: Callable[[], KeyRing | None] = lambda: None,
    ) -> None:
        """Put a store there, in a schema that nobody had before; it is opened with the keys of then.

        `connection` is a superuser's, over which all is done here that a store does not do.
        """
        self._ring = ring
        self._connection = connection
        self._url = url
        self._keep = keep
        self._has_tables = bool(_free)
        self.schema = _free.pop() if _free else f"sw{next(_numbers)}_{time.time_ns()}"
        self._tables = Tables(self.schema)

    def open(self) -> PostgresStore:
        address = read_address(f"{self._url}{'&' if '?' in self._url else '?'}schema={self.schema}")
        self._has_tables = True
        with patch.object(connections, "ConnectionPool", one_at_first):
            store = PostgresStore(address, threads=1, keep=self._keep, ring=self._ring(), moment=moment_of_this_process)
        self._codec = store._sealing.codec
        return store

    def settle(self, store: Store) -> None:
        store.checkpoint()

    def kill(self, store: Store) -> None:
        assert isinstance(store, PostgresStore)
        store._is_closed = True
        store._connections.close()

    def damage(self, file: SessionFile, value: bytes | None) -> None:
        names = self._codec.names
        place = [names(file.group, "group"), names(file.instance, "instance", file.group)]
        connection = self._connection
        row = connection.execute(self._tables.fill(_ID), place).fetchone()
        assert row is not None
        keys = names(file.key, "key", str(row[0]))
        found = connection.execute(self._tables.fill(_REMOVE), [row[0], keys]).fetchone()
        if value is not None:
            connection.execute(self._tables.fill(_PUT), [row[0], found[0] if found else keys[0], value])

    def refuse(self, store: Store, file: SessionFile, problem: str) -> bool:  # noqa: ARG002
        """A row is there, or it is not."""
        return False

    def litter(self) -> list[str]:
        return [str(row) for row in self._connection.execute(self._tables.fill(_LITTER)).fetchall()]

    def erase(self) -> None:
        if not self._has_tables:
            return  # a test may want other places alone
        for name in NAMES:
            if name != "schema_version":
                self._connection.execute(self._tables.fill(f"DELETE FROM {{{name}}}"))
        _free.append(self.schema)

    def fresh(self, keep: Keep) -> PostgresPlace:
        return PostgresPlace(self._url, keep, connection=self._connection, ring=self._ring)


_ID = "SELECT id FROM {instance} WHERE group_name = ANY(%b::bytea[]) AND name = ANY(%b::bytea[]) AND dropped = ''"
_REMOVE = "DELETE FROM {session_file} WHERE instance = %s AND key = ANY(%b::bytea[]) RETURNING key"
_PUT = "INSERT INTO {session_file} VALUES (%s, %b, %b)"
_LITTER = """
SELECT 'purged', id FROM {purged_instance}
UNION SELECT 'file', instance FROM {session_file} WHERE instance NOT IN (SELECT id FROM {instance})
UNION SELECT 'version', instance FROM {creds_version} WHERE instance NOT IN (SELECT id FROM {instance})
UNION SELECT 'broken', instance FROM {broken_value} WHERE instance NOT IN (SELECT id FROM {instance})
"""
