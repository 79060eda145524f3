"""Who is too slow, or silent, is cut off; who only waits for the store is not."""

from __future__ import annotations

import json

import pytest

from sessionworker.http import limits
from tests.memory import Worker, request
from tests.site.words import BODY_SIZE, FILE, chunked, seconds_until_closed


def test_a_connection_that_sends_nothing_is_closed(worker: Worker) -> None:
    assert seconds_until_closed(worker, worker.connect()) <= limits.HEADER_SECONDS + 1


@pytest.mark.parametrize(("each_second", "every"), [(b"A: b\r\n", 9), (b"x", 9), (b"x", 1), (b"\r\n", 50)])
def test_headers_that_come_too_slowly_are_cut_off(worker: Worker, each_second: bytes, every: int) -> None:
    connection = worker.connect()
    connection.send(b"GET / HTTP/1.1\r\nHost: ")
    lived = seconds_until_closed(worker, connection, each_second, every)
    assert limits.HEADER_SECONDS <= lived <= limits.HEADER_SECONDS + 1


def test_slow_headers_of_a_later_request_are_cut_off_as_those_of_the_first(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("GET", FILE))
    assert [answer.status for answer in connection.answers()] == [200]
    worker.advance(30)
    connection.send(b"G")
    assert seconds_until_closed(worker, connection, b"E", 9) <= limits.HEADER_SECONDS + 1
    connection = worker.connect()
    connection.send(request("GET", FILE) + b"GET ")  # the next one begins before this one is answered
    assert [answer.status for answer in connection.answers()] == [200]
    assert seconds_until_closed(worker, connection, b"/", 9) <= limits.HEADER_SECONDS + 1


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_a_body_that_comes_too_slowly_is_cut_off(worker: Worker, how: str) -> None:
    connection = worker.connect()
    if how == "length":
        connection.send(request("POST", FILE, headers=[("Content-Length", str(BODY_SIZE))]))
        lived = seconds_until_closed(worker, connection, b"x", 9)
    else:
        connection.send(chunked(end=b""))
        lived = seconds_until_closed(worker, connection, b"1\r\nx\r\n", 9)
    allowed = limits.BODY_SECONDS + BODY_SIZE / limits.SLOWEST_BODY
    assert limits.BODY_SECONDS <= lived <= allowed + 2
    assert worker.store.calls == []


def test_a_large_body_on_a_slow_line_has_the_time_it_needs(worker: Worker) -> None:
    connection = worker.connect()
    body = json.dumps({"data": json.dumps("x" * 190_000)}).encode()
    connection.send(request("POST", FILE, headers=[("Content-Length", str(len(body)))]))
    for start in range(0, len(body), 10_000):
        worker.advance(1)
        connection.send(body[start : start + 10_000])
    assert [answer.status for answer in connection.answers()] == [204]


def test_an_idle_connection_outlives_the_clients_own_limit_and_is_closed_later(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("GET", FILE))
    worker.settle()
    worker.advance(limits.IDLE_SECONDS - 5)
    assert connection.is_open
    connection.send(request("GET", FILE))
    assert [answer.status for answer in connection.answers()] == [200, 200]
    assert limits.IDLE_SECONDS <= seconds_until_closed(worker, connection) <= limits.IDLE_SECONDS + 1
    assert limits.IDLE_SECONDS > 60  # Node keeps an idle connection for 5 s, many proxies for 60


def test_a_request_under_way_is_not_cut_off_however_long_the_store_takes(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("POST", FILE, {"data": "2"}))
    for _ in range(1000):
        worker.reactor.advance(1)
    assert connection.transport.connected
    assert [answer.status for answer in connection.answers()] == [204]


def test_a_connection_that_does_not_close_when_told_is_cut_off(worker: Worker) -> None:
    connection = worker.connect()
    connection.transport.is_stuck = True
    worker.advance(limits.HEADER_SECONDS + 1)
    assert connection.transport.connected
    worker.advance(limits.FAREWELL_SECONDS + 1)
    assert connection.transport.aborted
    assert not connection.transport.connected
