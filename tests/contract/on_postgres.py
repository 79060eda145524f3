"""What the tests of the contract on a real PostgreSQL share."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest

from sessionworker.stores.seal import KeyRing
from tests.contract.base import Contract
from tests.contract.postgres_place import PostgresPlace
from tests.contract.words import Place
from tests.postgres.server import Server


class OnPostgres(Contract, ABC):
    """Some promises, on a schema of their own in the server of this process."""

    ways: Sequence[str] = ("at once",)  # with a key it is killed between two steps; nothing here settles

    def ring(self) -> Callable[[], KeyRing | None]:
        """Return what gives the keys of each start."""
        return lambda: None

    @pytest.fixture
    def place(self, postgres: Server, connection: psycopg.Connection) -> Iterator[Place]:
        place = PostgresPlace(postgres.socket_url(), connection=connection, ring=self.ring())
        yield place
        place.erase()


class OnSealedPostgres(OnPostgres, ABC):
    """The same with keys: killed between two steps. Without keys they follow one another at once."""

    ways: Sequence[str] = ("after a kill",)
