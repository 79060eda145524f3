"""Stores of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from sessionworker.stores.seal import KeyRing
from tests.copying.ends import End, FileEnd, Make, PostgresEnd
from tests.postgres.server import Server

_numbers = count()


@pytest.fixture
def make(tmp_path: Path, postgres: Server) -> Iterator[Make]:
    """Makes places for stores."""
    made: list[End] = []

    def new(kind: str, ring: KeyRing | None = None) -> End:
        end = (
            FileEnd(tmp_path / f"store{next(_numbers)}", ring) if kind == "files" else PostgresEnd(postgres.url(), ring)
        )
        made.append(end)
        return end

    yield new
    for end in made:
        end.clear()
