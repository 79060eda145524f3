"""The store on PostgreSQL keeps every store's promises of what an instance holds, on a real server."""

from __future__ import annotations

from tests.contract.on_postgres import OnPostgres
from tests.contract.promises import ContentContract


class TestPostgresStore(OnPostgres, ContentContract):
    """The store on PostgreSQL."""
