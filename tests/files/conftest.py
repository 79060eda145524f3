"""What the tests of the file store share: a folder for a store, and the lines for its operator."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.stores.files import instance, parts
from tests.files.stops import Locks
from tests.files.words import kill

MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a store, or for several; what is open below it is closed at the end."""
    yield tmp_path / "store"
    kill(tmp_path)


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """The same for many stores that sync a lot: in memory, where Linux has a file system there."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as folder:
        yield Path(folder) / "store"
        kill(Path(folder))


@pytest.fixture
def reports() -> list[str]:
    """The lines for the operator."""
    return []


@pytest.fixture
def telling_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores that are opened have locks that tell who has to wait for them."""
    monkeypatch.setattr(parts, "Locks", Locks)


@pytest.fixture
def looked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether others changed a folder is looked for whenever somebody asks what it holds."""
    monkeypatch.setattr(instance, "TOLD_AGAIN_SECONDS", 0.0)
