"""What does not exist is 404, and what cannot be done to it 405."""

from __future__ import annotations

import pytest

from tests.memory import Worker
from tests.protocol.words import CREDS, SALES, assert_store_is_as_it_was


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{SALES}/pre-key-1", 404),
        ("GET", "/session/codechat/nobody/creds", 404),
        ("GET", "/session/nowhere/sales/creds", 404),
        ("GET", "/session/nowhere/list-instances", 404),
        ("POST", "/session/codechat/nobody/creds", 404),
        ("POST", "/session/nowhere/nobody/creds", 404),
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("POST", "/session/", 404),
        ("POST", "/session/codechat/", 404),
        ("GET", "/sessions", 404),
        ("GET", "/health/", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/admin", 404),
        ("GET", "/admin/groups/", 404),
        ("GET", "/admin/groups/nowhere/instances", 404),
        ("DELETE", "/admin/groups/nowhere", 404),
        ("GET", "/admin/groups/codechat/instances/nobody/versions", 404),
        ("GET", "/admin/groups/nowhere/instances/sales/versions", 404),
        ("GET", "/Session/codechat/list-instances", 404),
        ("OPTIONS", "/ping/", 404),
        ("GET", "/favicon.ico", 404),
        ("GET", "/%00", 404),
        ("OPTIONS", "*", 404),
        ("GET", "*", 404),
        ("GET", "session/codechat/sales/creds", 404),
        ("GET", "//session/codechat/sales/creds", 404),
        ("CONNECT", "worker:5656", 404),
    ],
)
def test_what_does_not_exist_is_404(worker: Worker, method: str, path: str, status: int) -> None:
    body = {"data": "{}"} if method == "POST" else None
    answer = worker.ask(method, path, body)
    assert answer.status == status
    assert "exist" in answer.message or "nothing" in answer.message
    assert_store_is_as_it_was(worker)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/ping", "OPTIONS"),
        ("/session", "POST"),
        ("/session/codechat", "POST"),
        ("/session/codechat/list-instances", "DELETE, GET, HEAD, POST"),
        (SALES, "DELETE, POST"),
        (CREDS, "DELETE, GET, HEAD, POST"),
        (f"{SALES}/a//b/", "DELETE, GET, HEAD, POST"),
        ("/health", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/admin/groups", "GET, HEAD"),
        ("/admin/groups/codechat", "DELETE"),
        ("/admin/groups/codechat/instances", "GET, HEAD"),
        ("/admin/groups/codechat/instances/sales/versions", "GET, HEAD"),
        ("/admin/groups/codechat/instances/sales/versions/1-0.0123456789ab.31/restore", "POST"),
        ("/admin/checkpoint", "POST"),
        ("/admin/drops", "GET, HEAD"),
        ("/admin/drops/codechat/sales/1-0/restore", "POST"),
    ],
)
def test_a_known_path_with_a_wrong_method_is_405_and_names_those_it_has(
    worker: Worker, path: str, allowed: str
) -> None:
    methods = {"OPTIONS", "POST", "DELETE", "GET", "HEAD", "PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "x"}
    for method in sorted(methods - set(allowed.split(", "))):
        answer = worker.ask(method, path)
        assert (answer.status, answer.header("allow")) == (405, allowed)
        if method != "HEAD":
            assert allowed in answer.message
    assert worker.store.calls == []
