"""The store on PostgreSQL keeps every store's promises of instances and who has them, on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.postgres_place import PostgresPlace
from tests.contract.promises import CatalogueContract
from tests.contract.words import Life, Place
from tests.postgres.server import Server


class TestPostgresStoreCatalogue(CatalogueContract):
    """The store on PostgreSQL."""

    @pytest.fixture
    def place(self, postgres: Server) -> Iterator[Place]:
        place = PostgresPlace(postgres.url())
        yield place
        place.erase()

    @pytest.fixture(params=["at once", "after a kill"])  # with a key it is opened again as well; nothing here settles
    def life(self, request: pytest.FixtureRequest, place: Place) -> Iterator[Life]:
        life = Life(place, request.param)
        yield life
        life.store.close()
