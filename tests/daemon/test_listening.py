"""It listens wherever it is told, and to many at once."""

from __future__ import annotations

import resource
import socket
import time
from pathlib import Path

import pytest

from tests.answers import read_answers
from tests.daemon.twistd import PATIENCE, SALES, ask, ask_over, free_place, read_to_end, twistd
from tests.memory import request
from tests.ports import free_port
from tests.process import WorkerProcess
from tests.tools import show_figure

pytestmark = pytest.mark.slow


def test_it_listens_at_several_places_one_of_them_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    other = free_port()
    options = ("--listen", f"unix:{path}", "--listen", f"tcp:{other}:interface=127.0.0.1")
    with WorkerProcess(tmp_path / "store", *options) as worker:
        for end in ("kill", "terminate"):
            ask(worker, "POST", "/session/codechat", {"instance": end})
            for address in (("127.0.0.1", worker.port), ("127.0.0.1", other), str(path)):
                family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
                with socket.socket(family) as connection:
                    connection.settimeout(PATIENCE)
                    connection.connect(address)
                    answer = ask_over(connection, "GET", "/session/codechat/list-instances", token=worker.token)
                    assert end in answer.json
            if end == "kill":  # the socket of a worker that was killed is in nobody's way
                worker.kill()
                worker.start()
                worker.wait_until_ready()
        assert worker.terminate() == 0
        assert worker.failures == []
    assert not path.exists()


def test_the_soft_limit_on_open_files_is_raised(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with twistd("--listen", free_place(), "--store", str(tmp_path / "store"), limit=100) as daemon:
        daemon.wait_until_it_says("Serving")
        assert resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)


def test_a_thousand_clients_may_connect_at_once(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections: list[socket.socket] = []
    try:
        with WorkerProcess(tmp_path / "store") as worker:
            ping = request("OPTIONS", "/ping", token=None, headers=[("Connection", "close")])
            start = time.monotonic()
            for _ in range(1000):
                connection = socket.socket()
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", worker.port))
                connections.append(connection)
            for connection in connections:
                connection.settimeout(PATIENCE)
                connection.sendall(ping)
            for connection in connections:
                [answer] = read_answers(read_to_end(connection))
                assert answer.body == b"pong"
            seconds = time.monotonic() - start
            show_figure(f"1,000 clients that connected at once: the last was answered after {seconds:.2f} s")
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_body_of_40_mib_is_refused_before_it_has_come(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        for name, value in (("Content-Length", str(40 * 2**20)), ("Transfer-Encoding", "chunked")):
            with socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE) as connection:
                head = request("POST", f"{SALES}/creds", token=worker.token, headers=[(name, value)])
                connection.sendall(head)
                if name == "Transfer-Encoding":
                    for _ in range(33):
                        connection.sendall(b"100000\r\n" + b"x" * 2**20 + b"\r\n")
                [answer] = read_answers(read_to_end(connection))
                assert answer.status == 413
                assert "32 MiB" in answer.message
