"""The store on PostgreSQL keeps what an instance holds with another key at each start, and with none at times."""

from __future__ import annotations

from collections.abc import Callable

from sessionworker.stores.seal import KeyRing
from tests.contract.creds import CredsContract
from tests.contract.file_place import OneAfterTheOther
from tests.contract.on_postgres import OnSealedPostgres
from tests.contract.values import ValuesContract
from tests.contract.versions import VersionsContract


class TestPostgresStoreThatIsSealedAndPlainInTurns(OnSealedPostgres, ValuesContract, CredsContract, VersionsContract):
    """The store on PostgreSQL that has another key at each start; at once, without --full, others see it."""

    ways = ("at once", "after a kill")
    ways_in_ci = ("after a kill",)

    def ring(self) -> Callable[[], KeyRing | None]:
        return OneAfterTheOther()
