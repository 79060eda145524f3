"""Which creds of an Evolution's instance are taken, where a database and Redis may both have some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sessionworker.migration.encodings import NotReadable, take_string
from sessionworker.migration.judging import account_of, is_paired, read_object
from sessionworker.migration.notes import Note

LONGEST_TEXT = 65_535
"""Bytes of a column TEXT of MySQL. It ends with a whole character."""

_LONGEST_CHARACTER = 4


class Creds(Struct, frozen=True):
    """Creds as they were found in one place."""

    place: str
    """What it is called: PostgreSQL, MySQL or Redis."""
    text: bytes
    """Empty for what cannot be read."""
    is_cut_off: bool = False

    @property
    def document(self) -> Mapping[str, Any]:
        """What they say."""
        return read_object(self.text) or {}

    @property
    def is_readable(self) -> bool:
        """Whether they are an object."""
        return bool(self.document)

    @property
    def is_paired(self) -> bool:
        """Whether a phone has paired them."""
        return is_paired(self.document)

    @property
    def number(self) -> str:
        """Whose account they are."""
        return account_of(self.document)

    @property
    def age(self) -> tuple[int, int]:
        """How often they have moved on; both only grow."""
        first, second = (self.document.get(name) for name in ("nextPreKeyId", "accountSyncCounter"))
        return (first if isinstance(first, int) else 0, second if isinstance(second, int) else 0)


class Choice(Struct, frozen=True):
    """The creds that are taken, if there are any, and what is to be said of that."""

    creds: Creds | None
    notes: tuple[Note, ...] = ()


def creds_of(place: str, value: bytes | None, *, may_be_cut_off: bool = False) -> Creds | None:
    """Return the creds that lie in a place as a JSON string; None for none."""
    if value is None or value.strip() in {b"", b"null", b'"null"'}:
        return None
    try:
        return Creds(place, take_string(value))
    except NotReadable:
        long = LONGEST_TEXT - _LONGEST_CHARACTER < len(value) <= LONGEST_TEXT
        return Creds(place, b"", is_cut_off=may_be_cut_off and long)


def choose(used: Creds | None, other: Creds | None, *, used_place: str = "") -> Choice:
    """Choose between the creds in the place that is in use and those in the other one.

    `used_place` is what that place is called, if anybody knows that it is in use.
    """
    if other is None or not other.is_readable:
        return Choice(used or other)
    if used is None or not used.is_readable:
        said = used_place or (used.place if used else "")
        is_told = bool(said) and other.is_paired
        return Choice(other, (Note("creds_elsewhere", {"said": said, "taken": other.place}),) if is_told else ())
    if _identity(used) == _identity(other):
        taken = other if other.age > used.age else used
        return Choice(taken, (Note("creds_in_two_places", {"taken": taken.place}),))
    if not other.is_paired:
        return Choice(used)
    taken = used if used.is_paired else other
    return Choice(taken, (Note("creds_of_two_accounts", {"taken": taken.place}),))


def _identity(creds: Creds) -> Any:
    return creds.document.get("noiseKey")
