"""The file store keeps every store's promises, with room to spare and under the narrowest limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.stores.files.limits import Limits
from tests.contract.file_place import LARGE, FilePlace, OneAfterTheOther, kill, sealed
from tests.contract.promises import StoreContract
from tests.contract.words import Place

AMPLE = Limits(lag_seconds=0.01, large_value=LARGE)

NARROW = Limits(
    lag_seconds=0.01,
    checkpoint_bytes=3_000,
    journal_bytes=9_000,
    waiting_files=1,
    waiting_bytes=1_000,
    files_at_once=3,
    large_value=LARGE,
)
"""Nearly every commit waits for the files, and a checkpoint is made beside it."""


class TestFileStore(StoreContract):
    """The file store."""

    # The sealed one is settled, by the same code. The one in turns is killed: it begins without a key, in as much room.
    ways_in_ci = ("at once", "when opened again")

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        yield FilePlace(tmp_path / "store", AMPLE)
        kill(tmp_path)


class TestSealedFileStore(StoreContract):
    """The file store with a key."""

    ways_in_ci = ("when settled",)

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        yield FilePlace(tmp_path / "store", AMPLE, ring=sealed)
        kill(tmp_path)


@pytest.mark.slow
class TestFileStoreThatIsSealedAndPlainInTurns(StoreContract):
    """The file store that has another key with each start, and none at times."""

    ways_in_ci = ("after a kill",)

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        yield FilePlace(tmp_path / "store", AMPLE, ring=OneAfterTheOther())
        kill(tmp_path)


class TestFileStoreInLittleRoom(StoreContract):
    """The file store whose commits wait for its files, and whose files are written at once."""

    ways_in_ci = ("after a kill",)

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        yield FilePlace(tmp_path / "store", NARROW)
        kill(tmp_path)
