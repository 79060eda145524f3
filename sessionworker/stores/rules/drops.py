"""What drops are called, and for how long each is kept, whatever the store."""

from __future__ import annotations

import re

from sessionworker.stores.rules.versions import DAY

REPLACED_KEPT = DAY
"""For how long what gave up its place to another is kept at least, in milliseconds: until somebody sees what came."""

_REPLACED = "r"
_drop = re.compile(r"([0-9]{13,19})-([0-9a-z]{1,32})").fullmatch


def is_drop(name: str) -> bool:
    """Tell whether a drop may be called so."""
    return _drop(name) is not None


def drop_name(when: int, mark: str, *, is_replaced: bool = False) -> str:
    """Return the name of a drop of a time, in milliseconds since 1970; a mark is of hexadecimal digits."""
    return f"{when:013}-{_REPLACED if is_replaced else ''}{mark}"


def when_of(name: str) -> int:
    """Return when something was dropped, in milliseconds since 1970."""
    return int(name.partition("-")[0])


def is_replaced(name: str) -> bool:
    """Tell whether it gave up its place to another."""
    return name.partition("-")[2].startswith(_REPLACED)


def is_due(name: str, before: int, now: int) -> bool:
    """Tell whether something was dropped before a time, and is not to be kept any longer."""
    return when_of(name) < (min(before, now - REPLACED_KEPT) if is_replaced(name) else before)


def kept_until(name: str, kept: int) -> int:
    """Return until when a drop is kept, where all are kept for a while; both in milliseconds."""
    return when_of(name) + (max(kept, REPLACED_KEPT) if is_replaced(name) else kept)
