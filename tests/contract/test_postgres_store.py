"""The store on PostgreSQL keeps every store's promises, on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.file_place import OneAfterTheOther, sealed
from tests.contract.postgres_place import PostgresPlace
from tests.contract.promises import StoreContract
from tests.contract.words import Life, Place
from tests.postgres.server import Server


class TestPostgresStore(StoreContract):
    """The store on PostgreSQL."""

    @pytest.fixture
    def place(self, postgres: Server) -> Iterator[Place]:
        place = PostgresPlace(postgres.url())
        yield place
        place.erase()


class TestSealedPostgresStore(StoreContract):
    """The store on PostgreSQL with a key: opened again between two steps, where its keys count."""

    @pytest.fixture
    def place(self, postgres: Server) -> Iterator[Place]:
        place = PostgresPlace(postgres.url(), ring=sealed)
        yield place
        place.erase()

    @pytest.fixture(params=["when opened again"])
    def life(self, request: pytest.FixtureRequest, place: Place) -> Iterator[Life]:
        life = Life(place, request.param)
        yield life
        life.store.close()


class TestPostgresStoreThatIsSealedAndPlainInTurns(TestSealedPostgresStore):
    """The store on PostgreSQL that has another key with each start, and none at times."""

    @pytest.fixture
    def place(self, postgres: Server) -> Iterator[Place]:
        place = PostgresPlace(postgres.url(), ring=OneAfterTheOther())
        yield place
        place.erase()
