"""What all promises are tested with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import pytest

from tests.contract.words import Life, Place


class Contract(ABC):
    """Some promises, a test for each. A kind of store keeps them by a subclass with its `place`."""

    @abstractmethod
    @pytest.fixture
    def place(self) -> Place | Iterator[Place]:
        """A place for a store, with nothing in it."""

    ways: Sequence[str] = ("at once", "when settled", "when opened again", "after a kill")
    """What may lie between a commit and a look at it."""

    ways_in_ci: Sequence[str] = ()
    """Those that are enough without `--full`, if not all are asked for: another class goes all of them."""

    @pytest.fixture
    def life(self, request: pytest.FixtureRequest, place: Place) -> Iterator[Life]:
        """An empty store, and what may lie between a commit and a look at it."""
        life = Life(place, request.param)
        yield life
        life.store.close()

    @pytest.fixture
    def quiet(self, place: Place) -> Iterator[Life]:
        """An empty store to which nothing happens but what the test lets happen."""
        life = Life(place, "at once")
        yield life
        life.store.close()
