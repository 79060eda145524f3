"""The store on PostgreSQL keeps every store's promises of instances and who has them, on a real server."""

from __future__ import annotations

from tests.contract.on_postgres import OnPostgres
from tests.contract.promises import CatalogueContract


class TestPostgresStoreCatalogue(OnPostgres, CatalogueContract):
    """The store on PostgreSQL."""
