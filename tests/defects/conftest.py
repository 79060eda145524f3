"""What the tests of the defects share: a folder for a store, and the lines for its operator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.defects.store import kill


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a store, or for several; what is open below it is closed at the end."""
    yield tmp_path / "store"
    kill(tmp_path)


@pytest.fixture
def reports() -> list[str]:
    """The lines for the operator."""
    return []
