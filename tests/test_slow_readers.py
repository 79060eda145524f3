"""Clients that read slowly, or not at all: they get all of it, or are let go, and cost little memory meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.http import limits
from sessionworker.http.sending import SMALL_ANSWER
from tests.answers import read_answers
from tests.memory import Worker, request
from tests.transport import PACKET

FILE = "/session/codechat/sales/session-1"
LARGE = json.dumps("x" * 900_000)  # not so large that a thread would read it
SMALL = json.dumps("y" * 60_000)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store", connections=3) as running:
        running.ask("POST", "/session/codechat", {"instance": "sales"})
        yield running


def test_a_client_that_reads_slowly_gets_a_large_answer_whole(worker: Worker) -> None:
    worker.ask("POST", FILE, {"data": LARGE})
    connection = worker.connect()
    connection.transport.takes = 25_000
    connection.send(request("GET", FILE))
    for _ in range(38):  # 380 seconds, five times as long as a client may do nothing
        worker.advance(10)
    [answer] = read_answers(bytes(connection.transport.received), ["GET"])
    assert answer.body == LARGE.encode()
    assert connection.is_open
    connection.transport.takes = 2**40
    connection.send(request("GET", "/health"))
    assert [one.status for one in connection.answers()] == [200, 200]


def test_a_client_that_reads_nothing_of_a_large_answer_is_let_go(worker: Worker) -> None:
    worker.ask("POST", FILE, {"data": LARGE})
    connection = worker.connect()
    connection.transport.is_stuck = True
    connection.send(request("GET", FILE))
    assert connection.transport.waiting < 3 * PACKET
    worker.advance(limits.READ_SECONDS - 1)
    assert connection.is_open
    worker.advance(limits.FAREWELL_SECONDS + 3)
    assert not connection.transport.connected


@pytest.mark.parametrize("is_stored_now", [True, False])
def test_who_asks_much_and_reads_nothing_is_answered_no_further(worker: Worker, is_stored_now: bool) -> None:
    worker.ask("POST", FILE, {"data": SMALL})
    if not is_stored_now:
        worker.ask("POST", "/admin/checkpoint")
    connection = worker.connect()
    connection.transport.is_stuck = True
    connection.send(request("GET", FILE) * 200)
    assert connection.transport.waiting < 3 * (PACKET + SMALL_ANSWER)
    worker.advance(limits.READ_SECONDS - 1)
    connection.transport.is_stuck = False
    answers = connection.answers(*["GET"] * 200)
    assert [answer.body for answer in answers] == [SMALL.encode()] * 200
    connection.send(request("GET", "/health"))
    assert connection.answers(*["GET"] * 201)[-1].status == 200


def test_a_client_that_hangs_up_within_a_large_answer_leaves_nothing_behind(worker: Worker) -> None:
    worker.ask("POST", FILE, {"data": LARGE})
    connection = worker.connect()
    connection.transport.takes = 25_000
    connection.send(request("GET", FILE))
    connection.close()
    assert worker.site.channels == set()
    assert worker.site.bodies.bytes == 0


def test_a_worker_that_is_told_to_stop_finishes_a_large_answer(worker: Worker) -> None:
    worker.ask("POST", FILE, {"data": LARGE})
    connection = worker.connect()
    connection.transport.takes = 25_000
    connection.send(request("GET", FILE))
    ended: list[object] = []
    worker.site.drain(0).addCallback(ended.append)
    for _ in range(50):
        assert not ended or connection.transport.received.endswith(b'"')
        worker.advance(1)
    assert ended == [None]
    [answer] = read_answers(bytes(connection.transport.received), ["GET"])
    assert answer.body == LARGE.encode()


def test_connections_that_are_far_too_many_are_closed_without_a_word(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessionworker.http.site.MOST_TURNED_AWAY", 2)
    for _ in range(3):
        worker.connect().send(request("GET", FILE))
    connections = [worker.connect() for _ in range(5)]
    for connection in connections:
        connection.transport.flush()
    said = [bool(connection.transport.received) for connection in connections]
    assert said == [True] * 2 + [False] * 3  # told, closed
    assert [connection.transport.connected for connection in connections[2:]] == [False] * 3
    for connection in connections:
        connection.close()
    assert len(worker.site.channels) == 3


@pytest.mark.parametrize("length", ["9" * 1001, "9" * 5000])
def test_a_length_that_nobody_can_mean_is_refused(worker: Worker, length: str) -> None:
    data = f"POST {FILE} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()
    [answer] = worker.raw(data)
    assert answer.status == 400
