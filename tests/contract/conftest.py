"""What the tests of the contract share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.file_place import kill


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a file store; what is open below it is closed at the end."""
    yield tmp_path / "store"
    kill(tmp_path)
