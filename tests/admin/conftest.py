"""A worker with one instance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory import Worker


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """Serve a store that has one instance, without `creds`."""
    with Worker(tmp_path / "store") as running:
        assert running.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
        yield running
