"""Reads hashes and strings of Redis.

One hash is read by one command, so it is of one moment. Strings are not: they are read while nobody writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.servers import Place, driver, place_of

SCHEMES = ("redis", "rediss")

SECONDS = 30
"""After which a server that does not answer is given up."""

SAID_NOTHING = "does not answer as Redis"

_AT_ONCE = 500
"""Strings that are asked for together, and keys that a scan looks at."""

Fields = Mapping[bytes, bytes]


class Redis:
    """A database of Redis. Nothing is written there."""

    def __init__(self, url: str) -> None:
        """Connect to the one that a URL names: `redis://[user:password@]host[:port][/number]`. Raises SourceError."""
        place, client, errors = _connected(url)
        self.shown = place.shown
        self._place = place
        self._client = client
        self._errors = errors

    def names(self, *parts: str, kind: str = "hash") -> Iterator[str]:
        """Yield the names, sorted, of all keys of a kind whose names are these parts, with something between them.

        An empty part at the end stands for any end, and one at the beginning for any beginning. What is no UTF-8 is
        left out.
        """
        for name in self._scan("*".join(escaped(part) for part in parts)):
            if self._ask(partial(self._client.type, name)) == kind.encode():
                with suppress(UnicodeDecodeError):
                    yield name.decode()

    def hash(self, name: str) -> Fields:
        """Return all fields of a hash; none where there is no such hash."""
        found: Fields = self._ask(lambda: self._client.hgetall(name))
        return found

    def field(self, name: str, field: str) -> bytes | None:
        """Return one field of a hash."""
        found: bytes | None = self._ask(lambda: self._client.hget(name, field))
        return found

    def strings(self, before: str) -> dict[bytes, bytes]:
        """Return all strings whose names begin so, by what follows in their names."""
        start = len(before.encode())
        names = self._scan(f"{escaped(before)}*")
        found: dict[bytes, bytes] = {}
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            values = self._ask(partial(self._client.mget, some))  # of what is no string, nothing
            found |= {name[start:]: value for name, value in zip(some, values, strict=True) if value is not None}
        return found

    def close(self) -> None:
        """Let go of it."""
        self._client.close()

    def _scan(self, pattern: str) -> list[bytes]:
        """Return what matches: a scan gives some names twice."""
        return sorted(self._ask(lambda: set(self._client.scan_iter(match=pattern.encode(), count=_AT_ONCE))))

    def _ask(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except self._errors as error:
            raise self._place.failure(SAID_NOTHING, error) from None


def _connected(url: str) -> tuple[Place, Any, type[Exception]]:
    place = place_of(url, SCHEMES, "Redis")
    if place.path and not place.path.isdecimal():
        raise SourceError(f"{place.shown} names no database of Redis: those have numbers.")
    library = driver("redis", "Redis")
    errors = library.exceptions.RedisError
    try:
        once = library.retry.Retry(library.backoff.NoBackoff(), 0)
        seconds = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
        client = library.Redis.from_url(url.strip(), **seconds, retry=once)
    except (errors, ValueError, TypeError):
        raise SourceError(f"{place.shown} has an option that is not known.") from None
    try:
        client.ping()
    except errors as error:
        client.close()
        raise place.failure(SAID_NOTHING, error) from None
    return place, client, errors


def escaped(text: str) -> str:
    """Return a text as a pattern of Redis that it alone matches."""
    return "".join(f"\\{one}" if one in "\\*?[]" else one for one in text)
