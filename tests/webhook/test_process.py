"""A real worker sends what happens to a real receiver; and its snippets verify what it sends."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.daemon.certificates import make_authority, make_certificate, write
from tests.daemon.twistd import wait_until
from tests.documents.reading import blocks, read
from tests.ports import free_port
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import require

pytestmark = pytest.mark.slow

SECRET = "a-secret-of-the-tests"
PATH = "/webhook/a-secret-path"


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent: the headers, by their names in small letters, and the body."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.hangs = threading.Event()
        self.goes_on = threading.Event()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        self.server.got.append((self.path, headers, body))
        if self.server.hangs.is_set():
            self.server.goes_on.wait(60)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiver(port: int = 0, files: Path | None = None) -> Iterator[Receiver]:
    """Listen, over TLS if there is a folder with a key and a certificate."""
    server = Receiver(port)
    if files is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files / "certificate.pem", files / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.goes_on.set()
        server.shutdown()
        server.server_close()


def ask(worker: WorkerProcess, method: str, path: str, body: object = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    headers = {"apikey": worker.token, "Content-Type": "application/json"}
    with urlopen(Request(worker.url + path, data, headers, method=method), timeout=10) as answer:  # noqa: S310 - ours
        got: bytes = answer.read()
        return got


def figure(worker: WorkerProcess, name: str) -> float:
    lines = ask(worker, "GET", "/metrics").decode().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith(f"sessionworker_webhook_{name} ")]
    return float(value)


def drop(worker: WorkerProcess, name: str) -> None:
    ask(worker, "POST", "/session/codechat", {"instance": name})
    ask(worker, "DELETE", f"/session/codechat/{name}")


def test_a_drop_is_told_and_again_after_a_failure_and_at_the_end(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    worker = WorkerProcess(
        tmp_path / "store",
        "--webhook",
        f"http://127.0.0.1:{port}{PATH}",
        "--webhook-secret-file",
        str(tmp_path / "secret"),
    )
    with worker:
        drop(worker, "before")
        wait_until(lambda: figure(worker, "failed_total") >= 1)
        assert figure(worker, "waiting") == 1
        with receiver(port) as server:
            wait_until(lambda: len(server.got) == 1)
            drop(worker, "sales")
            wait_until(lambda: figure(worker, "sent_total") == 2)
            assert [event["instance"] for event in server.events] == ["before", "sales"]
            path, headers, body = server.got[1]
            assert path == PATH
            check_with_node(headers, body)
            listed = json.loads(ask(worker, "GET", "/admin/events"))
            told = server.events[1]
            names = ("event", "group", "instance", "by", "message")
            assert {name: told[name] for name in names} == {name: listed[-1][name] for name in names}
            server.hangs.set()
            drop(worker, "last")
            wait_until(lambda: len(server.got) == 3)
            began = time.monotonic()
            assert worker.terminate() == 0  # it waits for a moment, and no longer
            assert time.monotonic() - began < 10
        said = worker.output
        assert "[webhook] Events are sent to 127.0.0.1, signed." in said
        assert "[webhook_failed]" in said
        assert "[webhook_well_again]" in said
        assert "[webhook_left] The worker ends, and 1 events were not told." in said
        assert "a-secret" not in said
        assert worker.failures == []


def check_with_node(headers: dict[str, str], body: bytes) -> None:
    """Have the snippet of the documents look at what came."""
    [snippet] = [block for block in blocks(read("docs/operations.md"), "js") if "timingSafeEqual" in block]
    program = (
        f"{snippet}\n"
        "const [headers, secret, body] = JSON.parse(require('node:fs').readFileSync(0))\n"
        "console.log(isGenuine(headers, body, secret), JSON.stringify(JSON.parse(body)) === body)\n"
    )
    node = require("node")

    def verdict(**changed: str) -> str:
        given = json.dumps([{**headers, **changed}, changed.get("secret", SECRET), changed.get("body", body.decode())])
        done = subprocess.run([node, "-e", program], input=given, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert verdict() == "true true"  # the second: n8n parses a body before a flow can look at it
    assert verdict(secret="another").startswith("false")
    assert verdict(body=body.decode().replace("sales", "salas")).startswith("false")
    old = str(int(headers["webhook-timestamp"]) - 600)
    assert verdict(**{"webhook-timestamp": old}).startswith("false")
    assert verdict(**{"webhook-signature": ""}).startswith("false")


def test_over_tls_the_system_s_authorities_are_asked(tmp_path: Path) -> None:
    authority = make_authority("an authority of ours")
    write(tmp_path, *make_certificate(authority))
    (tmp_path / "authority.pem").write_text(authority.pem)
    with receiver(files=tmp_path) as server:
        address = {"SESSIONWORKER_WEBHOOK": f"https://localhost:{server.server_port}{PATH}"}
        with WorkerProcess(tmp_path / "doubts", environment=address) as worker:
            drop(worker, "sales")
            wait_until(lambda: "certificate verify failed" in worker.output)
            assert server.got == []
        trusting = {**address, "SSL_CERT_FILE": str(tmp_path / "authority.pem")}
        with WorkerProcess(tmp_path / "trusts", environment=trusting) as worker:
            drop(worker, "sales")
            wait_until(lambda: len(server.got) == 1)
            assert "webhook-signature" not in server.got[0][1]
        trusting["SESSIONWORKER_WEBHOOK"] = f"https://127.0.0.1:{server.server_port}{PATH}"
        with WorkerProcess(tmp_path / "another-name", environment=trusting) as worker:
            drop(worker, "sales")
            wait_until(lambda: "[webhook_failed]" in worker.output)
            assert len(server.got) == 1


def test_a_receiver_that_hangs_holds_nothing_up(tmp_path: Path) -> None:
    with receiver() as server:
        server.hangs.set()
        address = f"http://127.0.0.1:{server.server_port}{PATH}"
        with WorkerProcess(tmp_path / "store", "--webhook", address) as worker:
            connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=10)
            slowest = 0.0
            for number in range(50):
                drop(worker, f"sales-{number}")
                began = time.monotonic()
                connection.request("OPTIONS", "/ping")
                assert connection.getresponse().read() == b"pong"
                slowest = max(slowest, time.monotonic() - began)
            connection.close()
            assert slowest < 1
            assert figure(worker, "waiting") == 50


NAMES_HANG = """
import socket, time
asked = socket.getaddrinfo
def hang(host, *rest, **others):
    if host == "n8n.example.com":
        time.sleep(600)
    return asked(host, *rest, **others)
socket.getaddrinfo = hang
"""


def test_a_name_service_that_hangs_holds_up_neither_the_worker_nor_its_end(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NAMES_HANG)
    environment = {
        "PYTHONPATH": f"{tmp_path}:{REPOSITORY}",
        "SESSIONWORKER_WEBHOOK": f"http://n8n.example.com{PATH}",
    }
    with WorkerProcess(tmp_path / "store", environment=environment) as worker:
        drop(worker, "sales")
        wait_until(lambda: figure(worker, "waiting") == 1)
        began = time.monotonic()
        assert worker.terminate() == 0
        assert time.monotonic() - began < 10
        assert worker.failures == []
        assert "[webhook_left]" in worker.output
