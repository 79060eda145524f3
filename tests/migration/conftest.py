"""Servers that accounts are read from and written to: one for each module, and a database in it for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.migration.evolution import Evolution
from tests.migration.filled import Filled, MariaDb, mariadb_running, on_postgresql
from tests.migration.servers import redis_server
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
