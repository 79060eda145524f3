"""The oldest versions that the worker is tested with are where the ranges in setup.py begin."""

from __future__ import annotations

import pytest

from tests.oldest import dependencies, oldest


def test_a_range_is_held_to_where_it_begins() -> None:
    assert oldest(["Twisted[tls] >=26.4, <27", "prometheus-client >=0.23.1, <0.27"]) == [
        "Twisted==26.4",
        "prometheus-client==0.23.1",
    ]


@pytest.mark.parametrize("requirement", ["klein", "klein >=24.8", "klein ~=24.8", "klein >=24.8, <25, !=24.9"])
def test_what_is_no_range_is_refused(requirement: str) -> None:
    with pytest.raises(ValueError, match="below which"):
        oldest([requirement])


def test_all_that_the_worker_needs_has_a_range() -> None:
    names = {held.partition("==")[0] for held in oldest(dependencies())}
    assert {"Twisted", "klein", "Werkzeug", "treq", "psycopg", "psycopg-pool"} <= names
    assert len(names) == len(dependencies())
