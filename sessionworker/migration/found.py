"""What a source of accounts is to everything else here."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol, TypeAlias

from msgspec import Struct, field

from sessionworker.migration.notes import Note

InThread: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]
"""Calls a function that blocks, always in the same thread, and returns what it returns."""

MOST_NAMES = 5
"""Names that a note gives as examples."""


class SourceError(Exception):
    """Why nothing can be read of a source: one sentence for the operator, without anything secret."""


class Account(Struct, frozen=True):
    """An account that a source holds, before it is read."""

    name: str
    """What its instance is to be called."""
    origin: str
    """Where it lies, as a person would look for it: a folder, a key of Redis, a row. Unique in its source."""
    group: str = ""
    """Its group, where the source has groups; empty where the operator names one."""
    label: str = ""
    """What people call it, if that is another name than its instance's."""
    is_empty: bool = False
    """Whether an instance without session files is to be made: the program needs it, and keeps nothing for it here."""
    notes: tuple[Note, ...] = ()
    """What is to be said of it without reading it."""


class Reading(Struct):
    """What was read of an account."""

    values: dict[str, bytes] = field(default_factory=dict)
    """JSON texts in UTF-8 by their keys, as the worker stores them."""
    notes: list[Note] = field(default_factory=list)
    """What is to be said of it."""


class Skipped:
    """Collects what of an account is not taken, and why."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._names: dict[str, list[str]] = {}

    def add(self, code: str, name: str) -> None:
        """Note that something is not taken, for the reason that a note of this code gives."""
        self._names.setdefault(code, []).append(name)

    def notes(self) -> Iterator[Note]:
        """Yield a note for each reason."""
        for code, names in sorted(self._names.items()):
            shown = ", ".join(sorted(names)[:MOST_NAMES]) + (", ..." if len(names) > MOST_NAMES else "")
            yield Note(code, {"count": str(len(names)), "names": shown})


class Source(Protocol):
    """Accounts that a program keeps. Nothing in it is ever changed. Every method may block, and raise SourceError."""

    shown: str
    """Where it is, without anything secret."""

    def accounts(self) -> list[Account]:
        """Return all accounts, sorted by their names."""

    def notes(self) -> list[Note]:
        """Return what is to be said of the source as a whole, once its accounts are known."""

    def read(self, account: Account) -> Reading:
        """Read all that an account holds. What makes it unfit is a note of it, not an error."""

    def close(self) -> None:
        """Let go of the source."""
