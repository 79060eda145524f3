"""session-manager on SQLite: a database for each instance, `instances/<group>/<instance>.db`.

Every write added a row, and reads took the oldest one, so what an account is has to be found among its rows.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from pathlib import Path

from msgspec import structs

from sessionworker.migration.encodings import NotReadable, take_string_or_text
from sessionworker.migration.found import Account, Reading, SourceError
from sessionworker.migration.judging import is_paired, read_object
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import Collector, shown
from sessionworker.migration.readers.sqlite import bytes_of, is_database, opened_database, tables_of, text_of
from sessionworker.migration.sources.looks import nothing_found
from sessionworker.migration.sources.places import Finding, Places, contents_of
from sessionworker.names import CREDS

ENDING = ".db"

_NEWEST = "SELECT name, content FROM creds WHERE id IN (SELECT max(id) FROM creds GROUP BY name)"
_ALL_CREDS = "SELECT content FROM creds WHERE name = ? ORDER BY id DESC"


def open_session_manager_sqlite(path: Path) -> Places:
    """Open `instances` of session-manager, with its groups. Raises SourceError."""
    finding = Finding()
    groups: dict[str, list[str]] = defaultdict(list)
    found: list[tuple[Path, Path]] = []
    for group in contents_of(path).folders:
        for name in contents_of(group).files:
            if not name.endswith(ENDING):
                continue
            file = group / name
            if _is_ours(file, finding):
                groups[_instance(file)].append(group.name)
                if _has_rows(file):
                    found.append((group, file))
                else:
                    finding.skipped.add("phantoms_left", shown(f"{group.name}/{name}"))
    if not found:
        raise nothing_found(path, "database of session-manager that holds something")
    for group, file in found:
        _add(finding, group, file, [other for other in groups[_instance(file)] if other != group.name])
    return finding.source(path)


def _add(finding: Finding, group: Path, file: Path, others: list[str]) -> None:
    account = Account(_instance(file), shown(str(file)), group=group.name)
    if others:
        note = Note("same_in_other_groups", {"others": ", ".join(shown(other) for other in others)})
        account = structs.replace(account, notes=(note,))
    finding.add(account, lambda: _read(file), file)


def _instance(file: Path) -> str:
    return file.name.removesuffix(ENDING)


def _is_ours(file: Path, finding: Finding) -> bool:
    """Tell whether a file is a database of session-manager. One of no bytes is: it had no time to make its table."""
    try:
        if file.stat().st_size == 0:
            return True
        if is_database(file):
            with opened_database(file) as connection:
                if "creds" in tables_of(connection):
                    connection.execute("SELECT id, name, content FROM creds LIMIT 1").fetchone()
                    return True
    except (OSError, SourceError):
        pass
    finding.skipped.add("databases_left", shown(f"{file.parent.name}/{file.name}"))
    return False


def _has_rows(file: Path) -> bool:
    if file.stat().st_size == 0:
        return False
    with opened_database(file) as connection:
        return connection.execute("SELECT 1 FROM creds LIMIT 1").fetchone() is not None


def _read(file: Path) -> Reading:
    collector = Collector()
    try:
        with opened_database(file) as connection:
            for name, content in connection.execute(_NEWEST).fetchall():
                if text_of(name) != CREDS:
                    collector.add(text_of(name), _value(content))
            _add_creds(connection, collector)
    except SourceError as error:
        collector.note("database_not_read", reason=str(error))
    return collector.reading()


def _add_creds(connection: sqlite3.Connection, collector: Collector) -> None:
    """Add the newest creds that a phone has paired; the newest of all where no phone has."""
    newest: bytes | None = None
    for number, (content,) in enumerate(connection.execute(_ALL_CREDS, (CREDS,))):
        value = _value(content)
        if newest is None:
            newest = value
        creds = read_object(value)
        if creds is not None and is_paired(creds):
            if number:
                collector.note("older_creds_taken", count=str(number))
            newest = value
            break
    if newest is not None:
        collector.add(CREDS, newest)


def _value(content: object) -> bytes:
    """Return the text of a row; what cannot be read stays as it is, and is told as that."""
    try:
        return take_string_or_text(bytes_of(content))
    except NotReadable:
        return bytes_of(content)
