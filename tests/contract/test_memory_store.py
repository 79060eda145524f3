"""The store in dictionaries keeps every store's promises."""

from __future__ import annotations

import pytest

from sessionworker.names import SessionFile
from sessionworker.stores.interface import Store
from sessionworker.stores.rules.versions import Keep
from tests.contract.memory_contents import Contents
from tests.contract.memory_store import MemoryStore
from tests.contract.promises import StoreContract
from tests.contract.words import Place


class MemoryPlace:
    """What a store in dictionaries leaves when it is closed, or killed."""

    large_from = 1000
    stories = 30
    keeps_owners = False

    def __init__(self, keep: Keep = Keep()) -> None:  # noqa: B008 - it is frozen
        """Begin with nothing."""
        self._contents = Contents()
        self._keep = keep

    def open(self) -> MemoryStore:
        return MemoryStore(self._contents, keep=self._keep)

    def settle(self, store: Store) -> None:
        """Nothing waits here."""

    def kill(self, store: Store) -> None:
        """Nothing is held here."""

    def damage(self, file: SessionFile, value: bytes | None) -> None:
        instance = self._contents.groups[file.group][file.instance]
        others = {key: other for key, other in instance.values.items() if key != file.key}
        instance.values = others if value is None else {**others, file.key: value}

    def refuse(self, store: Store, file: SessionFile, problem: str) -> bool:  # noqa: ARG002 - it is in the contents
        self._contents.groups[file.group][file.instance].problem = problem
        return True

    def litter(self) -> list[str]:
        return []

    def erase(self) -> None:
        self._contents = Contents()

    def fresh(self, keep: Keep) -> MemoryPlace:
        return MemoryPlace(keep)


class TestMemoryStore(StoreContract):
    """The store in dictionaries."""

    ways_in_ci = ("at once", "when opened again")  # to settle does nothing here, and a kill leaves what a stop does

    @pytest.fixture
    def place(self) -> Place:
        return MemoryPlace()
