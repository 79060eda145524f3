"""Writes hashes of Redis, each whole and at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.redis_hash import Redis
from sessionworker.migration.readers.servers import driver
from sessionworker.migration.targets.target import TargetError

_AT_ONCE = 1_000
"""Fields of one command, of which a million words is the most that Redis takes."""

_ANY_BYTES = ("utf-8", "surrogateescape")

Fields = Mapping[str, bytes]


class Hashes(Redis):
    """A database of Redis whose hashes are replaced."""

    def put(self, name: str, make: Callable[[Fields], Fields]) -> None:
        """Have a hash hold other fields, at once: `make` is given those that it holds, and returns all new ones.

        Nothing is changed where it raises, nor where somebody else writes to the hash meanwhile. Raises TargetError,
        SourceError.
        """
        meanwhile = driver("redis", "Redis").exceptions.WatchError

        def put() -> None:
            with self._client.pipeline() as pipe:
                pipe.watch(name)
                if pipe.type(name) not in {b"hash", b"none"}:
                    raise TargetError(f"The key {shown(name)} in {self.shown} is no hash, and is left.")
                fields = make({field.decode(*_ANY_BYTES): value for field, value in pipe.hgetall(name).items()})
                pipe.multi()
                pipe.delete(name)
                for some in _parts(fields):
                    pipe.hset(name, mapping=some)
                try:
                    pipe.execute()
                except meanwhile:
                    raise TargetError(
                        f"Somebody writes to {shown(name)} in {self.shown}, which is left as it is. Stop the API."
                    ) from None

        self._ask(put)


def check_prefix(prefix: str) -> None:
    """See that it is known what an Evolution's hashes begin with. Raises TargetError."""
    if not prefix:
        raise TargetError("Say what its hashes in Redis begin with by --prefix; it is its CACHE_REDIS_PREFIX_KEY.")


def in_a_string(text: bytes) -> bytes:
    """Return a JSON text inside a JSON string, as Evolution has it in its database and in Redis."""
    return json.dumps(text.decode(), ensure_ascii=False).encode()


def _parts(fields: Fields) -> list[dict[Any, Any]]:
    pairs = [(field.encode(*_ANY_BYTES), value) for field, value in fields.items()]
    return [dict(pairs[first : first + _AT_ONCE]) for first in range(0, len(pairs), _AT_ONCE)]
