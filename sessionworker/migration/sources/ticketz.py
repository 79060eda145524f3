"""ticketz, and the forks of Whaticket that it comes from: in PostgreSQL, a row for a connection, and one for each key.

Its creds lie in an envelope. Its keys, and all buffers in them, are as `JSON.stringify` alone writes them. Older forks
have the keys in the envelope, too, under names of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from sessionworker.migration.found import Account, Reading, Skipped
from sessionworker.migration.readers.collecting import Collector, shown
from sessionworker.migration.readers.sql import Database, bytes_of, open_database, text_of
from sessionworker.migration.readers.taking import DOCUMENT, ENCODINGS, take_all, take_parsed
from sessionworker.migration.sources.gathered import Entry, Gathered, kept
from sessionworker.migration.sources.renaming import check_table
from sessionworker.names import CREDS

CONNECTIONS, KEYS = "Whatsapps", "BaileysKeys"

OLD_NAMES = {
    "preKeys": "pre-key",
    "sessions": "session",
    "senderKeys": "sender-key",
    "appStateSyncKeys": "app-state-sync-key",
    "appStateVersions": "app-state-sync-version",
    "senderKeyMemory": "sender-key-memory",
}
"""What old forks call the types of keys."""


def open_ticketz(database: str) -> Gathered:
    """Open what ticketz keeps in PostgreSQL. Its accounts are called as its users call them. Raises SourceError."""
    with kept() as resources:
        server = resources.enter_context(closing(open_database(database)))
        check_table(server, CONNECTIONS, "id", "name", "session")
        has_keys = bool(server.columns_of(KEYS))
        skipped = Skipped()
        entries = []
        columns = ", ".join(server.quoted(name) for name in ("id", "name", "session"))
        for id_, name, session in server.rows(f"SELECT {columns} FROM {server.quoted(CONNECTIONS)} ORDER BY 1"):
            if (session or "").strip():
                entries.append(_entry(server, id_, text_of(name), bytes_of(session) or b"", has_keys=has_keys))
            else:
                skipped.add("connections_left", shown(text_of(name)))
        return Gathered(server.shown, entries, skipped.notes(), resources)


def _entry(server: Database, id_: Any, name: str, session: bytes, *, has_keys: bool) -> Entry:
    def read() -> Reading:
        collector = Collector()
        envelope = _envelope(session)
        for key, document in _documents(collector, envelope):
            take_parsed(collector, key, document)
        if has_keys:
            keys = ", ".join(server.quoted(column) for column in ("type", "key", "value"))
            sql = f"SELECT {keys} FROM {server.quoted(KEYS)} WHERE {server.quoted('whatsappId')} = %s"
            rows = [(f"{kind}-{key}".encode(), bytes_of(value)) for kind, key, value in server.rows(sql, id_)]
            take_all(collector, rows, ENCODINGS[DOCUMENT])
        return collector.reading()

    return Entry(Account(name, f"{CONNECTIONS}.{id_}"), read)


def _envelope(session: bytes) -> dict[str, Any]:
    try:
        found = json.loads(session)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _documents(collector: Collector, envelope: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield CREDS, envelope.get(CREDS)
    keys = envelope.get("keys")
    if isinstance(keys, dict) and keys:
        collector.note("keys_in_old_form")
        for kind, values in keys.items():
            if isinstance(values, dict):
                for id_, document in values.items():
                    yield f"{OLD_NAMES.get(kind, kind)}-{id_}", document
