"""Nothing is read, written or listed for a client that does not show the token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sessionworker.stores.changes import Probe
from tests.answers import Answer
from tests.memory import Worker, request
from tests.server import TOKEN

ROUTES: list[tuple[str, str, Any]] = [
    ("POST", "/session", {"group": "new"}),
    ("POST", "/session/codechat", {"instance": "new"}),
    ("POST", "/session/codechat/sales/creds", {"data": "{}"}),
    ("GET", "/session/codechat/sales/creds", None),
    ("HEAD", "/session/codechat/sales/creds", None),
    ("DELETE", "/session/codechat/sales/creds", None),
    ("DELETE", "/session/codechat/sales", None),
    ("GET", "/session/codechat/list-instances", None),
    ("HEAD", "/session/codechat/list-instances", None),
    ("GET", "/admin/groups", None),
    ("HEAD", "/admin/groups", None),
    ("GET", "/admin/groups/codechat/instances", None),
    ("GET", "/admin/groups/codechat/instances/sales/versions", None),
    ("POST", "/admin/groups/codechat/instances/sales/versions/1700000000000-0.0123456789ab.31/restore", None),
    ("GET", "/admin/drops", None),
    ("POST", "/admin/drops/codechat/sales/1700000000000-0/restore", None),
    ("POST", "/admin/drops/codechat/sales/1700000000000-0/restore", {"instance": "new"}),
    ("POST", "/admin/checkpoint", None),
    ("DELETE", "/admin/groups/codechat", None),
]
"""Those that ask something of the store."""

METRICS: list[tuple[str, str, Any]] = [("GET", "/metrics", None), ("HEAD", "/metrics", None)]

NO_ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/ping", None),
    ("POST", "/ping", {}),
    ("POST", "/health", {}),
    ("OPTIONS", "/health", None),
    ("GET", "/health/", None),
    ("GET", "/%68ealth", None),
    ("GET", "/metrics/", None),
    ("GET", "/admin", None),
    ("GET", "/admin/", None),
    ("GET", "/admin/nothing", None),
    ("DELETE", "/admin/drops", None),
    ("options", "/ping", None),
    ("OPTIONS", "/ping/", None),
    ("OPTIONS", "//ping", None),
    ("OPTIONS", "/%70ing", None),
    ("OPTIONS", "/ping%2F..%2Fsession", None),
    ("OPTIONS", "/ping/../session/codechat/list-instances", None),
    ("OPTIONS", "*", None),
    ("OPTIONS", "/session/codechat/sales/creds", None),
    ("GET", "*", None),
    ("GET", "/", None),
    ("GET", "/nothing", None),
    ("GET", "//session/codechat/sales/creds", None),
    ("GET", "/session/codechat/sales/..", None),
    ("GET", "/session/codechat/sales/%FF", None),
    ("GET", "/session/codechat/sales/creds?apikey=TOKEN", None),
    ("PUT", "/session", {}),
    ("DELETE", "/session", None),
    ("POST", "/session", b"{"),
    ("POST", "/session", b"x" * 60_000),
]

NOT_THE_TOKEN: list[list[tuple[str, str]]] = [
    [],
    [("apikey", "")],
    [("apikey", "wrong")],
    [("apikey", "TOKEN-and-more")],
    [("apikey", "token")],
    [("apikey", "TOKEN"), ("apikey", "TOKEN")],
    [("apikey", "TOKEN"), ("apikey", "wrong")],
    [("apikey", "wrong"), ("APIKEY", "TOKEN")],
    [("apikey", ""), ("apikey", "TOKEN")],
    [("apikey", "TOKEN, TOKEN")],
    [("apikey", "TOKEN\xe9")],
    [("apikey", "\xff")],
    [("api-key", "TOKEN")],
    [("Authorization", "TOKEN")],
    [("Authorization", "Basic TOKEN")],
    [("Authorization", "Bearer TOKEN"), ("apikey", "TOKEN")],
    [("Cookie", "apikey=TOKEN")],
]


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        running.ask("POST", "/session/codechat", {"instance": "sales"})
        running.ask("POST", "/session/codechat/sales/creds", {"data": '{"a":1}'})
        running.store.calls.clear()
        yield running


def ask(worker: Worker, method: str, path: str, body: Any, headers: Sequence[tuple[str, str]]) -> Answer:
    shown = [(name, value.replace("TOKEN", worker.token)) for name, value in headers]
    return worker.ask(method, path.replace("TOKEN", worker.token), body, token=None, headers=shown)


@pytest.mark.parametrize("headers", NOT_THE_TOKEN)
def test_every_path_asks_for_the_token_and_does_nothing_without_it(
    worker: Worker, headers: list[tuple[str, str]]
) -> None:
    for method, path, body in [*ROUTES, *METRICS, *NO_ROUTES]:
        answer = ask(worker, method, path, body, headers)
        assert (method, path, answer.status) == (method, path, 401)
        assert answer.header("www-authenticate") is not None
        assert method == "HEAD" or "apikey" in answer.message
        assert worker.token.encode() not in answer.body
    assert worker.store.calls == []
    assert worker.ask("GET", "/session/codechat/list-instances").json == ["sales"]
    assert worker.ask("GET", "/session/codechat/sales/creds").json == {"a": 1}
    assert worker.ask("GET", "/session/new/list-instances").status == 404


@pytest.mark.parametrize(
    "headers", [[("apikey", "TOKEN")], [("APIKEY", " TOKEN ")], [("ApiKey", "TOKEN"), ("apikeys", "x")]]
)
def test_with_the_token_the_same_requests_reach_the_store(worker: Worker, headers: list[tuple[str, str]]) -> None:
    for method, path, body in ROUTES:
        worker.store.calls.clear()
        assert ask(worker, method, path, body, headers).status in {200, 204, 404}  # some remove what others ask for
        assert len(worker.store.calls) > 0, (method, path)


def test_with_the_token_the_metrics_are_shown(worker: Worker) -> None:
    for method, path, body in METRICS:
        assert worker.ask(method, path, body).status == 200


@pytest.mark.parametrize("headers", NOT_THE_TOKEN)
def test_a_health_check_needs_no_token_and_tells_no_details(worker: Worker, headers: list[tuple[str, str]]) -> None:
    answer = ask(worker, "GET", "/health", None, headers)
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert ask(worker, "HEAD", "/health", None, headers).status == 200
    assert worker.store.calls  # the store was asked, and not for any session file
    assert not [call for call in worker.store.calls if call not in {Probe(), "check"}]


@pytest.mark.parametrize("headers", NOT_THE_TOKEN)
def test_a_ping_needs_no_token(worker: Worker, headers: list[tuple[str, str]]) -> None:
    assert ask(worker, "OPTIONS", "/ping", None, headers).body == b"pong"


def test_a_client_that_was_refused_may_try_again_on_the_same_connection(worker: Worker) -> None:
    connection = worker.connect()
    connection.send(request("POST", "/session/codechat/sales/creds", {"data": "2"}, token="wrong"))
    connection.send(request("GET", "/session/codechat/sales/creds", token=None))
    connection.send(request("GET", "/session/codechat/sales/creds"))
    answers = connection.answers()
    assert [answer.status for answer in answers] == [401, 401, 200]
    assert answers[2].json == {"a": 1}
    assert connection.is_open


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_large_body_is_refused_before_it_comes_if_the_token_is_not_there(worker: Worker, token: str | None) -> None:
    for header in (("Content-Length", "100000"), ("Transfer-Encoding", "chunked")):
        for method, path in (("POST", "/session/codechat/sales/creds"), ("POST", "/nothing"), ("OPTIONS", "/ping")):
            connection = worker.connect()
            connection.send(request(method, path, token=token, headers=[header, ("Expect", "100-continue")]))
            [answer] = connection.answers()
            assert answer.status == 401, (method, path, header)
            assert answer.header("connection") == "close"
            assert not connection.is_open
    assert worker.store.calls == []


@pytest.mark.parametrize("token", [None, "wrong"])
@pytest.mark.parametrize("expect", ["100-continue", "100-Continue"])
def test_nobody_is_told_to_continue_whose_token_is_not_there(worker: Worker, token: str | None, expect: str) -> None:
    headers = [("Content-Length", "12"), ("Expect", expect)]
    connection = worker.connect()
    connection.send(request("POST", "/session/codechat/sales/key", token=token, headers=headers))
    [answer] = connection.answers()
    assert (answer.status, answer.header("connection"), connection.is_open) == (401, "close", False)
    assert bytes(connection.transport.received).startswith(b"HTTP/1.1 401 ")
    trusted = worker.connect()
    trusted.send(request("POST", "/session/codechat/sales/key", headers=headers))
    assert bytes(trusted.transport.received).startswith(b"HTTP/1.1 100 Continue")
    trusted.send(b'{"data":"2"}')
    assert [answer.status for answer in trusted.answers()] == [100, 204]


def test_a_health_check_takes_no_query_whoever_asks(worker: Worker) -> None:
    for token in (None, "wrong", TOKEN):
        answer = worker.ask("GET", "/health?x", token=token)
        assert (answer.status, answer.message) == (400, "This path takes no query. A '?' in a key is sent as %3F.")
    assert worker.store.calls == []


def test_a_large_body_that_comes_at_once_without_the_token_is_refused_all_the_same(worker: Worker) -> None:
    body = b'{"data": "' + b"1" * 100_000 + b'"}'
    [answer] = worker.raw(request("POST", "/session/codechat/sales/creds", body, token=None))
    assert answer.status == 401
    chunked = request("POST", "/session/codechat/sales/creds", token=None, headers=[("Transfer-Encoding", "chunked")])
    [answer] = worker.raw(chunked + b"5\r\nhello\r\n0\r\n\r\n")
    assert answer.status == 401
    assert worker.store.calls == []


# Another header for the same token


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Authorization", f"Bearer {TOKEN}")], 200),
        ([("Authorization", f"bearer  {TOKEN}")], 200),
        ([("Authorization", f"Bearer {TOKEN}x")], 401),
        ([("Authorization", "Bearer")], 401),
        ([("Authorization", f"Basic {TOKEN}")], 401),
        ([("Authorization", TOKEN)], 401),
        ([("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")], 401),
        ([("Authorization", f"Bearer {TOKEN}"), ("apikey", TOKEN)], 401),  # which of them is meant?
        ([("Authorization", "Basic of-a-proxy"), ("apikey", TOKEN)], 200),
    ],
)
def test_a_bearer_token_is_as_good_as_an_apikey(worker: Worker, headers: list[tuple[str, str]], status: int) -> None:
    for _ in range(2):  # the second time with headers that are known
        assert worker.ask("GET", "/metrics", token=None, headers=headers).status == status


def test_a_refused_token_is_said_once_a_minute_for_an_address_and_not_what_it_was(worker: Worker) -> None:
    def said() -> int:
        return len([line for line in worker.log if "was refused: it sends no token" in line])

    for token in (None, "wr0ng", "wr0ng"):
        assert worker.ask("GET", "/admin/groups", token=token).status == 401
    assert said() == 1
    worker.advance(61)
    assert worker.ask("GET", "/admin/groups", token="wr0ng").status == 401
    assert worker.ask("GET", "/admin/groups").status == 200
    assert said() == 2
    assert "127.0.0.1" in next(line for line in worker.log if "was refused" in line)
    assert "wr0ng" not in "".join(worker.log)
