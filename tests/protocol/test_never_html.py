"""Whatever is asked, the answer is JSON or plain text, and what fails unforeseen is an error in JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionworker.errors import WorkerError
from sessionworker.stores.changes import CreateGroup
from tests.memory import Worker, request
from tests.protocol.words import CREDS, SALES, assert_store_is_as_it_was, with_one_worker

METHODS = st.sampled_from(
    ("GET", "POST", "DELETE", "OPTIONS", "HEAD", "PUT", "PATCH", "get", "CONNECT", "TRACE", "<b>")
)

PIECES = st.sampled_from(
    [
        *("/", "//", "session", "ping", "codechat", "sales", "creds", "list-instances", "<script>", "http:", "a" * 300),
        *("/admin", "/groups", "/instances", "/versions", "/restore", "/drops", "/metrics", "/health"),
        *(
            "..",
            ".",
            "%",
            "%2F",
            "%2e",
            "%00",
            "%ff",
            "%C3%A9",
            "\xa3",
            "?",
            "#",
            "*",
            ";",
            "=",
            "&",
            "+",
            ":",
            "@",
            '"',
        ),
    ]
)

PATHS = st.lists(PIECES, min_size=1, max_size=8).map("".join) | st.lists(PIECES, max_size=4).map(
    lambda pieces: "/session/codechat/sales/" + "".join(pieces)
)

BODIES = st.none() | st.binary(max_size=40) | st.sampled_from([b"{}", b'{"group":"codechat"}', b'{"data":"<p>"}'])

HEADERS = st.lists(
    st.sampled_from(
        [
            ("Host", "a..b"),
            ("Host", "<x>"),
            ("Accept", "text/html"),
            ("Expect", "100-continue"),
            ("Content-Type", "multipart/form-data; boundary=x"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", "a=b; c"),
            ("Authorization", "Basic !!!"),
            ("Range", "bytes=0-1"),
            ("If-Modified-Since", "never"),
            ("If-None-Match", "*"),
            ("Connection", "close"),
            ("Upgrade", "websocket"),
            ("X-Forwarded-Host", "evil"),
        ]
    ),
    max_size=3,
)


HEADER_NAMES = {
    "date",
    "content-type",
    "content-length",
    "allow",
    "www-authenticate",
    "connection",
    "x-content-type-options",
    "cache-control",
}


@settings(with_one_worker, max_examples=500)
@given(
    METHODS,
    PATHS,
    BODIES,
    HEADERS,
    st.sampled_from(["right", "wrong", None]),
    st.sampled_from(["1.1", "1.0"]),
)
def test_no_answer_is_ever_html(
    worker: Worker,
    method: str,
    path: str,
    body: bytes | None,
    headers: list[tuple[str, str]],
    token: str | None,
    version: str,
) -> None:
    """`read_answers` asserts the form of each answer: JSON or plain text with its length, or nothing at all."""
    token = worker.token if token == "right" else token
    answers = worker.raw(request(method, path, body, headers=headers, token=token, version=version), method)
    if answers and answers[0].status == 100:
        del answers[0]
    [answer] = answers
    assert answer.status in {200, 204, 400, 401, 404, 405}
    if token != worker.token:
        needs_none = {("OPTIONS", "/ping"), ("GET", "/health"), ("HEAD", "/health")}
        assert answer.status in {400, 401} or (method, path.partition("?")[0]) in needs_none
    for name, value in answer.headers:
        assert name in HEADER_NAMES
        assert "<" not in value
    assert worker.failures == []


HTTP_PIECES = [
    *(
        b"GET ",
        b"POST ",
        b"/session ",
        b"/ping ",
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"HTTP/2.0",
        b"PRI * HTTP/2.0",
        b"apikey: ",
    ),
    *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 70000", b"Transfer-Encoding: chunked"),
    *(b"Transfer-Encoding: gzip", b"5\r\nhello\r\n", b"0\r\n\r\n", b"Expect: 100-continue", b"A: b\r\n" * 101),
    *(b"\r\n", b"\n", b"\r\n\r\n", b":", b"\x00", b" ", b"x" * 20_000),
]


@settings(with_one_worker, max_examples=300)
@given(
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from(HTTP_PIECES),
        max_size=12,
    ).map(b"".join)
)
def test_bytes_that_are_hardly_http_are_answered_in_json_or_not_at_all(worker: Worker, data: bytes) -> None:
    for answer in worker.raw(data + b"\r\n\r\n"):
        assert answer.status in {100, 400, 401, 404}
    assert worker.failures == []
    assert not [call for call in worker.store.calls if isinstance(call, CreateGroup)]


@pytest.mark.parametrize(
    "host", ["a..b", "", "[::1", "x:y:z", "a b", "/", "☎".encode().decode("latin-1"), "a" * 5000, "evil.example", "%00"]
)
def test_an_odd_host_header_changes_nothing(worker: Worker, host: str) -> None:
    for path, status in ((CREDS, 200), ("/nothing", 404), ("/session", 405)):
        data = request("GET", path).replace(b"Host: worker", b"Host: " + host.encode("latin-1"))
        [answer] = worker.raw(data)
        assert answer.status == status
        assert host in {"", "/"} or host.encode("latin-1") not in answer.body
        assert answer.header("location") is None


def test_a_store_that_fails_in_an_unforeseen_way_is_500_in_json_and_the_next_request_is_served(worker: Worker) -> None:
    def fail(*_: object) -> Any:
        raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        for method in ("commit", "read", "recall", "instances"):
            patch.setattr(worker.store, method, fail, raising=True)
        for how, path, body in (
            ("GET", CREDS, None),
            ("GET", "/session/codechat/list-instances", None),
            ("POST", CREDS, {"data": "1"}),
            ("DELETE", CREDS, None),
            ("DELETE", SALES, None),
            ("POST", "/session", {"group": "a"}),
            ("POST", "/session/codechat", {"instance": "a"}),
        ):
            answer = worker.ask(how, path, body)
            assert (answer.status, answer.message) == (500, WorkerError.message)
    assert any("ZeroDivisionError" in text for text in worker.failures)
    worker.failures.clear()
    assert_store_is_as_it_was(worker)
