"""SQLite databases as programs leave them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from sessionworker.migration.baileys_names import type_and_id_of

GORM = "CREATE TABLE `creds` (`id` integer PRIMARY KEY AUTOINCREMENT,`name` text,`content` json NOT NULL)"
DEVELOP = """
CREATE TABLE IF NOT EXISTS creds (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS signal_keys (
  type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (type, id)
);
CREATE INDEX IF NOT EXISTS signal_keys_type_idx ON signal_keys(type);
"""


def in_a_string(text: bytes) -> bytes:
    """A JSON text inside a JSON string, as Go writes it."""
    escaped = json.dumps(text.decode())
    for character in "<>&":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return escaped.encode()


def write_gorm(path: Path, rows: Iterable[tuple[str, bytes | str]]) -> Path:
    """Write a database of session-manager, a row for each write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(GORM)
    connection.executemany("INSERT INTO creds(name, content) VALUES(?, ?)", list(rows))
    connection.commit()
    connection.close()
    return path


def write_develop(path: Path, values: Mapping[str, bytes]) -> sqlite3.Connection:
    """Write a database as Baileys' branch develop does, and leave it open, as a running program does."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(DEVELOP)
    for key, value in values.items():
        found = type_and_id_of(key)
        if found:
            connection.execute("INSERT INTO signal_keys VALUES(?, ?, ?)", (*found, value.decode()))
        else:
            connection.execute("INSERT INTO creds VALUES('__creds__', ?)", (value.decode(),))
    connection.commit()
    return connection
