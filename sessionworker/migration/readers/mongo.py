"""Reads documents of MongoDB. A server of its own has no snapshots: it is read while nobody writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers import servers
from sessionworker.migration.readers.servers import Place, driver, place_of

SCHEMES = ("mongodb", "mongodb+srv")

MILLISECONDS = 30_000
"""After which a server that cannot be reached is given up."""

Documents = dict[str, dict[str, Any]]


class Mongo:
    """A server of MongoDB. Nothing is written there."""

    def __init__(self, place: Place, client: Any, errors: type[Exception]) -> None:
        """Take what it is spoken with through."""
        self.shown = place.shown
        self._place = place
        self._client = client
        self._errors = errors

    def databases(self) -> list[str]:
        """Return the names of all databases, sorted."""
        return sorted(self._ask(self._client.list_database_names))

    def collections(self, database: str) -> list[str]:
        """Return the names of a database's collections, sorted, without the server's own."""
        found = self._ask(self._client[database].list_collection_names)
        return sorted(name for name in found if not name.startswith("system."))

    def has(self, database: str, collection: str, id_: str) -> bool:
        """Tell whether a document is there."""
        return bool(self._ask(lambda: self._client[database][collection].find_one({"_id": id_}, {"_id": 1})))

    def documents(self, database: str, collection: str) -> Documents:
        """Return all documents of a collection by their ids, as far as those are texts; the ids are not in them."""
        found = self._ask(lambda: list(self._client[database][collection].find()))
        return {
            one["_id"]: {name: value for name, value in one.items() if name != "_id"}
            for one in found
            if isinstance(one["_id"], str)
        }

    def close(self) -> None:
        """Let go of it."""
        self._client.close()

    def _ask(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except self._errors as error:
            raise self._place.failure("does not answer as MongoDB", error) from None


def open_mongo(url: str) -> Mongo:
    """Connect to the server that a URL names."""
    place = place_of(url, SCHEMES, "MongoDB")
    library = driver("pymongo", "MongoDB")
    errors = library.errors.PyMongoError
    try:
        client = library.MongoClient(
            url.strip(), serverSelectionTimeoutMS=MILLISECONDS, socketTimeoutMS=servers.READ_SECONDS * 1000
        )
    except (errors, ValueError, TypeError):
        raise SourceError(f"{place.shown} cannot be opened: its host or an option of it is not known.") from None
    return Mongo(place, client, errors)
