"""What the tests of the contract share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.contract.file_place import kill
from tests.postgres.server import Server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a test of the contract go all ways of its class, or those that are enough."""
    if "life" in metafunc.fixturenames and metafunc.cls is not None:
        ways = metafunc.cls.ways
        if not metafunc.config.getoption("--full"):
            ways = metafunc.cls.ways_in_ci or ways
        metafunc.parametrize("life", ways, indirect=True)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a file store; what is open below it is closed at the end."""
    yield tmp_path / "store"
    kill(tmp_path)


@pytest.fixture(scope="module")
def connection(postgres: Server) -> Iterator[psycopg.Connection]:
    """A superuser's, one for many tests: to make one takes as long as half a test."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        yield connection
