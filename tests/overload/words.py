"""What the tests of overload ask, and what a refusal has to be."""

from __future__ import annotations

from typing import Any

from tests.answers import Answer
from tests.memory import Connection, Worker, request

SALES = "/session/codechat/sales"

CREDS = f"{SALES}/creds"

GOOD = '{"me":"old"}'

CHUNKED = request("POST", f"{SALES}/large", headers=[("Transfer-Encoding", "chunked")])


def begin(worker: Worker, method: str, path: str, body: Any = None) -> Connection:
    """Ask, and wait for nothing."""
    connection = worker.connect()
    connection.send(request(method, path, body))
    return connection


def refused_at_once(connection: Connection) -> Answer:
    """Assert that a request was answered 503, without a thread having done anything."""
    [answer] = connection.answers_so_far()
    assert answer.status == 503
    assert int(answer.header("retry-after") or "missing") > 0
    return answer
