"""What the tests of the protocol share: a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory import Worker
from tests.protocol.words import CREDS, OLD_VALUE


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """Serve a store that has one instance, and one value in it."""
    with Worker(tmp_path / "store") as running:
        assert running.ask("POST", "/session", {"group": "codechat"}).status == 204
        assert running.ask("POST", "/session/codechat", {"instance": "sales"}).status == 204
        assert running.ask("POST", CREDS, {"data": OLD_VALUE.decode()}).status == 204
        running.store.calls.clear()
        yield running
