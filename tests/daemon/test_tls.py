"""It is reached over TLS, by whatever speaks it, and nothing of what holds over plain HTTP is lost by that."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.answers import read_answers
from tests.daemon.certificates import make_authority, make_certificate, write
from tests.daemon.twistd import PATIENCE, SALES, ask_over, read_to_end
from tests.memory import request
from tests.ports import free_port
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import require

pytestmark = pytest.mark.slow

MIB = 2**20


class TlsWorker(WorkerProcess):
    """A worker that is reached over TLS, too, with files that `folder` holds."""

    def __init__(self, folder: Path, *options: str, chain: str = "") -> None:
        self.tls_port = free_port()
        self.authority = folder / "certificate.pem"
        """Whom clients trust."""
        place = f"ssl:{self.tls_port}:privateKey={folder / 'key.pem'}:certKey={folder / 'certificate.pem'}{chain}"
        super().__init__(folder / "store", "--listen", f"{place}:interface=127.0.0.1", *options)

    @property
    def tls_url(self) -> str:
        return f"https://localhost:{self.tls_port}"

    def connect(self) -> ssl.SSLSocket:
        """Connect, and see to it that what the worker closes is closed as TLS asks for."""
        context = ssl.create_default_context(cafile=self.authority)
        plain = socket.create_connection(("127.0.0.1", self.tls_port), timeout=PATIENCE)
        return context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[TlsWorker]:
    write(tmp_path, *make_certificate())
    with TlsWorker(tmp_path, "--body-size", "2") as running:
        yield running
        assert running.failures == []


@contextmanager
def connected(worker: TlsWorker) -> Iterator[http.client.HTTPSConnection]:
    context = ssl.create_default_context(cafile=worker.authority)
    client = http.client.HTTPSConnection("localhost", worker.tls_port, context=context, timeout=PATIENCE)
    yield client
    client.close()


def test_what_is_written_over_tls_is_read_back_on_one_connection(worker: TlsWorker) -> None:
    with connected(worker) as client:
        for value in ("1", "2", json.dumps("x" * MIB), "3"):
            for method, path, body in (
                ("POST", "/session/codechat", {"instance": "sales"}),
                ("POST", f"{SALES}/session-1", {"data": value}),
                ("GET", f"{SALES}/session-1", None),
            ):
                client.request(method, path, json.dumps(body) if body else None, {"apikey": worker.token})
                answer = client.getresponse()
                assert answer.status == (200 if method == "GET" else 204)
                received = answer.read()
            assert received == value.encode()
    assert worker.terminate() == 0


def test_curl_reaches_it_and_asks_in_http_1_1(worker: TlsWorker) -> None:
    command = [require("curl"), "--silent", "--show-error", "--include", "--cacert", str(worker.authority)]
    command += ["--http2", "--header", f"apikey: {worker.token}", f"{worker.tls_url}/admin/groups"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("HTTP/1.1 200 OK\n")
    assert done.stdout.endswith("\n\n[]")


def test_the_python_client_reaches_it_and_trusts_whom_the_system_trusts(worker: TlsWorker, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import os, sys\n"
        "from twisted.internet.defer import ensureDeferred\n"
        "from twisted.internet.task import react\n"
        "from sessionworker.client import Client, ConnectionFailed\n"
        "async def talk():\n"
        "    async with Client(sys.argv[1], os.environ['TOKEN']) as client:\n"
        "        try:\n"
        "            await client.create_instance('codechat', 'sales')\n"
        "            await client.write('codechat', 'sales', 'creds', '{}')\n"
        "            print(await client.read('codechat', 'sales', 'creds'))\n"
        "        except ConnectionFailed:\n"
        "            print('refused')\n"
        "react(lambda _: ensureDeferred(talk()))\n"
    )
    said = []
    for trusted in (str(worker.authority), "/dev/null"):
        variables = {"TOKEN": worker.token, "SSL_CERT_FILE": trusted, "PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run(
            [sys.executable, str(tmp_path / "program.py"), worker.tls_url],
            env={**os.environ, **variables},
            check=False,
            capture_output=True,
            text=True,
        )
        said.append(done.stdout + done.stderr)
    assert said == ["b'{}'\n", "refused\n"]


def test_intermediate_certificates_are_sent_along(tmp_path: Path) -> None:
    root = make_authority("root")
    between = make_authority("between", root)
    write(tmp_path, *make_certificate(between))
    (tmp_path / "chain.pem").write_text(between.pem)
    (tmp_path / "root.pem").write_text(root.pem)
    openssl = [require("openssl"), "s_client", "-verify_return_error", "-CAfile", str(tmp_path / "root.pem")]
    for chain, statuses in ((f":extraCertChain={tmp_path / 'chain.pem'}", [0, 0]), ("", [60, 1])):
        with TlsWorker(tmp_path, chain=chain) as worker:
            asked = [
                [require("curl"), "--silent", "--cacert", str(tmp_path / "root.pem"), f"{worker.tls_url}/health"],
                [*openssl, "-connect", f"localhost:{worker.tls_port}"],
            ]
            done = [
                subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True).returncode
                for command in asked
            ]
        assert done == statuses


def test_no_protocol_older_than_tls_1_2_is_spoken_and_none_but_http_1_1_within(worker: TlsWorker) -> None:
    context = ssl.create_default_context(cafile=worker.authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(
        socket.create_connection(("127.0.0.1", worker.tls_port), timeout=PATIENCE), server_hostname="localhost"
    ) as connection:
        assert (connection.version(), connection.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    old = [require("openssl"), "s_client", "-cipher", "ALL:@SECLEVEL=0", "-connect", f"localhost:{worker.tls_port}"]
    for version, status in (("-tls1_2", 0), ("-tls1_1", 1), ("-tls1", 1)):
        done = subprocess.run([*old, version], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
        assert status == 0 or "alert protocol version" in done.stderr


@pytest.mark.parametrize("token", ["right", "wrong"])
def test_a_client_that_is_refused_while_it_sends_is_told_so_and_is_not_cut_off(worker: TlsWorker, token: str) -> None:
    status = {"right": 413, "wrong": 401}[token]
    data = request("POST", f"{SALES}/k", b"x" * 3 * MIB, token=worker.token if token == "right" else "wrong")
    with ExitStack() as stack:
        connections = [stack.enter_context(worker.connect()) for _ in range(20)]
        for connection in connections:  # all at once: somebody who shows wrong tokens has to wait
            connection.sendall(data[: 2**18])
        for connection in connections:
            [answer] = read_answers(read_to_end(connection))
            assert answer.status == status
            assert answer.header("connection") == "close"


def test_it_stops_at_once_beside_idle_clients_that_read_nothing(worker: TlsWorker) -> None:
    with worker.connect() as idle:
        idle.sendall(request("OPTIONS", "/ping", token=None))
        assert idle.recv(1000).endswith(b"pong")
        start = time.monotonic()
        assert worker.terminate() == 0
        assert time.monotonic() - start < 15  # a second in which it may ask, five in which it may say good-bye


def test_whoever_speaks_no_tls_gets_nothing_and_is_closed_in_time(worker: TlsWorker) -> None:
    address = ("127.0.0.1", worker.tls_port)
    with (
        socket.create_connection(address, timeout=PATIENCE) as plain,
        socket.create_connection(address, timeout=PATIENCE) as silent,
    ):
        plain.sendall(request("OPTIONS", "/ping", token=None))
        start = time.monotonic()
        assert b"HTTP" not in received_until_closed(plain)
        assert time.monotonic() - start < 5
        assert received_until_closed(silent) == b""
        assert time.monotonic() - start < 15
    with worker.connect() as connection:
        assert ask_over(connection, "OPTIONS", "/ping", token=None).body == b"pong"


def received_until_closed(connection: socket.socket) -> bytes:
    received = b""
    try:
        while more := connection.recv(1000):
            received += more
    except ConnectionResetError:
        pass
    return received
