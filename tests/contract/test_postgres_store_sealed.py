"""The store on PostgreSQL keeps every store's promises with a key."""

from __future__ import annotations

from collections.abc import Callable

from sessionworker.stores.seal import KeyRing
from tests.contract.file_place import sealed
from tests.contract.on_postgres import OnSealedPostgres
from tests.contract.promises import StoreContract


class TestSealedPostgresStore(OnSealedPostgres, StoreContract):
    """The store on PostgreSQL with a key."""

    def ring(self) -> Callable[[], KeyRing]:
        return sealed
