"""The store that the tests of the protocol are served, and whether it is still as it was."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.memory import Worker

SALES = "/session/codechat/sales"

CREDS = f"{SALES}/creds"

OLD_VALUE = b'{"me":"old"}'

with_one_worker = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
"""For tests that throw much at the worker: it may be the same one, as what came before must not matter to it."""


def assert_store_is_as_it_was(worker: Worker) -> None:
    assert worker.ask("GET", "/session/codechat/list-instances").json == ["sales"]
    assert worker.ask("GET", CREDS).body == OLD_VALUE
