"""The end answers what is under way, and waits for nothing else."""

from __future__ import annotations

import pytest

from sessionworker.http import limits
from sessionworker.stores.changes import CreateGroup
from tests.memory import Worker, request
from tests.site.words import FILE, SMUGGLED


@pytest.mark.parametrize("are_known", [False, True])
def test_a_client_that_ends_its_side_has_an_answer_to_all_that_it_asked(worker: Worker, are_known: bool) -> None:
    if are_known:
        worker.ask("GET", FILE)
        worker.ask("POST", FILE, {"data": "1"})
    connection = worker.connect()
    connection.send(
        request("POST", FILE, {"data": "2"})
        + request("GET", FILE)
        + request("GET", FILE)
        + request("DELETE", FILE)
        + request("GET", FILE)[:-1]
    )
    connection.end_sending()
    answers = connection.answers("POST", "GET", "GET", "DELETE")
    assert [answer.status for answer in answers] == [204, 200, 200, 200]
    assert not connection.transport.connected


def test_a_drain_closes_what_is_idle_and_answers_what_is_under_way(worker: Worker) -> None:
    idle, busy, reading, silent = (worker.connect() for _ in range(4))
    idle.send(request("GET", FILE))
    worker.settle()
    late = request("POST", FILE, {"data": "3"})
    reading.send(late[:-5])
    busy.send(request("POST", FILE, {"data": "2"}) + SMUGGLED)
    ended: list[object] = []
    worker.site.drain(0).addCallback(ended.append)
    worker.flush()
    assert not idle.transport.connected
    assert not silent.transport.connected
    assert ended == []

    [answer] = busy.answers()
    assert (answer.status, answer.header("connection")) == (204, "close")
    assert not busy.transport.connected
    assert ended == []

    reading.send(late[-5:])
    [answer] = reading.answers()
    assert (answer.status, answer.header("connection")) == (204, "close")
    assert ended == [None]
    assert not [call for call in worker.store.calls if isinstance(call, CreateGroup)]
    worker.site.is_draining = False
    assert worker.ask("GET", FILE).body == b"3"


def test_whoever_asked_a_moment_ago_is_told_with_an_answer_that_it_is_the_last_one(worker: Worker) -> None:
    long_ago = worker.connect()
    long_ago.send(request("GET", FILE))
    worker.advance(limits.LAST_SECONDS)
    asks, asks_late, silent, new = (worker.connect() for _ in range(4))
    for connection in (asks, asks_late, silent):
        connection.send(request("GET", FILE))
    worker.settle()
    ended: list[object] = []
    worker.site.drain(limits.LAST_SECONDS).addCallback(ended.append)
    worker.flush()
    assert not long_ago.transport.connected
    for connection in (asks, new):
        connection.send(request("POST", FILE, {"data": "2"}))
    assert [answer.header("connection") for answer in asks.answers()] == [None, "close"]
    assert [answer.header("connection") for answer in new.answers()] == ["close"]
    assert silent.transport.connected
    worker.advance(limits.LAST_SECONDS / 2)
    asks_late.send(request("POST", FILE, {"data": "2"}))
    assert [answer.header("connection") for answer in asks_late.answers()] == [None, "close"]
    assert ended == []
    worker.advance(limits.LAST_SECONDS / 2 + 1)
    assert ended == [None]


def test_a_drain_without_connections_is_over_at_once(worker: Worker) -> None:
    ended: list[object] = []
    worker.site.drain(0).addCallback(ended.append)
    assert ended == [None]


def test_a_drain_does_not_wait_for_slow_clients_for_ever(worker: Worker) -> None:
    slow_headers, slow_body, refused = (worker.connect() for _ in range(3))
    slow_headers.send(b"GET / HT")
    slow_body.send(request("POST", FILE, headers=[("Content-Length", "100")]))
    refused.send(b"nonsense\r\n\r\n")
    ended: list[object] = []
    worker.site.drain(0).addCallback(ended.append)
    worker.advance(limits.BODY_SECONDS + 3)
    assert ended == [None]


def test_what_is_left_when_the_time_is_up_is_cut_off(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("POST", FILE, headers=[("Content-Length", "100")]))
    ended: list[object] = []
    worker.site.drain(0).addCallback(ended.append)
    worker.site.abort()
    worker.flush()
    assert connection.transport.aborted
    assert ended == [None]
