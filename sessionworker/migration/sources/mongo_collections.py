"""Accounts in MongoDB as Evolution 1.x and whatsapp-api 1.2 kept them: a collection each, a document for each key."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from sessionworker.migration.found import Reading, SourceError
from sessionworker.migration.readers.collecting import Collector, shown
from sessionworker.migration.readers.folder import BAILEYS, read_folder
from sessionworker.migration.readers.mongo import Documents, Mongo, open_mongo
from sessionworker.migration.readers.taking import take_parsed
from sessionworker.migration.sources.gathered import Entry, Gathered, kept
from sessionworker.migration.sources.renaming import Renaming
from sessionworker.names import CREDS

DATABASE_END = "-instances"

INTEGRATION = "integration"
"""A document that is no key."""

ARRAY = "content_array"
"""What Evolution calls a value that is an array, which no document can be."""


def open_collections(
    url: str, *, database: str, folder: Path | None, renaming: Renaming, wants_folder: bool
) -> Gathered:
    """Open a database of such collections. `folder` has the keys of those for which it has a folder with any.

    With `wants_folder` it is a question where all keys are. Raises SourceError.
    """
    if folder is not None and not folder.is_dir():
        raise SourceError(f"{shown(str(folder))} is no folder.")
    with kept() as resources:
        server = resources.enter_context(closing(open_mongo(url)))
        database = database or _only_database(server)
        entries = [
            _entry(server, database, name, folder and folder / name, renaming, wants_folder=wants_folder)
            for name in server.collections(database)
            if server.has(database, name, CREDS)
        ]
        if not entries:
            raise SourceError(f"No collection of the database {shown(database)} in {server.shown} has creds.")
        return Gathered(f"{server.shown} ({shown(database)})", entries, (), resources)


def _only_database(server: Mongo) -> str:
    found = [name for name in server.databases() if name.endswith(DATABASE_END)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise SourceError(f"No database in {server.shown} has a name that ends in {DATABASE_END}.")
    names = shown(", ".join(found))
    raise SourceError(f"{server.shown} has several databases of instances: {names}. Say which by --database.")


def _entry(
    server: Mongo, database: str, name: str, folder: Path | None, renaming: Renaming, *, wants_folder: bool
) -> Entry:
    def read() -> Reading:
        documents = server.documents(database, name)
        collector = Collector()
        of_files = _keys_in(folder)
        if of_files:
            stale = documents.keys() - {CREDS, INTEGRATION}
            documents = {id_: document for id_, document in documents.items() if id_ not in stale}
            if stale:
                collector.note("old_documents_left", count=str(len(stale)))
            for key, value in of_files.items():
                collector.add(key, value)
        elif wants_folder and documents.keys() <= {CREDS, INTEGRATION}:
            collector.note("keys_in_files")
        _take(collector, documents)
        return collector.reading()

    return Entry(renaming.account(name, shown(f"{database}.{name}")), read)


def _keys_in(folder: Path | None) -> dict[str, bytes]:
    """Return the keys that lie in files, but creds: the API reads those in MongoDB."""
    if folder is None or not folder.is_dir():
        return {}
    found = read_folder(folder, BAILEYS).values
    return {key: value for key, value in found.items() if key != CREDS}


def _take(collector: Collector, documents: Documents) -> None:
    for id_, document in documents.items():
        if id_ == INTEGRATION:
            collector.skipped.add("skipped_foreign", id_)
        else:
            take_parsed(collector, id_, _content(document))


def _content(document: dict[str, Any]) -> Any:
    return document[ARRAY] if document.keys() == {ARRAY} else document
