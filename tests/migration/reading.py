"""What tests ask of a source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sessionworker.migration.found import Account, Source
from sessionworker.migration.sources.gathered import Gathered

Values = dict[str, bytes]


def read_all(source: Source) -> dict[str, Values]:
    """All that a source holds, by names."""
    return {one.name: source.read(one).values for one in source.accounts()}


def account_of(source: Source, name: str) -> Account:
    """The one account of a name."""
    [one] = [one for one in source.accounts() if one.name == name]
    return one


def note_codes(source: Source, name: str) -> list[str]:
    """What is told of an account."""
    one = account_of(source, name)
    return [note.code for note in (*one.notes, *source.read(one).notes)]


def in_strings(values: Values) -> Values:
    """What Evolution 1.7.3 and later write to Redis, and creds to a database: the text in a JSON string."""
    return {key: json.dumps(value.decode()).encode() for key, value in values.items()}


@contextmanager
def all_closed(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close all sources that a test has made. What failed to become one has closed its servers, or is warned of."""
    made: list[Gathered] = []
    real = Gathered.__init__

    def init(self: Gathered, *arguments: Any) -> None:
        real(self, *arguments)
        made.append(self)

    patch.setattr(Gathered, "__init__", init)
    yield
    for one in made:
        one.close()
