"""What the tests of the site share: a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory import Worker
from tests.site.words import BODY_SIZE, FILE


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store", body_size=BODY_SIZE) as running:
        running.ask("POST", "/session/codechat", {"instance": "sales"})
        running.ask("POST", FILE, {"data": "1"})
        running.store.calls.clear()
        yield running
