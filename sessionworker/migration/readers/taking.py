"""What the fields of a hash, or the rows of a table, are to an account: names and values, each in an encoding."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from sessionworker.migration.baileys_names import is_ambiguous, is_of_unknown_type, key_of
from sessionworker.migration.encodings import NotReadable, dump, take_string, with_plain_buffers
from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.collecting import NULL, Collector, shown
from sessionworker.names import CREDS

Take = Callable[[bytes], bytes]
"""Makes the JSON text of what lies there, or raises NotReadable."""

Pairs = Iterable[tuple[bytes, bytes | None]]


def take_as_it_is(value: bytes) -> bytes:
    """Return what is the text itself. Whether it is one, who collects it looks."""
    return value


def take_document(value: bytes) -> bytes:
    """Return the text of a document that a database has taken apart, as it gives it. Raises NotReadable."""
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        raise NotReadable from None
    return dump(with_plain_buffers(document))


TEXT, STRING, DOCUMENT = "text", "string", "document"
ENCODINGS: Mapping[str, Take] = MappingProxyType({TEXT: take_as_it_is, STRING: take_string, DOCUMENT: take_document})
"""By the names that an operator gives them."""

RAW, FIXED = "raw", "fixed"
STYLES = (RAW, FIXED)


def encoding(name: str) -> Take:
    """Return what an operator calls so. Raises SourceError."""
    if name not in ENCODINGS:
        raise SourceError(f"The encoding of values is one of {', '.join(ENCODINGS)}.")
    return ENCODINGS[name]


def encoding_of(creds: bytes | None, otherwise: str) -> Take:
    """Return how an account's values lie, by its creds, which are an object: no other value tells it."""
    begin = (creds or b"").lstrip()[:1]
    return ENCODINGS[{b"{": TEXT, b'"': STRING}.get(begin, otherwise)]


def take_all(
    collector: Collector, pairs: Pairs, take: Take, *, style: str = RAW, foreign: Collection[str] = ()
) -> None:
    """Collect all values of an account. `foreign` are names of what its program keeps beside them."""
    for raw_name, value in pairs:
        try:
            name = raw_name.decode()
        except UnicodeDecodeError:
            collector.skipped.add("skipped_name", shown(raw_name.decode(errors="replace")))
            continue
        key = _key(collector, name, style)
        if key is None or name in foreign:
            collector.skipped.add("skipped_foreign", shown(name))
        else:
            take_one(collector, key, value, take, name)


def take_one(collector: Collector, key: str, value: bytes | None, take: Take, name: str = "") -> None:
    """Collect a value; creds that cannot be read are collected as nothing, which whoever judges them says."""
    if value is None or value.strip() in {b"", NULL}:
        collector.add(key, value, name)
    else:
        _collect(collector, key, lambda: take(value), name)


def take_parsed(collector: Collector, key: str, document: object) -> None:
    """Collect a value that is a document already, as `take_one` does."""
    _collect(collector, key, lambda: dump(with_plain_buffers(document)))


def _collect(collector: Collector, key: str, make: Callable[[], bytes], name: str = "") -> None:
    try:
        value = make()
    except NotReadable:
        if key != CREDS:
            collector.skipped.add("skipped_unreadable", shown(name or key))
            return
        value = b""
    collector.add(key, value, name)


def _key(collector: Collector, name: str, style: str) -> str | None:
    if style == RAW:
        return name
    key = key_of(name)
    if key is None and is_of_unknown_type(name):
        if is_ambiguous(name):
            collector.skipped.add("unknown_type", shown(name))
        return name
    return key
