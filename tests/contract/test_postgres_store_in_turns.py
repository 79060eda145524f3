"""The store on PostgreSQL keeps what an instance holds with another key at each start, and with none at times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.creds import CredsContract
from tests.contract.file_place import OneAfterTheOther
from tests.contract.postgres_place import PostgresPlace
from tests.contract.values import ValuesContract
from tests.contract.versions import VersionsContract
from tests.contract.words import Life, Place
from tests.postgres.server import Server


class TestPostgresStoreThatIsSealedAndPlainInTurns(ValuesContract, CredsContract, VersionsContract):
    """The store on PostgreSQL with another key at each start. What else may happen is tested without keys."""

    @pytest.fixture
    def place(self, postgres: Server) -> Iterator[Place]:
        place = PostgresPlace(postgres.url(), ring=OneAfterTheOther())
        yield place
        place.erase()

    @pytest.fixture(params=["when opened again"])
    def life(self, request: pytest.FixtureRequest, place: Place) -> Iterator[Life]:
        life = Life(place, request.param)
        yield life
        life.store.close()
