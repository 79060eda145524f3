"""Writes the database of Baileys' `useSqliteAuthState`."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sessionworker.disk import write_new
from sessionworker.migration.baileys_names import type_and_id_of
from sessionworker.migration.found import Skipped
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.targets.in_folders import InFolders
from sessionworker.migration.targets.new_places import check_creds, give_away, put_in_place
from sessionworker.migration.targets.target import TargetError
from sessionworker.names import CREDS

_TABLES = """
CREATE TABLE creds (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE signal_keys (type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (type, id));
CREATE INDEX signal_keys_type_idx ON signal_keys(type);
"""


ENDING = ".db"


def open_baileys_sqlite_target(folder: Path) -> InFolders:
    """Open a folder in which each account gets a database, `<instance>.db`. Raises TargetError."""
    return InFolders(folder, write_baileys_sqlite, ending=ENDING)


def write_baileys_sqlite(values: Mapping[str, bytes], place: Path) -> list[Note]:
    """Write an account to a database that is not there yet, and return what is to be said of it. Raises TargetError."""
    check_creds(values)
    skipped = Skipped()
    rows = []
    for key in sorted(values.keys() - {CREDS}):
        found = type_and_id_of(key)
        if found:
            rows.append((*found, values[key].decode()))
        else:
            skipped.add("left_out_types", shown(key))

    def write(name: str, parent: int) -> None:
        write_new(name, parent, b"", sync=False)  # SQLite's own would be readable for others
        path = Path(os.path.realpath(place.parent), name)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # the last to close it leaves the database alone
            connection.executescript(f"BEGIN;{_TABLES}")
            connection.executemany("INSERT INTO signal_keys VALUES(?, ?, ?)", rows)
            connection.execute("INSERT INTO creds VALUES('__creds__', ?)", (values[CREDS].decode(),))
            connection.execute("COMMIT")
        give_away(name, parent, parent)

    try:
        put_in_place(place, write, [f"{place.name}{ending}" for ending in ("-wal", "-shm", "-journal")])
    except sqlite3.Error as error:
        raise TargetError(f"{shown(str(place))} cannot be written: {error}.") from error
    return list(skipped.notes())
