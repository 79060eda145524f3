"""What is promised of whatever may happen, in any order."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contract.base import Contract
from tests.contract.story import Story
from tests.contract.story_parts import ALL
from tests.contract.words import Place


class StoryContract(Contract):
    """A store does what the model does, whatever happens to it."""

    def test_any_story_ends_as_it_would_in_dictionaries(self, place: Place, request: pytest.FixtureRequest) -> None:
        class StoryHere(Story):
            def __init__(self) -> None:
                super().__init__(place.fresh(ALL))

        stories = place.stories * (10 if request.config.getoption("--full") else 1)
        run_state_machine_as_test(
            StoryHere, settings=settings(max_examples=stories, stateful_step_count=40, deadline=None)
        )
