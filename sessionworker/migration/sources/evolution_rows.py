"""The instances that are rows of an Evolution 2's database."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.sql import Database, bytes_of, text_of
from sessionworker.migration.sources.renaming import check_table


class Row(Struct, frozen=True):
    """An instance."""

    id: str
    name: str
    status: str
    owner: str
    integration: str
    creds: bytes | None


class Rows(Struct, frozen=True):
    """The instances of one installation."""

    place: str
    """What its database is called."""
    is_mysql: bool
    rows: tuple[Row, ...]
    all_ids: AbstractSet[str]
    """Those of other installations included, which share a database by their client names."""


def rows_of(database: Database, client_name: str = "") -> Rows:
    """Return the instances of the installation that is called so, or of the only one there is. Raises SourceError."""
    owners, client = owners_of(database, client_name)
    quoted = database.quoted
    wanted = ", ".join(
        database.as_text(f"i.{name}") for name in ("id", "name", "connectionStatus", "ownerJid", "integration")
    )
    found = database.rows(
        f"SELECT {wanted}, s.{quoted('creds')} FROM {quoted('Instance')} i "
        f"LEFT JOIN {quoted('Session')} s ON s.{quoted('sessionId')} = i.{quoted('id')} "
        f"WHERE {database.as_text('i.clientName')} = %s",
        database.parameter(client),
    )
    rows = tuple(
        Row(
            id=text_of(id_),
            name=_text(name),
            status=_text(status),
            owner=_text(owner),
            integration=_text(integration),
            creds=bytes_of(creds),
        )
        for id_, name, status, owner, integration, creds in found
    )
    return Rows("MySQL" if database.is_mysql else "PostgreSQL", database.is_mysql, rows, owners.keys())


def owners_of(database: Database, client_name: str = "") -> tuple[Mapping[str, str], str]:
    """Return the client names of all instances by their ids, and the one that is wanted. Raises SourceError."""
    check_table(database, "Instance", "id", "name", "connectionStatus", "ownerJid", "integration", "clientName")
    check_table(database, "Session", "id", "sessionId", "creds")
    columns = ", ".join(database.as_text(name) for name in ("id", "clientName"))
    rows = database.rows(f"SELECT {columns} FROM {database.quoted('Instance')}")
    owners = {text_of(id_): _text(client) for id_, client in rows}
    return owners, _client_name(database, client_name, sorted(set(owners.values()) - {""}))


def _client_name(database: Database, given: str, found: list[str]) -> str:
    names = shown(", ".join(found))
    if given:
        if given in found:
            return given
        has = f"it has those of {names}" if found else "it has none"
        raise SourceError(f"{database.shown} has no instances of the client name {shown(given)}; {has}.")
    if len(found) == 1:
        return found[0]
    if not found:
        raise SourceError(f"{database.shown} has no instances.")
    raise SourceError(
        f"{database.shown} has the instances of several client names: {names}. Say which by --client-name; it is the "
        "DATABASE_CONNECTION_CLIENT_NAME of the installation."
    )


def _text(value: object) -> str:
    return "" if value is None else text_of(value)
