"""Accounts in Redis: a hash with a field for each key, or a string for each key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager

from sessionworker.migration.found import Account, Reading, SourceError
from sessionworker.migration.readers.collecting import Collector, shown
from sessionworker.migration.readers.redis_hash import Fields, Redis
from sessionworker.migration.readers.taking import RAW, TEXT, encoding_of, take_all, take_as_it_is
from sessionworker.migration.sources.gathered import Entry, kept
from sessionworker.names import CREDS


@contextmanager
def opened(url: str) -> Iterator[tuple[Redis, ExitStack]]:
    """Connect to Redis for a block that makes a source, and for that source."""
    with kept() as resources:
        server = resources.enter_context(closing(Redis(url)))
        yield server, resources


def hash_entry(
    server: Redis,
    key: str,
    name: str,
    *,
    style: str = RAW,
    otherwise: str = TEXT,
    foreign: Collection[str] = (),
    account: Callable[[str, str], Account] = Account,
) -> Entry:
    """Return the account that a hash is. How its values lie its creds tell, and `otherwise` where it has none."""

    def read() -> Reading:
        fields = server.hash(key)
        return reading_of_fields(fields, style=style, otherwise=otherwise, foreign=foreign)

    return Entry(account(name, shown(key)), read)


def reading_of_fields(
    fields: Fields, *, style: str = RAW, otherwise: str = TEXT, foreign: Collection[str] = ()
) -> Reading:
    """Return what the fields of a hash are to an account."""
    collector = Collector()
    take = encoding_of(fields.get(CREDS.encode()), otherwise)
    take_all(collector, fields.items(), take, style=style, foreign=foreign)
    return collector.reading()


def strings_entry(server: Redis, before: str, name: str, *, style: str = RAW) -> Entry:
    """Return the account whose strings' names begin so. What has one more colon after it is another account's."""

    def read() -> Reading:
        collector = Collector()
        strings = server.strings(before)
        if style != RAW:
            strings = {key: value for key, value in strings.items() if b":" not in key}
        take_all(collector, strings.items(), take_as_it_is, style=style)
        return collector.reading()

    return Entry(Account(name, shown(f"{before}*")), read)


def something(entries: list[Entry], wanted: str, server: Redis) -> list[Entry]:
    """Return accounts. Raises SourceError if there is none: the server, or its number, may be the wrong one."""
    if not entries:
        raise SourceError(f"There is no {shown(wanted)} in {server.shown}. Is that the right database of Redis?")
    return entries
