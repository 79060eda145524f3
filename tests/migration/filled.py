"""Databases that tests fill as programs do, and that sources read: one of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct

from tests.migration.servers import mariadb, mariadb_server
from tests.postgres.server import Server

Run = Callable[..., Any]

_numbers = count()


class Filled(Struct):
    """A database, and who may write there."""

    url: str
    """For a reader, as Prisma would be given it."""
    run: Run
    """Runs SQL, with parameters, as somebody who may do all."""
    is_mysql: bool = False


@contextmanager
def on_postgresql(server: Server) -> Iterator[Filled]:
    """Give a schema with capital letters, in a database with an odd name."""
    number = next(_numbers)
    schema = f'Evo"{number}'
    with psycopg.connect(server.url(), autocommit=True) as connection:

        def run(sql: str, *parameters: object) -> None:
            connection.execute(sql.encode(), parameters or None)

        quoted = f'"{schema.replace(chr(34), chr(34) * 2)}"'
        run(f"CREATE SCHEMA {quoted}")
        run(f"SET search_path TO {quoted}")
        yield Filled(f"{server.url()}?schema=Evo%22{number}&pgbouncer=true&connection_limit=5&pool_timeout=0", run)


class MariaDb:
    """A MariaDB."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url

    @contextmanager
    def database(self) -> Iterator[Filled]:
        """Give a database of its own."""
        name = f"evolution_{next(_numbers)}"
        with mariadb(f"{self._folder}/s") as cursor:

            def run(sql: str, *parameters: object) -> None:
                cursor.execute(sql, parameters or None)

            run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            run(f"USE {name}")
            yield Filled(f"{self._url}/{name}?connection_limit=5", run, is_mysql=True)


@contextmanager
def mariadb_running(folder: Path) -> Iterator[MariaDb]:
    """Run a MariaDB."""
    with mariadb_server(folder) as url:
        yield MariaDb(folder, url)
