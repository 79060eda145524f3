"""The store on PostgreSQL keeps every store's promises."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.contract.postgres_place import PostgresPlace
from tests.contract.promises import StoreContract
from tests.contract.words import Place


class TestPostgresStore(StoreContract):
    """The store on PostgreSQL."""

    @pytest.fixture
    def place(self) -> Iterator[Place]:
        place = PostgresPlace(os.environ["TEST_URL"])
        yield place
        place.erase()
