"""A page in an operator's browser gets nothing here, whatever it has the browser send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory import Worker, request

HOSTS = frozenset({"sessionworker", "worker.example.com"})


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store", hosts=HOSTS) as running:
        yield running


def status_for(worker: Worker, host: str, method: str = "GET", path: str = "/metrics") -> int:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"apikey: {worker.token}", "", ""]
    [answer] = worker.raw("\r\n".join(lines).encode("latin-1"), method)
    return answer.status


@pytest.mark.parametrize(
    "host",
    ["sessionworker", "sessionworker:5656", "Worker.Example.Com.", "127.0.0.1:5656", "10.0.0.7", "[::1]:5656", "[::1]"],
)
def test_its_names_and_all_addresses_may_be_asked_for(worker: Worker, host: str) -> None:
    assert status_for(worker, host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "sessionworker.evil.example", "localhost", "127.0.0.1.evil.example", "1e100", "é", "a:b:c"]
)
def test_a_page_that_has_its_own_name_lead_here_gets_nothing(worker: Worker, host: str) -> None:
    for method, path in (("GET", "/metrics"), ("OPTIONS", "/ping"), ("GET", "/health"), ("POST", "/session")):
        assert status_for(worker, host, method, path) == 421
    assert worker.store.calls == []


def test_without_a_list_any_name_will_do(tmp_path: Path) -> None:
    with Worker(tmp_path / "store") as worker:
        assert status_for(worker, "evil.example") == 200


def test_no_answer_allows_another_origin_or_names_a_version(worker: Worker) -> None:
    origin = [("Origin", "http://evil.example"), ("Access-Control-Request-Method", "DELETE")]
    requests = [
        request("OPTIONS", "/session/codechat/sales/creds", headers=origin),
        request("OPTIONS", "/ping", headers=origin),
        request("GET", "/metrics", headers=origin),
        request("GET", "/nothing", headers=origin),
        request("GET", "/metrics", headers=origin, token=None),
        request("POST", "/session", b"x" * 70_000, headers=origin, token=None),
        b"nonsense\r\n\r\n",
    ]
    for data in requests:
        for answer in worker.raw(data.replace(b"Host: worker", b"Host: sessionworker")):
            names = {name.lower() for name, _ in answer.headers}
            assert not {name for name in names if name.startswith("access-control")}
            assert not names & {"server", "x-powered-by", "via", "set-cookie"}
            assert answer.header("x-content-type-options") == "nosniff"
            assert answer.header("cache-control") == "no-store"


def test_a_browser_that_asks_beforehand_is_told_no(worker: Worker) -> None:
    asks = [
        ("Origin", "http://evil.example"),
        ("Access-Control-Request-Headers", "apikey,content-type"),
        ("Access-Control-Request-Private-Network", "true"),
    ]
    for method in ("GET", "POST", "DELETE"):
        for path in ("/session", "/session/codechat/sales/creds", "/admin/groups/codechat", "/metrics", "/ping"):
            headers = [("Host", "sessionworker"), *asks, ("Access-Control-Request-Method", method)]
            lines = [f"OPTIONS {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
            [answer] = worker.raw("\r\n".join(lines).encode())
            assert not {name.lower() for name, _ in answer.headers} & {"access-control-allow-origin", "allow"}
            assert answer.status == (200 if path == "/ping" else 401)
    assert worker.store.calls == []


def test_what_a_page_can_send_without_asking_does_nothing(worker: Worker) -> None:
    """A form, an image, a beacon: no header of its own but a type of the content, a password in the address at most."""
    simple = [("Content-Type", "text/plain"), ("Cookie", "a=b"), ("Authorization", "Basic dTpw")]
    for method, path, body in (
        ("POST", "/session", {"group": "codechat"}),
        ("POST", "/session/codechat", {"instance": "sales"}),
        ("POST", "/admin/checkpoint", None),
        ("GET", "/metrics", None),
        ("HEAD", "/admin/overview", None),
    ):
        data = request(method, path, body, token=None, headers=simple).replace(b"Host: worker", b"Host: sessionworker")
        [answer] = worker.raw(data, method)
        assert answer.status == 401
        # A browser would ask its user for a password where Basic or Digest is offered.
        assert answer.header("www-authenticate") == "apikey, Bearer"
    assert worker.store.calls == []


def test_a_request_is_never_sent_back_and_no_other_protocol_is_taken_up(worker: Worker) -> None:
    headers = [("Upgrade", "h2c, websocket"), ("Connection", "Upgrade"), ("X-Mark", "m4rk")]
    for method in ("TRACE", "CONNECT", "GET", "OPTIONS"):
        for token in (worker.token, None):
            data = request(method, "/m4rk", token=token, headers=headers)
            [answer] = worker.raw(data.replace(b"Host: worker", b"Host: sessionworker"), method)
            assert answer.status in {401, 404, 405}
            assert b"m4rk" not in answer.body
            assert "upgrade" not in {name.lower() for name, _ in answer.headers}
            assert answer.header("content-type") == "application/json"
