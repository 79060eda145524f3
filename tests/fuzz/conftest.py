"""How long the fuzzers run, and the worker that they ask."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sessionworker.access import Role, Token
from tests.memory import Worker
from tests.tools import show_figure

API, SUPPORT, ADMIN, VIEW = "An-Api's:token=1", "For-Support", "An Operator's", "to-look"
TOKENS = (API, SUPPORT, ADMIN, VIEW)
"""For each role one, and one for the group `support` alone."""

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


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """A worker that has given out a token of each kind, with an instance in each of two groups."""
    with Worker(tmp_path / "store", http_logs=False) as running:
        for group in ("codechat", "support"):
            running.ask("POST", f"/session/{group}", {"instance": "sales"})
            running.ask("POST", f"/session/{group}/sales/creds", {"data": '{"a":1}'})
        running.access.replace(
            [
                Token(Role.API, API.encode()),
                Token(Role.API, SUPPORT.encode(), frozenset({"support"})),
                Token(Role.ADMIN, ADMIN.encode()),
                Token(Role.VIEW, VIEW.encode()),
            ]
        )
        running.store.calls.clear()
        yield running
