"""The store on PostgreSQL keeps every store's promises with a key."""

from __future__ import annotations

from collections.abc import Callable

from sessionworker.stores.seal import KeyRing
from tests.contract.batches import BatchesContract
from tests.contract.conditions import ConditionsContract
from tests.contract.file_place import sealed
from tests.contract.judging import JudgingContract
from tests.contract.large_values import LargeValuesContract
from tests.contract.many import ManyKeysContract
from tests.contract.odd_creds import OddCredsContract
from tests.contract.on_postgres import OnSealedPostgres
from tests.contract.promises import CatalogueContract


class TestSealedPostgresStore(
    OnSealedPostgres,
    BatchesContract,
    JudgingContract,
    ConditionsContract,
    OddCredsContract,
    LargeValuesContract,
    ManyKeysContract,
):
    """The store on PostgreSQL with a key; with another one at each start, it keeps the rest (`in_turns`)."""

    ways = ("at once", "after a kill")
    ways_in_ci = ("at once",)  # those that have another key at each start are killed

    def ring(self) -> Callable[[], KeyRing]:
        return sealed


class TestSealedPostgresStoreCatalogue(OnSealedPostgres, CatalogueContract):
    """The same for instances, drops and who has them: all that a worker might remember of others' work is gone."""

    def ring(self) -> Callable[[], KeyRing]:
        return sealed
