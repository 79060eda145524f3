"""The health check that Docker and systemd run: what it says of workers that are well, ill, slow and absent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sessionworker import healthcheck
from tests.ports import free_port


@contextmanager
def answering(status: int) -> Iterator[str]:
    """Serve one status on every path, and hand over the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def do_OPTIONS(self) -> None:
            self.send_response(200 if self.path == "/ping" else 404)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}/health"
        server.shutdown()
        serving.join()


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["healthcheck", *arguments])
    return healthcheck.main()


def test_a_worker_that_is_well_is_status_0_and_no_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(200) as url:
        assert call(monkeypatch, url) == 0
    assert capsys.readouterr() == ("", "")


def test_a_worker_that_says_it_is_not_well_is_status_1_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(503) as url:
        assert call(monkeypatch, url) == 1
    assert capsys.readouterr() == ("", f"sessionworker: {url} answers 503\n")


def test_a_worker_that_is_not_well_runs_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(503) as url:
        assert call(monkeypatch, url.replace("/health", "/ping")) == 0
    assert capsys.readouterr() == ("", "")


def test_the_address_can_be_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200) as url:
        monkeypatch.setenv("SESSIONWORKER_HEALTH_URL", url)
        assert call(monkeypatch) == 0


def test_an_address_without_a_path_asks_for_health(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200) as url:
        assert call(monkeypatch, url.removesuffix("/health")) == 0


def test_a_worker_that_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(healthcheck, "TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert call(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}/health") == 1
    assert capsys.readouterr().err.endswith("does not answer: timed out\n")


@pytest.mark.parametrize("url", ["https://127.0.0.1/health", "127.0.0.1:5656", "http://", "http://a:b/", "http://["])
def test_an_address_that_cannot_be_asked_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert call(monkeypatch, url) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("sessionworker: ")
    assert complaint.count("\n") == 1


def test_where_nothing_listens_the_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, f"http://127.0.0.1:{free_port()}/health") == 1
    assert "refused" in capsys.readouterr().err
