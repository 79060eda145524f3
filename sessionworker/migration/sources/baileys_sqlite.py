"""Baileys' databases, as its `useSqliteAuthState` writes them: one for each account."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sessionworker.migration.found import Account, Reading, SourceError
from sessionworker.migration.readers.collecting import Collector, shown
from sessionworker.migration.readers.sqlite import bytes_of, is_database, opened_database, tables_of, text_of
from sessionworker.migration.sources.looks import nothing_found
from sessionworker.migration.sources.places import Finding, Places, contents_of
from sessionworker.names import CREDS

CREDS_ROW = b"__creds__"

_TABLES = {"creds", "signal_keys"}
_MEMORY = "memory-"
"""What the type `sender-key-memory` ends with, and a wrong id begins with."""


def open_baileys_sqlite(path: Path, *, instance: str = "") -> Places:
    """Open the database of one account, or a folder of such databases.

    `instance` names the account, which is called like its file otherwise. Raises SourceError.
    """
    finding = Finding()
    for file in [path] if path.is_file() else [path / name for name in contents_of(path).files]:
        if _is_ours(file):
            account = Account(instance or file.stem, shown(str(file)))
            finding.add(account, partial(_read, file), file)
        elif file != path and _is_database(file):
            finding.skipped.add("databases_left", shown(file.name))
    if not finding.has_any:
        raise nothing_found(path, "database of Baileys, with its tables and its -wal file,")
    return finding.source(path, instance)


def _is_database(file: Path) -> bool:
    try:
        return is_database(file)
    except OSError:
        return False


def _is_ours(file: Path) -> bool:
    if not _is_database(file):
        return False
    try:
        with opened_database(file) as connection:
            return tables_of(connection) >= _TABLES
    except SourceError:
        return False


def _read(file: Path) -> Reading:
    collector = Collector()
    try:
        with opened_database(file) as connection:
            for key, value in connection.execute("SELECT key, value FROM creds").fetchall():
                if bytes_of(key) == CREDS_ROW:
                    collector.add(CREDS, bytes_of(value))
                else:
                    collector.skipped.add("skipped_foreign", shown(text_of(key)))
            for type_, id_, value in connection.execute("SELECT type, id, value FROM signal_keys ORDER BY type, id"):
                key = f"{text_of(type_)}-{text_of(id_)}"
                if text_of(type_) == "sender-key" and text_of(id_).startswith(_MEMORY):
                    collector.skipped.add("skipped_migration_error", shown(key))
                else:
                    collector.add(key, bytes_of(value))
    except SourceError as error:
        collector.note("database_not_read", reason=str(error))
    return collector.reading()
