"""What the tests of stores on PostgreSQL share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.postgres.sealed import Workers, workers_on
from tests.postgres.server import Server

_numbers = count()


@pytest.fixture
def database(postgres: Server) -> Iterator[Workers]:
    """Tables that nobody else uses."""
    with workers_on(postgres.url(), f"workers_{next(_numbers)}") as found:
        yield found
