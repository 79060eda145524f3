"""The daemon as a process of its own: how it starts, serves, stops, dies and comes back."""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.answers import Answer, read_answers
from tests.memory import request
from tests.process import POLL_SECONDS, SETTINGS_PREFIXES, WorkerProcess, free_port
from tests.tools import show_figure

PATIENCE = 20.0
SALES = "/session/codechat/sales"


def ask(worker: WorkerProcess, method: str, path: str, body: Any = None) -> Answer:
    """Ask a worker one thing, on a connection of its own."""
    with socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE) as connection:
        return ask_over(connection, method, path, body, token=worker.token)


def ask_over(connection: socket.socket, method: str, path: str, body: Any = None, *, token: str | None) -> Answer:
    connection.sendall(request(method, path, body, token=token, headers=[("Connection", "close")]))
    [answer] = read_answers(read_to_end(connection), [method])
    return answer


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    while more := connection.recv(2**20):
        received += more
    return received


@contextmanager
def twistd(*options: str, environment: Mapping[str, str] | None = None, limit: int | None = None) -> Iterator[Daemon]:
    """Run `twistd sessionworker` with these options alone. After the block it is gone."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
    command = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "sessionworker", *options]
    if limit is not None:
        command = ["/bin/sh", "-c", f'ulimit -S -n {limit}; exec "$0" "$@"', *command]
    process = subprocess.Popen(
        command,
        env={**inherited, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Daemon(process)
    finally:
        process.kill()
        process.communicate()


class Daemon:
    """A running `twistd`, and what it said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""

    def wait_until_it_says(self, text: str) -> str:
        """Read its output up to the line that holds `text`, and return that line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return line
        raise AssertionError(f"it ended without saying '{text}', but:\n{self.output}")

    def wait_until_ended(self) -> int:
        rest, _ = self.process.communicate(timeout=PATIENCE)
        self.output += rest
        return self.process.returncode

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.wait_until_ended()


def reason_not_to_start(*options: str, environment: Mapping[str, str] | None = None) -> str:
    """Start a daemon that must not start, and return the one line that says why."""
    with twistd(*options, environment=environment) as daemon:
        status = daemon.wait_until_ended()
    assert status == 1, daemon.output
    assert "Traceback" not in daemon.output
    lines = [line for line in daemon.output.splitlines() if "#info]" not in line and "[-]" not in line]
    assert len(lines) == 1, daemon.output
    assert "Serving" not in daemon.output
    return lines[0]


def free_place() -> str:
    return f"tcp:{free_port()}:interface=127.0.0.1"


# It starts and serves


def test_a_worker_starts_serves_and_stops_with_status_0(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "deep" / "store") as worker:
        assert ask(worker, "POST", "/session", {"group": "codechat"}).status == 204
        assert ask(worker, "POST", "/session/codechat", {"instance": "sales"}).status == 204
        assert ask(worker, "POST", f"{SALES}/creds", {"data": '{"me":1}'}).status == 204
        assert worker.terminate() == 0
        assert "Traceback" not in worker.output
        assert worker.token not in worker.output
    assert (tmp_path / "deep" / "store" / "codechat" / "sales" / "creds").read_bytes() == b'{"me":1}'


def test_files_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        ask(worker, "POST", "/session/codechat", {"instance": "sales"})
        ask(worker, "POST", f"{SALES}/creds", {"data": "1"})
        assert worker.terminate() == 0
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "store").rglob("*")}
    assert len(modes) >= 3
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_a_folder_written_by_session_manager_is_served_in_place(tmp_path: Path) -> None:
    instance = tmp_path / "store" / "codechat" / "sales"
    instance.mkdir(parents=True)
    for name, value in (("creds", "{}"), ("a%20b%3A", "1"), ("AA%2FBB", "2"), ("sender-key-1@g.us::1_1::5", "3")):
        (instance / name).write_text(value)
    with WorkerProcess(tmp_path / "store") as worker:
        assert ask(worker, "GET", "/session/codechat/list-instances").json == ["sales"]
        for key, value in (("creds", "{}"), ("a%20b:", "1"), ("AA/BB", "2"), ("sender-key-1@g.us::1_1::5", "3")):
            assert ask(worker, "GET", f"{SALES}/{key}").body == value.encode(), key


def test_a_token_is_made_at_the_first_start_and_its_place_is_said_but_not_its_value(tmp_path: Path) -> None:
    file = tmp_path / "store" / ".sessionworker" / "token"
    tokens = set()
    for _ in range(2):
        port = free_port()
        with twistd("--listen", f"tcp:{port}:interface=127.0.0.1", "--store", str(tmp_path / "store")) as daemon:
            assert str(file) in daemon.wait_until_it_says("The token is in")
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            token = file.read_text().strip()
            for given, status in ((token, 404), ("wrong", 401)):
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                    assert ask_over(connection, "GET", "/session/a/list-instances", token=given).status == status
            assert daemon.terminate() == 0
            assert token not in daemon.output
        tokens.add(token)
    assert len(tokens) == 1


def test_the_token_in_the_environment_is_the_one_asked_for_and_never_said(tmp_path: Path) -> None:
    port = free_port()
    options = ["--listen", f"tcp:{port}:interface=127.0.0.1", "--store", str(tmp_path / "store"), "--http-logs"]
    with twistd(*options, environment={"GLOBAL_AUTH_TOKEN": "from-the-environment"}) as daemon:
        daemon.wait_until_it_says("Serving")
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            answer = ask_over(connection, "GET", "/session/a/list-instances", token="from-the-environment")
            assert answer.status == 404
        assert daemon.terminate() == 0
    assert "GET /session/a/list-instances 404" in daemon.output
    assert "from-the-environment" not in daemon.output
    assert not (tmp_path / "store" / ".sessionworker" / "token").exists()


def test_every_setting_can_come_from_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    port = free_port()
    environment = {
        "SESSIONWORKER_LISTEN": f"tcp:{port}:interface=127.0.0.1",
        "SESSIONWORKER_STORE": str(tmp_path / "elsewhere"),
        "SESSIONWORKER_FSYNC": "never",
        "SESSIONWORKER_THREADS": "1",
        "GLOBAL_AUTH_TOKEN_FILE": str(secret),
        "BODY_SIZE": "0.001",
        "HTTP_LOGS": "true",
    }
    with twistd(environment=environment) as daemon:
        daemon.wait_until_it_says("fsync=never")
        for body, status in (({"group": "a"}, 204), ({"group": "a" * 1100}, 413)):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
                assert ask_over(connection, "POST", "/session", body, token="s3cret").status == status
        assert daemon.terminate() == 0
    assert "POST /session 204" in daemon.output
    assert (tmp_path / "elsewhere" / "a").is_dir()


def test_fsync_never_says_at_start_what_it_gives_up_and_always_has_nothing_to_say(tmp_path: Path) -> None:
    for value, is_said in (("never", True), ("always", False)):
        with WorkerProcess(tmp_path / value, "--fsync", value) as worker:
            assert ("loses writes that were acknowledged" in worker.output) is is_said


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
        assert "Traceback" not in worker.output
    assert not path.exists()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a key and a certificate for localhost, signed by itself; return their files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(encoding))
    return folder / "key.pem", folder / "certificate.pem"


def test_it_serves_over_tls(tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path)
    port = free_port()
    place = f"ssl:{port}:privateKey={key}:certKey={certificate}:interface=127.0.0.1"
    with twistd(
        "--listen", place, "--store", str(tmp_path / "store"), environment={"GLOBAL_AUTH_TOKEN": "secret"}
    ) as daemon:
        daemon.wait_until_it_says("Serving the store")
        context = ssl.create_default_context(cafile=certificate)
        client = http.client.HTTPSConnection("localhost", port, context=context, timeout=PATIENCE)
        large = json.dumps("x" * 2**20)
        for value in ("1", "2", large, "3"):  # on one connection
            for method, path, body in (
                ("POST", "/session/codechat", {"instance": "sales"}),
                ("POST", f"{SALES}/session-1", {"data": value}),
                ("GET", f"{SALES}/session-1", None),
            ):
                client.request(method, path, json.dumps(body) if body else None, {"apikey": "secret"})
                answer = client.getresponse()
                assert answer.status == (200 if method == "GET" else 204)
                received = answer.read()
            assert received == value.encode()
        client.close()
        assert daemon.terminate() == 0


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


# It does not start


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--listen", "nonsense"], "--listen: 'nonsense' is not a Twisted endpoint string"),
        (["--fsync", "sometimes"], "--fsync: it must be 'always' or 'never'."),
        (["--body-size", "large"], "--body-size: it must be a number of MiB"),
        (["--threads", "0"], "--threads: it must be a whole number"),
        (["--store", ""], "--store: the folder's path is empty."),
        (["--nonsense"], "--nonsense"),
        (["extra"], "arguments"),
    ],
)
def test_an_option_that_makes_no_sense_stops_the_start_with_one_line(options: list[str], reason: str) -> None:
    assert reason in reason_not_to_start(*options)


def test_a_variable_that_makes_no_sense_stops_the_start_with_one_line() -> None:
    assert "BODY_SIZE: it must be a number" in reason_not_to_start(environment={"BODY_SIZE": "5MB"})
    assert "HTTP_LOGS: it must be" in reason_not_to_start(environment={"HTTP_LOGS": "maybe"})


def test_a_second_worker_on_the_same_folder_stops_with_one_line_and_disturbs_nobody(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        ask(worker, "POST", "/session", {"group": "codechat"})
        line = reason_not_to_start("--listen", free_place(), "--store", str(tmp_path / "store"))
        assert f"The store {tmp_path / 'store'} is in use by another worker." in line
        assert ask(worker, "GET", "/session/codechat/list-instances").body == b"[]"


def test_a_port_in_use_stops_the_start_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        for places in ([place], [free_place(), place]):
            options = [text for one in places for text in ("--listen", one)]
            line = reason_not_to_start(*options, "--store", str(tmp_path / "store"))
            assert f"Cannot listen at {place}" in line
            assert "Address already in use" in line
    with twistd("--listen", free_place(), "--store", str(tmp_path / "store")) as daemon:  # nothing was left behind
        daemon.wait_until_it_says("Serving")


def test_a_folder_that_cannot_be_one_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        line = reason_not_to_start("--listen", free_place(), "--store", str(path))
        assert f"The store {path} cannot be used" in line


def test_a_token_file_that_is_no_use_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("missing", "empty"):
        options = ["--token-file", str(tmp_path / name), "--store", str(tmp_path / "store"), "--listen", free_place()]
        assert f"The token file {tmp_path / name} " in reason_not_to_start(*options)


# It stops, and it dies


class Writer(threading.Thread):
    """A client that writes one value after the other, and notes which were acknowledged."""

    def __init__(self, worker: WorkerProcess, name: str) -> None:
        super().__init__()
        self._worker = worker
        self._name = name
        self.acknowledged: list[int] = []
        self.refused: list[int] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._worker.port, timeout=PATIENCE)
        try:
            for number in range(1_000_000):
                body = json.dumps({"data": json.dumps({"number": number})})
                path = f"{SALES}/{self._name}-{number % 50}"
                connection.request("POST", path, body, {"apikey": self._worker.token})
                answer = connection.getresponse()
                answer.read()
                (self.acknowledged if answer.status == 204 else self.refused).append(number)
        except (OSError, http.client.HTTPException):
            return  # the worker is gone
        finally:
            connection.close()

    def lost(self) -> list[tuple[int, int]]:
        """Return the acknowledged numbers that a worker no longer has, each with what it has in its place."""
        latest = {number % 50: number for number in self.acknowledged}
        under_way = self.acknowledged[-1] + 1  # may have been stored, and its answer lost
        lost = []
        for place, number in latest.items():
            stored = ask(self._worker, "GET", f"{SALES}/{self._name}-{place}").json["number"]
            if stored not in {number, under_way}:
                lost.append((number, stored))
        return lost


@contextmanager
def busy_writers(worker: WorkerProcess, count: int) -> Iterator[list[Writer]]:
    """Let clients write until the block's end stops the worker."""
    ask(worker, "POST", "/session/codechat", {"instance": "sales"})
    writers = [Writer(worker, f"writer-{number}") for number in range(count)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + PATIENCE
    while min(len(writer.acknowledged) for writer in writers) < 60 and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    yield writers
    for writer in writers:
        writer.join(PATIENCE)
        assert not writer.is_alive()


def test_sigterm_under_writes_loses_none_that_was_acknowledged_and_ends_with_status_0(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        with busy_writers(worker, 8) as writers:
            start = time.monotonic()
            assert worker.terminate() == 0
            seconds = time.monotonic() - start
        assert "everything that was acknowledged is stored" in worker.output
        assert "Traceback" not in worker.output
        files = {path.name for path in (tmp_path / "store" / "codechat" / "sales").iterdir()}
        worker.start()
        worker.wait_until_ready()
        assert [writer.lost() for writer in writers] == [[]] * 8
        acknowledged = sum(len(writer.acknowledged) for writer in writers)
        assert acknowledged >= 8 * 60
        assert sum(len(writer.refused) for writer in writers) == 0
        assert {f"writer-{number}-{place}" for number in range(8) for place in range(50)} <= files
    show_figure(f"SIGTERM under {acknowledged} writes of 8 clients: lost 0, ended after {seconds:.2f} s")


def test_kill_9_under_writes_loses_none_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged = 0
    with WorkerProcess(tmp_path / "store") as worker:
        for _ in range(3):
            with busy_writers(worker, 8) as writers:
                worker.kill()
            worker.start()
            worker.wait_until_ready()
            assert [writer.lost() for writer in writers] == [[]] * 8
            acknowledged += sum(len(writer.acknowledged) for writer in writers)
        assert "Traceback" not in worker.output
    show_figure(f"kill -9 three times under {acknowledged} acknowledged writes of 8 clients: lost 0")


def test_sigterm_closes_idle_connections_and_answers_what_is_under_way(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        ask(worker, "POST", "/session/codechat", {"instance": "sales"})
        address = ("127.0.0.1", worker.port)
        idle = socket.create_connection(address, timeout=PATIENCE)
        silent = socket.create_connection(address, timeout=PATIENCE)
        halfway = socket.create_connection(address, timeout=PATIENCE)
        with idle, silent, halfway:
            idle.sendall(request("OPTIONS", "/ping", token=None))
            assert idle.recv(1000).endswith(b"pong")
            data = request("POST", f"{SALES}/creds", {"data": "{}"}, token=worker.token)
            halfway.sendall(data[:-3])
            idle.sendall(b"")
            os.kill(worker.pid, signal.SIGTERM)
            assert idle.recv(1000) == b""
            assert silent.recv(1000) == b""
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address, timeout=PATIENCE).close()
            halfway.sendall(data[-3:])
            [answer] = read_answers(read_to_end(halfway))
            assert (answer.status, answer.header("connection")) == (204, "close")
        assert worker.wait_until_ended() == 0
    assert (tmp_path / "store" / "codechat" / "sales" / "creds").read_bytes() == b"{}"


def test_a_write_whose_client_is_gone_at_once_is_stored(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        ask(worker, "POST", "/session/codechat", {"instance": "sales"})
        for number in range(50):
            with socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE) as connection:
                connection.sendall(request("POST", f"{SALES}/k{number}", {"data": str(number)}, token=worker.token))
        deadline = time.monotonic() + PATIENCE
        for number in range(50):
            while (answer := ask(worker, "GET", f"{SALES}/k{number}")).status != 200 and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            assert answer.body == str(number).encode()
        assert worker.terminate() == 0
        assert "Traceback" not in worker.output


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
