"""The store on PostgreSQL keeps every store's promises with a key."""

from __future__ import annotations

from collections.abc import Callable

from sessionworker.stores.seal import KeyRing
from tests.contract.file_place import sealed
from tests.contract.on_postgres import OnSealedPostgres
from tests.contract.promises import CatalogueContract, ContentContract


class TestSealedPostgresStore(OnSealedPostgres, ContentContract):
    """The store on PostgreSQL with a key."""

    ways = ("at once", "after a kill")
    ways_in_ci = ("at once",)  # those that have another key at each start are killed

    def ring(self) -> Callable[[], KeyRing]:
        return sealed


class TestSealedPostgresStoreCatalogue(OnSealedPostgres, CatalogueContract):
    """The same for instances, drops and who has them: all that a worker might remember of others' work is gone."""

    def ring(self) -> Callable[[], KeyRing]:
        return sealed
