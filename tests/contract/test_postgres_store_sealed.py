"""The store on PostgreSQL keeps every store's promises with a key: opened again between two steps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.file_place import sealed
from tests.contract.postgres_place import PostgresPlace
from tests.contract.promises import StoreContract
from tests.contract.words import Life, Place
from tests.postgres.server import Server


class TestSealedPostgresStore(StoreContract):
    """The store on PostgreSQL with a key. What else may happen between two steps is tested without keys."""

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
