"""The server itself: broken HTTP, limits in bytes and in seconds, and an end that answers what is under way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.http import limits
from sessionworker.stores.changes import CreateGroup
from tests.answers import Answer
from tests.memory import Connection, Worker, request

FILE = "/session/codechat/sales/session-1"
BODY_SIZE = 200_000
SMUGGLED = request("POST", "/session", {"group": "smuggled"})


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store", body_size=BODY_SIZE) as running:
        running.ask("POST", "/session/codechat", {"instance": "sales"})
        running.ask("POST", FILE, {"data": "1"})
        running.store.calls.clear()
        yield running


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = request("POST", FILE, headers=[("Transfer-Encoding", "chunked")])
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def assert_refused_and_closed(worker: Worker, data: bytes, status: int) -> Answer:
    """Send bytes, and something that must not be obeyed after them, at once and in pieces."""
    messages = set()
    for size in (len(data) + len(SMUGGLED), 1000, 17):
        connection = worker.connect()
        everything = data + SMUGGLED
        for start in range(0, len(everything), size):
            connection.send(everything[start : start + size])
        [answer] = connection.answers()
        assert answer.status == status
        assert answer.header("connection") == "close"
        assert not connection.is_open
        messages.add(answer.message)
    assert len(messages) == 1
    assert worker.store.calls == []
    return answer


# Broken HTTP


HEAD = f"POST {FILE} HTTP/1.1\r\nHost: worker\r\napikey: the-token-of-the-tests\r\n"


@pytest.mark.parametrize(
    "data",
    [
        "nonsense\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/0.9\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / http/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET /a b HTTP/1.1\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        " / HTTP/1.1\r\n\r\n",
        "GET /\xff HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\r\n\r\n",
        HEAD + "no colon\r\n\r\n",
        HEAD + "no colon\r\nAfter: it\r\n\r\n",
        HEAD + "bad name : x\r\n\r\n",
        HEAD + ": no name\r\n\r\n",
        HEAD + "A: nul \x00\r\n\r\n",
        HEAD + "A: nul \x00\r\nB: c\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + "Content-Length: x\r\n\r\n",
        HEAD + "Content-Length: -1\r\n\r\n",
        HEAD + "Content-Length: +5\r\nA: b\r\n\r\n",
        HEAD + "Content-Length: \r\nA: b\r\n\r\n",
        HEAD + "Content-Length: 5, 5\r\n\r\n",
        HEAD + "Content-Length: 0x5\r\n\r\n",
        HEAD + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + "Content-Length: 2\r\nContent-Length: 60\r\nA: b\r\n\r\n{}",
        HEAD + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\nA: b\r\n\r\n0\r\n\r\n",
        HEAD + "Transfer-Encoding: gzip\r\n\r\n",
        HEAD + "Transfer-Encoding: chunked, chunked\r\n\r\n",
        HEAD + "Transfer-Encoding: gzip\r\nExpect: 100-continue\r\n\r\n",
        HEAD + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        HEAD + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n",
        HEAD + "Transfer-Encoding: chunked\r\n\r\n5 ;\x00\r\nhello\r\n",
        HEAD + "Transfer-Encoding: chunked\r\n\r\n" + "f" * 5000 + "\r\n",
        HEAD + "A: b\r\n" * 101 + "\r\n",
        HEAD + f"A: {'b' * 20_000}\r\n\r\n",
        HEAD + f"A: {'b' * 5_000}\r\n" * 4 + "\r\n",
        f"GET /{'b' * 20_000} HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_in_json_and_nothing_after_it_is_obeyed(worker: Worker, data: str) -> None:
    answer = assert_refused_and_closed(worker, data.encode("latin-1"), 400)
    assert "well formed" in answer.message


def test_a_line_that_never_ends_is_cut_off(worker: Worker) -> None:
    connection = worker.connect()
    for _ in range(20):
        connection.send(b"a" * 1000)
    [answer] = connection.answers()
    assert answer.status == 400
    assert not connection.is_open


def test_what_came_well_before_something_broken_is_answered_first(worker: Worker) -> None:
    answers = worker.raw(request("POST", FILE, {"data": "2"}) + request("GET", FILE) + b"nonsense\r\n\r\n" + SMUGGLED)
    assert [answer.status for answer in answers] == [204, 200, 400]
    assert not [call for call in worker.store.calls if isinstance(call, CreateGroup)]


def test_a_refused_client_has_its_answer_before_the_connection_ends_and_time_to_read_it(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(b"nonsense\r\n\r\n")
    assert connection.transport.ended_writing  # its end is said,
    assert connection.transport.connected  # but what the client still sends is not answered with a reset
    connection.send(b"x" * 1_000_000)
    assert limits.FAREWELL_SECONDS <= seconds_until_closed(worker, connection) <= limits.FAREWELL_SECONDS + 1
    assert len(connection.answers()) == 1


# Limits in bytes


def test_a_body_of_just_the_limit_is_taken(worker: Worker) -> None:
    body = json.dumps({"data": json.dumps("x" * (BODY_SIZE - 16))}).encode()
    assert len(body) == BODY_SIZE
    assert worker.ask("POST", FILE, body).status == 204
    [answer] = worker.raw(chunked(body[:100], body[100:1000], body[1000:]))
    assert answer.status == 204


@pytest.mark.parametrize("length", [BODY_SIZE + 1, 40 * 2**20, 10**30])
def test_a_body_over_the_limit_is_413_before_it_comes(worker: Worker, length: int) -> None:
    for expect in ([], [("Expect", "100-continue")]):
        head = request("POST", FILE, headers=[("Content-Length", str(length)), *expect])
        answer = assert_refused_and_closed(worker, head, 413)
        assert "0.190735 MiB" in answer.message
        assert "BODY_SIZE" in answer.message


def test_a_chunked_body_over_the_limit_is_413_when_it_has_come_so_far(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(chunked(end=b""))
    sent = 0
    while connection.is_open:
        connection.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        sent += 10_000
        assert sent <= BODY_SIZE + 10_000
    [answer] = connection.answers()
    assert answer.status == 413
    assert_refused_and_closed(worker, chunked(b"x" * (BODY_SIZE + 1)), 413)


def test_a_body_over_the_limit_leaves_the_old_value(worker: Worker) -> None:
    assert worker.ask("POST", FILE, {"data": json.dumps("x" * BODY_SIZE)}).status == 413
    assert worker.ask("GET", FILE).body == b"1"


def test_a_client_that_sends_on_after_a_413_is_not_kept_in_memory(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("POST", FILE, headers=[("Content-Length", str(40 * 2**20))]))
    for _ in range(20):
        connection.send(b"x" * 2**20)
    assert connection.channel._buffer == b""
    assert sum(map(len, connection.channel._dataBuffer)) == 0
    assert [answer.status for answer in connection.answers()] == [413]


def test_a_chunked_body_is_as_good_as_one_with_its_length(worker: Worker) -> None:
    body = json.dumps({"data": '"é"'}, ensure_ascii=False).encode()
    for chunks in ([body], [body[:1], body[1:]], [bytes([byte]) for byte in body]):
        assert [answer.status for answer in worker.raw(chunked(*chunks) + request("GET", FILE))] == [204, 200]
    assert worker.ask("GET", FILE).body == '"é"'.encode()


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("POST", FILE, headers=[("Content-Length", "13"), ("Expect", "100-continue")]))
    assert [answer.status for answer in connection.answers()] == [100]
    connection.send(b'{"data": "2"}')
    assert [answer.status for answer in connection.answers()] == [100, 204]
    assert connection.is_open


# Limits in seconds


def seconds_until_closed(worker: Worker, connection: Connection, each_second: bytes = b"", every: int = 1) -> int:
    """Let time pass, with bytes sent now and then, and return how long the connection lived."""
    for second in range(1, 2000):
        worker.advance(1)
        if not connection.transport.connected:
            return second
        if second % every == 0:
            connection.send(each_second)
    raise AssertionError("the connection was never closed")


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


# The end


def test_a_drain_closes_what_is_idle_and_answers_what_is_under_way(worker: Worker) -> None:
    idle, busy, reading, silent = (worker.connect() for _ in range(4))
    idle.send(request("GET", FILE))
    worker.settle()
    late = request("POST", FILE, {"data": "3"})
    reading.send(late[:-5])
    busy.send(request("POST", FILE, {"data": "2"}) + SMUGGLED)
    ended: list[object] = []
    worker.site.drain().addCallback(ended.append)
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


def test_a_drain_without_connections_is_over_at_once(worker: Worker) -> None:
    ended: list[object] = []
    worker.site.drain().addCallback(ended.append)
    assert ended == [None]


def test_a_drain_does_not_wait_for_slow_clients_for_ever(worker: Worker) -> None:
    slow_headers, slow_body, refused = (worker.connect() for _ in range(3))
    slow_headers.send(b"GET / HT")
    slow_body.send(request("POST", FILE, headers=[("Content-Length", "100")]))
    refused.send(b"nonsense\r\n\r\n")
    ended: list[object] = []
    worker.site.drain().addCallback(ended.append)
    worker.advance(limits.BODY_SECONDS + 3)
    assert ended == [None]


def test_what_is_left_when_the_time_is_up_is_cut_off(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("POST", FILE, headers=[("Content-Length", "100")]))
    ended: list[object] = []
    worker.site.drain().addCallback(ended.append)
    worker.site.abort()
    worker.flush()
    assert connection.transport.aborted
    assert ended == [None]
