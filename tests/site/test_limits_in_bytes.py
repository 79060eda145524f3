"""Bodies have a limit, which is known before they come."""

from __future__ import annotations

import json

import pytest

from tests.memory import Worker, request
from tests.server import TOKEN
from tests.site.words import BODY_SIZE, FILE, assert_refused_and_closed, chunked


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


@pytest.mark.parametrize(("token", "status"), [(TOKEN, 413), (None, 401)])
def test_a_refusal_of_a_head_has_no_body_either(worker: Worker, token: str | None, status: int) -> None:
    """RFC 9110, section 9.3.2."""
    for path in (FILE, "/health"):
        head = request("HEAD", path, token=token, headers=[("Content-Length", str(BODY_SIZE + 1))])
        [answer] = worker.raw(head, "HEAD")
        assert (answer.status, answer.header("connection"), answer.body) == (status, "close", b"")


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
