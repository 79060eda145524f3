"""How long the fuzzers run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.tools import show_figure

FULL = 100
"""How many times as long they are with `--full`."""

Tries = Callable[[int], settings]


@pytest.fixture
def tries(request: pytest.FixtureRequest) -> Tries:
    """What a fuzzer is decorated with, for so many cases; as many times more with `--full`.

    It does not ask for the fixture `full`: those who do are slow.
    """
    factor = FULL if request.config.getoption("--full") else 1

    def of(count: int) -> settings:
        return settings(max_examples=count * factor, deadline=None, suppress_health_check=list(HealthCheck))

    return of


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Counts what came of the cases; shown as a figure when the test has passed."""
    counts: Counter[str] = Counter()
    start = time.monotonic()
    yield counts
    seconds = time.monotonic() - start
    said = ", ".join(f"{count:,} {what}" for what, count in counts.most_common())
    show_figure(f"{request.node.name.removeprefix('test_').replace('_', ' ')}: {said}; {seconds:.1f} s")
