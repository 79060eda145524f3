"""What is not HTTP is refused in words, and nothing after it is obeyed."""

from __future__ import annotations

import pytest

from sessionworker.http import limits
from sessionworker.stores.changes import CreateGroup
from tests.memory import Worker, request
from tests.site.words import FILE, SMUGGLED, assert_refused_and_closed, seconds_until_closed

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
        HEAD + "Transfer-Encoding: identity\r\n\r\n",
        HEAD + "Content-Length: 2\r\nTransfer-Encoding: Identity\r\n\r\n{}",
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
