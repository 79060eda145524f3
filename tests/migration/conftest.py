"""What accounts are read from and written to: a server for each module, a database for each test; and a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from sessionworker.client import Client
from tests.migration.evolution import Evolution
from tests.migration.filled import Filled, MariaDb, mariadb_running, on_postgresql
from tests.migration.mongo_server import MongoStandIn, mongo_standing_in
from tests.migration.servers import redis_server
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
async def api(worker: RunningWorker) -> AsyncIterator[Client]:
    async with Client(worker.url, worker.token) as opened:
        yield opened


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield f"{url}/6"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """Who writes as programs do, into an empty database; not the first one."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="module")
def mongo() -> Iterator[MongoStandIn]:
    with mongo_standing_in() as server:
        yield server


@pytest.fixture
def evolution(postgresql: Filled, client: redis.Redis, redis_url: str, tmp_path: Path) -> Evolution:
    return Evolution(postgresql, client, redis_url, tmp_path)


@pytest.fixture
def on_mysql(mysql: Filled, client: redis.Redis, redis_url: str, tmp_path: Path) -> Evolution:
    return Evolution(mysql, client, redis_url, tmp_path)


@pytest.fixture(params=["evolution", "on_mysql"])
def either(request: pytest.FixtureRequest) -> Evolution:
    found: Evolution = request.getfixturevalue(request.param)
    return found
