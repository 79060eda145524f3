"""Requests whose headers are known: they are answered as if they were read line by line, only sooner."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from twisted.web.http import HTTPChannel

from sessionworker.http import heads, limits
from sessionworker.http.heads import KnownHeaders, read_head
from sessionworker.http.limits import Bodies
from tests.memory import Worker, request

CREDS = "/session/codechat/sales/creds"
TOKEN = "apikey: the-token-of-the-tests"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        running.ask("POST", "/session/codechat", {"instance": "sales"})
        yield running


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1")


# What a head is


def test_a_head_is_read_up_to_its_body() -> None:
    data = head("POST /a HTTP/1.1", "Host: b", "Content-Length: 2", "apikey: c") + b"{}GET"
    found = read_head(data)
    assert found is not None
    assert (found.method, found.path) == (b"POST", b"/a")
    assert (found.lines, found.length) == (b"\r\nHost: b\r\napikey: c\r\n\r\n", 2)
    assert data[found.end :] == b"{}GET"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET",
        b"GET /a HTTP/1.1\r\n",
        b"GET /a HTTP/1.1\r\nHost: b\r\n",  # not whole
        b"GET /a HTTP/1.1\nHost: b\n\n",
        b"GET /a\x7f HTTP/1.1\r\nHost: b\r\n\r\n",
        b"GET /a?b HTTP/1.1\r\nHost: b\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: b\r\n\r\n",
        b"GET /a HTTP/1.0\r\nHost: b\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: b\r\n\r\n",
        b"PUT /a HTTP/1.1\r\nHost: b\r\n\r\n",
        b"\r\nGET /a HTTP/1.1\r\nHost: b\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: " + b"b" * heads.LARGEST_HEAD + b"\r\n\r\n",
    ],
)
def test_any_other_form_is_left_to_the_reading_line_by_line(data: bytes) -> None:
    assert read_head(data) is None


@pytest.mark.parametrize("word", ["trace", "session", "x-forwarded-a", "accept-a", "a"])
def test_a_stranger_s_head_takes_no_longer_to_look_through_whatever_he_calls_his_headers(word: str) -> None:
    found = read_head(head(f"GET {CREDS} HTTP/1.1", "Host: a", word * ((heads.LARGEST_HEAD - 100) // len(word))))
    assert found is not None
    assert min(seconds_of(KnownHeaders(b"apikey").get, found) for _ in range(5)) < 0.005


def seconds_of(function: Callable[..., object], *arguments: object) -> float:
    """The processor's seconds that a call takes."""
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


# What it is good for


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The lines that were read one by one."""
    found: list[bytes] = []
    read_line = HTTPChannel.lineReceived

    def note_line(channel: HTTPChannel, line: bytes) -> None:
        found.append(line)
        read_line(channel, line)

    monkeypatch.setattr(HTTPChannel, "lineReceived", note_line)
    return found


def test_known_headers_are_not_read_again(worker: Worker, lines: list[bytes]) -> None:
    connection = worker.connect()
    for number in range(10):
        connection.send(request("POST", f"{CREDS}-{number}", {"data": str(number)}, headers=[("X-Odd", "new")]))
        assert connection.answers()[-1].status == 204
        assert len([line for line in lines if line.startswith(b"POST")]) == 1
    known = len(lines)
    worker.connect().send(request("POST", CREDS, {"data": "1"}, headers=[("X-Odd", "new")]))
    assert len(lines) == known


def test_the_length_of_a_body_is_no_new_header(worker: Worker, lines: list[bytes]) -> None:
    connection = worker.connect()
    for number in (1, 2, 30, 4000, 5):
        value = json.dumps("x" * number)
        connection.send(request("POST", f"{CREDS}-0", {"data": value}, headers=[("X-Odd", "new")]))
        connection.send(request("GET", f"{CREDS}-0", headers=[("X-Odd", "new")]))
        assert connection.answers(*["POST", "GET"] * 5)[-1].body == value.encode()
    assert len([line for line in lines if line.startswith((b"POST", b"GET"))]) == 2


@pytest.mark.parametrize("name", ["traceparent", "X-Request-Id", "x-b3-traceid", "User-Agent", "X-Correlation-ID"])
def test_a_number_of_its_own_for_each_request_is_no_new_header(worker: Worker, lines: list[bytes], name: str) -> None:
    connection = worker.connect()
    for number in range(10):
        connection.send(request("POST", CREDS, {"data": "{}"}, headers=[("X-Odd", "new"), (name, f"{number}")]))
        assert connection.answers()[-1].status == 204
    assert len([line for line in lines if line.startswith(b"POST")]) == 1


def test_requests_that_come_in_one_packet_are_answered_in_their_order(worker: Worker) -> None:
    for known in (False, True):
        connection = worker.connect()
        connection.send(
            request("POST", CREDS, {"data": json.dumps({"known": known})})
            + request("GET", CREDS)
            + request("GET", f"{CREDS}-none")
            + request("DELETE", CREDS)
            + request("GET", CREDS)
        )
        answers = connection.answers("POST", "GET", "GET", "DELETE", "GET")
        assert [answer.status for answer in answers] == [204, 200, 404, 200, 404]
        assert answers[1].json == {"known": known}


@pytest.mark.parametrize("size", [1, 10, 200])
def test_a_body_that_comes_later_is_waited_for(worker: Worker, size: int) -> None:
    data = request("POST", CREDS, {"data": '{"a":1}'})
    for known in (False, True):
        connection = worker.connect()
        connection.send(data[:-size])
        assert connection.answers_so_far() == []
        connection.send(data[-size:])
        assert [answer.status for answer in connection.answers()] == [204], known


def test_a_client_that_says_it_closes_is_closed(worker: Worker) -> None:
    for _ in range(2):
        connection = worker.connect()
        connection.send(request("GET", CREDS, headers=[("Connection", "close")]))
        assert connection.answers()[0].header("connection") == "close"
        assert not connection.is_open


def test_a_body_that_there_is_no_room_for_is_refused(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    worker.site.bodies = Bodies(100)
    data = request("POST", CREDS, {"data": json.dumps({"pad": "x" * 50})})
    connection = worker.connect()
    connection.send(data)
    assert [answer.status for answer in connection.answers()] == [204]
    worker.connect().send(data[:-1])  # its body is expected, and counts
    connection.send(data)
    assert [answer.status for answer in connection.answers()] == [204, 503]


# What is remembered


def test_nothing_is_remembered_for_a_stranger(worker: Worker) -> None:
    known = len(worker.site.known_headers)
    for token in (None, "wrong"):
        for _ in range(2):
            connection = worker.connect()
            connection.send(request("GET", CREDS, token=token, headers=[("X-New", "1")]))
            assert connection.answers()[0].status == 401
    assert len(worker.site.known_headers) == known


def test_what_is_remembered_is_bounded(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MOST_KNOWN", 10)
    connection = worker.connect()
    for number in range(35):
        connection.send(request("GET", CREDS, headers=[("X-New", str(number))]))
        connection.send(request("GET", CREDS))  # which is forgotten and remembered again
    assert 0 < len(worker.site.known_headers) <= heads.MOST_KNOWN
    assert {answer.status for answer in connection.answers()} == {404}


@pytest.mark.parametrize("first", ["Content-Length: 0", "traceparent: 00-1"])
def test_a_line_taken_out_does_not_let_another_continue_the_one_before(worker: Worker, first: str) -> None:
    continued = head(f"GET {CREDS} HTTP/1.1", TOKEN, " 2", "Host: a")
    between = head(f"GET {CREDS} HTTP/1.1", TOKEN, first, " 2", "Host: a")
    statuses = []
    for data in (between, continued, between):
        connection = worker.connect()
        connection.send(data)
        statuses.append(connection.answers()[0].status)
    assert statuses[0] == statuses[2]
    assert statuses[1] == 401  # the token has a continuation


@pytest.mark.parametrize(
    "length", ["Content-Length:  0", "Content-Length:\t0", "Content-Length: 0 ", "content-length: 0000000000000"]
)
def test_a_second_length_is_never_overlooked_however_the_first_is_spelled(worker: Worker, length: str) -> None:
    attack = head(f"POST {CREDS} HTTP/1.1", "Host: a", TOKEN, length, "Content-Length: 13") + b'{"data":"{}"}'
    assert [answer.status for answer in worker.raw(attack)] == [400]
    worker.raw(head(f"GET {CREDS} HTTP/1.1", "Host: a", TOKEN, length))  # taken, and perhaps remembered
    assert [answer.status for answer in worker.raw(attack)] == [400]


def test_no_more_headers_are_taken_where_some_of_them_are_known(worker: Worker) -> None:
    few = head(f"GET {CREDS} HTTP/1.1", "Host: a", TOKEN, *["X:"] * (limits.MOST_HEADERS - 2))
    more = [
        head(f"GET {CREDS} HTTP/1.1", "Host: a", TOKEN, *["X:"] * (limits.MOST_HEADERS - 2), "Content-Length: 0"),
        head(f"GET {CREDS} HTTP/1.1", "Host: a", TOKEN, *["Accept:"] * (limits.MOST_HEADERS - 1)),
    ]
    for _ in range(2):
        worker.raw(head(f"GET {CREDS} HTTP/1.1", "Host: a", TOKEN))
        assert [answer.status for answer in worker.raw(few)] == [404]
        for data in more:
            assert [answer.status for answer in worker.raw(data)] == [400]


# The same answer, known or not

names = st.sampled_from(
    ["Host", "Accept", "Content-Type", "Connection", "Expect", "Cookie", "X-Odd", "Traceparent", "X-Request-Id"]
) | st.sampled_from(["Content-Length", "content-length", "Transfer-Encoding", "apikey", "", "X Y", "X-\x00"])
values = st.sampled_from(
    [
        "wrong",
        "",
        "1",
        "9",
        "10",
        "-1",
        "1, 1",
        "0",
        "chunked",
        "close",
        "keep-alive",
        "100-continue",
        "the-token-of-the-tests",
    ]
) | st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=10)
separators = st.sampled_from([": ", ":", " : ", ":\t"])
header_lines = st.lists(st.tuples(names, separators, values).map("".join), max_size=4)
request_lines = st.builds(
    "{} {} HTTP/{}".format,
    st.sampled_from(["GET", "POST", "DELETE", "HEAD", "OPTIONS", "get", ""]),
    st.sampled_from([CREDS, "/ping", "/session", "/session/codechat/sales", "*", "/é", f"{CREDS}?a", "//", ""]),
    st.sampled_from(["1.1", "1.1", "1.1", "1.0", "2"]),
)
bodies = st.sampled_from([b"", b"1", b'{"data":"1"}', b"1\r\nx\r\n0\r\n\r\n"])


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(request_lines, header_lines, bodies, st.booleans())
@example(f"GET {CREDS} HTTP/1.1", ["Transfer-Encoding: chunked"], b"0\r\n\r\n", True)
@example(f"POST {CREDS} HTTP/1.1", ["Expect: 100-continue"], b'{"data":"1"}', True)
@example(f"POST {CREDS} HTTP/1.1", ["content-length : 12"], b'{"data":"1"}', True)
def test_a_request_has_the_same_answer_however_it_comes(
    worker: Worker, line: str, headers: list[str], body: bytes, has_length: bool
) -> None:
    length = [f"Content-Length: {len(body)}"] if has_length else []
    data = head(line, TOKEN, *headers, *length) + body
    outcomes = []
    for sizes in ((len(data), len(data)), (7,)):  # whole, and whole again when it is known; in pieces
        for size in sizes:
            worker.store.calls.clear()
            connection = worker.connect()
            for start in range(0, len(data), size):
                connection.send(data[start : start + size])
            worker.settle()
            outcomes.append((bytes(connection.transport.received), connection.is_open, list(worker.store.calls)))
            connection.close()
    assert outcomes[0] == outcomes[1] == outcomes[2]
