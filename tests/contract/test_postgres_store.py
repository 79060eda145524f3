"""The store on PostgreSQL keeps every store's promises, on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.file_place import OneAfterTheOther, sealed
from tests.contract.postgres_place import PostgresPlace
from tests.contract.promises import StoreContract
from tests.contract.words import Place
from tests.postgres.server import Server


class TestSealedPostgresStore(StoreContract):
    """The store on PostgreSQL with a key."""

    @pytest.fixture
    def place(self, postgres: Server) -> Iterator[Place]:
        place = PostgresPlace(postgres.url(), ring=sealed)
        yield place
        place.erase()


class TestPostgresStoreThatIsSealedAndPlainInTurns(StoreContract):
    """The store on PostgreSQL that has another key with each start, and none at times."""

    @pytest.fixture
    def place(self, postgres: Server) -> Iterator[Place]:
        place = PostgresPlace(postgres.url(), ring=OneAfterTheOther())
        yield place
        place.erase()


class TestPostgresStore(StoreContract):
    """The store on PostgreSQL."""

    @pytest.fixture
    def place(self, postgres: Server) -> Iterator[Place]:
        place = PostgresPlace(postgres.url())
        yield place
        place.erase()
