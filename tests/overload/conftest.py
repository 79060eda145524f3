"""What the tests of overload share: a store, and a worker on it that remembers nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory import Worker
from tests.overload.words import CREDS, GOOD, SALES


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that has an instance with creds and some keys, none of which its next worker remembers."""
    with Worker(tmp_path / "store") as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        worker.ask("POST", CREDS, {"data": GOOD})
        for number in range(9):
            worker.ask("POST", f"{SALES}/k{number}", {"data": str(number)})
    return tmp_path / "store"


@pytest.fixture
def worker(store: Path) -> Iterator[Worker]:
    with Worker(store, body_size=200_000) as running:
        yield running
