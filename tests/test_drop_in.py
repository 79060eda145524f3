"""What session-manager's users bring along, besides the calls of `test_first_calls`: paths, hosts and odd targets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory import Worker, request

KEY = "/session/codechat/sales/creds"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path / "store") as running:
        yield running


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"http://worker{KEY}", 200),
        (f"HTTP://worker:5656{KEY}", 200),
        ("http://worker/health", 200),
        ("http://worker", 404),
        (f"http://worker{KEY}?a", 400),
        (f"//worker{KEY}", 404),
    ],
)
def test_a_target_may_be_absolute(worker: Worker, target: str, status: int) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    worker.ask("POST", KEY, {"data": "{}"})
    for _ in range(2):
        assert worker.ask("GET", target).status == status


@pytest.mark.parametrize(("hosts", "status"), [([], 400), (["a"], 200), ([""], 200), (["a", "a"], 400)])
def test_a_request_names_one_host(worker: Worker, hosts: list[str], status: int) -> None:
    data = "\r\n".join(["GET /health HTTP/1.1", *(f"Host: {host}" for host in hosts), "", ""]).encode()
    for _ in range(2):
        assert [answer.status for answer in worker.raw(data)] == [status]


def test_a_client_of_http_1_0_needs_to_name_none(worker: Worker) -> None:
    assert [answer.status for answer in worker.raw(b"GET /health HTTP/1.0\r\n\r\n")] == [200]


def test_headers_without_a_host_are_not_remembered(worker: Worker) -> None:
    data = request("GET", "/health").replace(b"Host: worker\r\n", b"")
    connection = worker.connect()
    connection.send(data)
    connection.send(data)
    assert [answer.status for answer in connection.answers()] == [400, 400]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/session/", 404),
        ("GET", "/session/codechat/sales/%ZZ", 404),
        ("GET", "/session/codechat/sales/é", 400),
    ],
)
def test_odd_paths_have_the_answers_that_the_protocol_names(
    worker: Worker, method: str, path: str, status: int
) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    assert worker.ask(method, path, {} if method == "POST" else None).status == status


def test_a_version_with_thousands_of_digits_does_not_exist(worker: Worker) -> None:
    worker.ask("POST", "/session/codechat", {"instance": "sales"})
    for version in ("9" * 5000, f"{'9' * 3000}-0.0123456789ab.31", f"1-{'9' * 5000}.0123456789ab.{'9' * 3000}"):
        path = f"/admin/groups/codechat/instances/sales/versions/{version}/restore"
        assert worker.ask("POST", path).status == 404, len(version)
    for drop in ("9" * 5000, f"{'9' * 5000}-0123"):
        assert worker.ask("POST", f"/admin/drops/codechat/sales/{drop}/restore").status == 404
        assert worker.ask("DELETE", f"/admin/drops/codechat/sales/{drop}").status == 404
