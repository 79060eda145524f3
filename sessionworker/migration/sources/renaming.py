"""Accounts that are called by people's names, and are to be called by the ids of a newer API."""

from __future__ import annotations

from collections.abc import Mapping

from sessionworker.migration.found import Account, SourceError
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.sql import Database, open_database, text_of


class Renaming:
    """Gives accounts their names. Without a map they keep those that they have."""

    def __init__(self, names: Mapping[str, str] | None = None, map_from_database: str = "") -> None:
        """Take new names by old ones, and those of the table `Instance` in an Evolution 2's database."""
        self._is_given = bool(names) or bool(map_from_database)
        self._names = (instance_ids(map_from_database) if map_from_database else {}) | dict(names or {})

    def account(self, name: str, origin: str, *notes: Note) -> Account:
        """Return an account under its new name, labelled with its old one."""
        if name in self._names:
            return Account(self._names[name], origin, label=name, notes=notes)
        if self._is_given:
            notes = (*notes, Note("no_new_name"))
        return Account(name, origin, notes=notes)


def instance_ids(url: str) -> dict[str, str]:
    """Return the ids of all instances of an Evolution 2, by their names."""
    database = open_database(url)
    try:
        check_table(database, "Instance")
        sql = f"SELECT {database.as_text('name')}, {database.as_text('id')} FROM {database.quoted('Instance')}"
        return {text_of(name): text_of(id_) for name, id_ in database.rows(sql)}
    finally:
        database.close()


def check_table(database: Database, table: str, *columns: str) -> dict[str, str]:
    """Return a table's columns with their collations. Raises SourceError where it, or one of `columns`, is missing."""
    found = database.columns_of(table)
    place = f"{database.shown}{f', schema {database.schema}' if database.schema else ''}"
    if not found:
        raise SourceError(f"There is no table {table} in {place}.")
    missing = [column for column in columns if column not in found]
    if missing:
        raise SourceError(f"The table {table} in {place} has no column {', '.join(missing)}.")
    return found
