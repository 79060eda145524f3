"""The databases that sources are read from: a server for each module, and a database for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.migration.filled import Filled, MariaDb, mariadb_running, on_postgresql
from tests.postgres.server import Server


@pytest.fixture(scope="module")
def maria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    with mariadb_running(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture
def mysql(maria: MariaDb) -> Iterator[Filled]:
    with maria.database() as database:
        yield database


@pytest.fixture
def postgresql(postgres: Server) -> Iterator[Filled]:
    with on_postgresql(postgres) as database:
        yield database
