"""What an import says of itself: for each account what became of it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from msgspec import Struct, field

from sessionworker.migration.arriving import digest_of
from sessionworker.migration.notes import Level, Note

_Values: TypeAlias = Mapping[str, bytes]


class State(Enum):
    """What became of an account."""

    IMPORTED = "imported"
    EQUAL = "equal"
    """The worker had all of it already."""
    MADE_EMPTY = "made empty"
    EXPORTED = "exported"
    NOT_PAIRED = "not paired"
    """There is nothing of it to be exported."""
    READY = "ready"
    """It would be imported: so a dry run ends, and what an import did not come to that was stopped."""
    LEFT_OUT = "left out"
    """It waits for the operator's word: a note says what for."""
    FAILED = "failed"


THERE = (State.IMPORTED, State.EQUAL, State.MADE_EMPTY)
"""Of which the worker has all that there is."""


class Said(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A note, for programs."""

    code: str
    level: str
    text: str
    details: dict[str, str] = field(default_factory=dict)
    """What stands in its text, which is English: so it can be said in another language."""


def said(note: Note) -> Said:
    """Return a note for programs."""
    return Said(note.code, note.level.value, note.text(), dict(note.details))


class Told(Struct, rename="camel", omit_defaults=True):
    """An account of a report."""

    group: str
    instance: str
    origin: str
    label: str = ""
    state: State = State.FAILED
    keys: int = 0
    bytes: int = 0
    digest: str = ""
    """Of all its keys and values, as they were read and read back."""
    notes: list[Note] = field(default_factory=list)

    def measure(self, values: _Values) -> None:
        """Note how much was read, and its digest."""
        self.keys, self.bytes, self.digest = len(values), sum(map(len, values.values())), digest_of(values)


class Report(Struct):
    """A whole import."""

    source: str
    is_dry: bool
    accounts: list[Told] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    """Of the source as a whole."""

    def count(self, *states: State) -> int:
        """Tell how many accounts ended so."""
        return sum(one.state in states for one in self.accounts)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out, and nothing failed."""
        return not self.count(State.LEFT_OUT, State.FAILED)

    def document(self) -> dict[str, object]:
        """Return it for programs."""
        return {
            "source": self.source,
            "dryRun": self.is_dry,
            "notes": [said(note) for note in self.notes],
            "accounts": [
                {
                    "group": one.group,
                    "instance": one.instance,
                    "origin": one.origin,
                    "label": one.label,
                    "state": one.state,
                    "keys": one.keys,
                    "bytes": one.bytes,
                    "digest": one.digest,
                    "notes": [said(note) for note in one.notes],
                }
                for one in self.accounts
            ],
        }


def refuses(notes: list[Note], accepted: frozenset[str]) -> State | None:
    """Return what becomes of an account for its notes, if anything keeps it from being imported."""
    if any(note.level is Level.FAILURE for note in notes):
        return State.FAILED
    if any(note.level is Level.QUESTION and note.code not in accepted for note in notes):
        return State.LEFT_OUT
    return None
