"""What the tests of broken files share: a store that holds three versions of its creds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.admin.words import SALES, creds, save
from tests.broken_files.breaking import GOOD
from tests.memory import Worker


@pytest.fixture(params=["", "pre-key-1"], ids=["alone", "with-other-keys"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A store that has an instance with three versions of its creds, and perhaps another key."""
    with Worker(tmp_path / "store") as worker:
        worker.ask("POST", "/session/codechat", {"instance": "sales"})
        save(worker, creds(1), creds(2), GOOD)
        if request.param:
            assert worker.ask("POST", f"{SALES}/{request.param}", {"data": "{}"}).status == 204
    return tmp_path / "store"
