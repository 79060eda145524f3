"""The databases that sources are read from: a server for each module, and a database for each test; and a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sessionworker.client import Client
from tests.migration.filled import Filled, MariaDb, mariadb_running, on_postgresql
from tests.postgres.server import Server
from tests.server import RunningWorker, asynchronous_fixture, running_worker


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


@asynchronous_fixture()
async def worker(tmp_path: Path) -> AsyncIterator[RunningWorker]:
    async with running_worker(tmp_path / "store") as running:
        yield running


@asynchronous_fixture()
async def client(worker: RunningWorker) -> AsyncIterator[Client]:
    async with Client(worker.url, worker.token) as opened:
        yield opened
