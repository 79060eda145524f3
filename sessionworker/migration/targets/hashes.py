"""Writes hashes of Redis, each whole and at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.redis_hash import Fields, Redis
from sessionworker.migration.readers.servers import driver
from sessionworker.migration.targets.target import TargetError

_AT_ONCE = 1_000
"""Fields of one command, of which a million words is the most that Redis takes."""


class Hashes(Redis):
    """A database of Redis whose hashes are replaced."""

    def put(self, name: str, fields: Mapping[bytes, bytes], check: Callable[[Fields], None]) -> None:
        """Have a hash hold these fields and no others, at once. `check` is given those that it holds, and may raise.

        Nothing is changed then, nor where somebody else writes to it meanwhile. Raises TargetError, SourceError.
        """
        meanwhile = driver("redis", "Redis").exceptions.WatchError

        def put() -> None:
            with self._client.pipeline() as pipe:
                pipe.watch(name)
                if pipe.type(name) not in {b"hash", b"none"}:
                    raise TargetError(f"The key {shown(name)} in {self.shown} is no hash, and is left.")
                check(pipe.hgetall(name))
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


def _parts(fields: Mapping[bytes, bytes]) -> list[dict[Any, Any]]:
    pairs = list(fields.items())
    return [dict(pairs[first : first + _AT_ONCE]) for first in range(0, len(pairs), _AT_ONCE)]
