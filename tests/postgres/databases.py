"""Empty places in a server, one for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import LiteralString, Self

import psycopg
from psycopg.sql import SQL, Identifier

from tests.postgres.server import Server


class Databases:
    """Makes databases and schemas in a server, over one connection, which is made again when it was lost.

    A schema takes some milliseconds, a database some tens of them. As a context manager the connection is closed after.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: psycopg.Connection | None = None
        self._beginning = secrets.token_hex(4)  # others may have the same server
        self._numbers = count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._disconnect()

    @contextmanager
    def fresh_schema(self, **options: str) -> Iterator[str]:
        """Make a schema, and give a URL where names without one are in it; all in it is dropped after."""
        name = f"schema_{self._beginning}_{next(self._numbers)}"
        self._execute("CREATE SCHEMA {}", name)
        try:
            yield self._server.url(options=f"-csearch_path={name}", **options)
        finally:
            self._execute("DROP SCHEMA IF EXISTS {} CASCADE", name)

    @contextmanager
    def fresh_database(self, **options: str) -> Iterator[str]:
        """Make a database, and give its URL; it is dropped after, whoever still uses it."""
        name = f"database_{self._beginning}_{next(self._numbers)}"
        self._execute("CREATE DATABASE {} STRATEGY file_copy", name)
        try:
            yield self._server.url(name, **options)
        finally:
            self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _execute(self, statement: LiteralString, name: str) -> None:
        query = SQL(statement).format(Identifier(name))
        try:
            self._connected().execute(query)
        except psycopg.OperationalError:
            if self._connection is not None and not self._connection.closed:
                raise
            self._disconnect()  # the server was started again since
            self._connected().execute(query)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            # Who left a transaction open would have a drop wait for ever.
            url = self._server.url(options="-clock_timeout=10s -cclient_min_messages=warning")
            self._connection = psycopg.connect(url, autocommit=True)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
