"""What goes wrong in an operator's first hour: it is said in a sentence, and nothing is lost by it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sessionworker.keys import make_key
from sessionworker.version import VERSION
from tests.daemon.twistd import PATIENCE, Daemon, ask, reason_not_to_start, twistd
from tests.memory import request
from tests.ports import free_port
from tests.process import REPOSITORY, WorkerProcess

pytestmark = pytest.mark.slow


def end(daemon: Daemon) -> None:
    """Stop a daemon that said its first lines: a signal in the moment before it runs would end it as any program."""
    time.sleep(0.5)
    assert daemon.terminate() == 0


def test_it_says_its_version_and_what_it_runs_on(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("twistd"))
    done = subprocess.run([program, "sessionworker", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"sessionworker {VERSION} (Twisted ")
    with twistd("--listen", f"tcp:{free_port()}:interface=127.0.0.1", "--store", str(tmp_path / "store")) as daemon:
        assert f"This is sessionworker {VERSION} " in daemon.wait_until_it_says("This is")
        end(daemon)


def test_it_says_where_it_listens(tmp_path: Path) -> None:
    place = f"tcp:{free_port()}:interface=127.0.0.1"
    with twistd("--listen", place, "--store", str(tmp_path / "store")) as daemon:
        assert daemon.wait_until_it_says("Listening at").rstrip().endswith(f"Listening at {place}.")


@pytest.mark.parametrize(("listen", "reason"), [("5701", "'tcp:5701'"), ("systemd:domain=INET:index=0", "systemd")])
def test_a_place_that_is_nearly_right_is_refused_with_what_would_be(listen: str, reason: str) -> None:
    line = reason_not_to_start("--listen", listen)
    assert f"'{listen}'" in line
    assert reason in line


def test_what_was_probably_meant_otherwise_is_said(tmp_path: Path) -> None:
    environment = {"SESSIONWORKER_THREAD": "2", "SESSIONWORKER_HEALTH_URL": "x", "GLOBAL_AUTH_TOKEN": '"quoted"'}
    options = ["--listen", f"tcp:{free_port()}:interface=127.0.0.1", "--store", str(tmp_path / "store")]
    with twistd(*options, environment=environment) as daemon:
        daemon.wait_until_it_says("Serving")
        end(daemon)
    assert "SESSIONWORKER_THREAD means nothing to this worker. Is SESSIONWORKER_THREADS meant?" in daemon.output
    assert "SESSIONWORKER_HEALTH_URL" not in daemon.output
    assert "begins and ends with a quotation mark" in daemon.output
    assert "quoted" not in daemon.output


def test_a_token_of_an_earlier_start_that_is_not_in_force_is_named(tmp_path: Path) -> None:
    options = ["--listen", f"tcp:{free_port()}:interface=127.0.0.1", "--store", str(tmp_path / "store")]
    file = tmp_path / "store" / ".sessionworker" / "token"
    with twistd(*options) as daemon:
        assert str(file) in daemon.wait_until_it_says("The token is in")
        end(daemon)
    with twistd(*options, environment={"GLOBAL_AUTH_TOKEN": "another"}) as daemon:
        assert "the variable GLOBAL_AUTH_TOKEN" in daemon.wait_until_it_says("The token is in")
        assert str(file) in daemon.wait_until_it_says("is not in force")
        end(daemon)


def test_what_of_an_encrypted_store_is_not_is_said(tmp_path: Path) -> None:
    key = tmp_path / "store" / "keys"
    key.parent.mkdir()
    make_key(key)
    options = ["--listen", f"tcp:{free_port()}:interface=127.0.0.1", "--store", str(tmp_path / "store")]
    with twistd(*options, "--encryption-key-file", str(key)) as daemon:
        assert "What is written is encrypted with the key" in daemon.wait_until_it_says("encrypted with")
        daemon.wait_until_it_says("is not encrypted as the rest of the store is")
        end(daemon)
    assert f"The key file {key} is in the store" in daemon.output
    outside = tmp_path / "keys"
    key.rename(outside)
    environment = {"GLOBAL_AUTH_TOKEN": "another"}
    with twistd(*options, "--encryption-key-file", str(outside), environment=environment) as daemon:
        daemon.wait_until_it_says("Serving")
        end(daemon)
    assert "as the rest of the store is" not in daemon.output
    assert "in the store:" not in daemon.output


@pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGTERM] * 3, [signal.SIGHUP, signal.SIGTERM]])
def test_a_second_signal_ends_it_as_one_does(tmp_path: Path, numbers: list[signal.Signals]) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        assert ask(worker, "POST", "/session/codechat", {"instance": "sales"}).status == 204
        assert ask(worker, "POST", "/session/codechat/sales/creds", {"data": '{"me":1}'}).status == 204
        for number in numbers:
            os.kill(worker.pid, number)
        assert worker.wait_until_ended() == 0
        assert worker.failures == []
        assert "everything that was acknowledged is stored" in worker.output
    assert (tmp_path / "store" / "codechat" / "sales" / "creds").read_bytes() == b'{"me":1}'


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_wall_clock_that_is_set_moves_no_deadline(tmp_path: Path, seconds: int) -> None:
    flag = tmp_path / "set"
    environment = {"PYTHONPATH": f"{REPOSITORY}/tests/set_clock:{REPOSITORY}", "SET_CLOCK_FLAG": str(flag)}
    with WorkerProcess(tmp_path / "store", environment=environment) as worker:
        assert ask(worker, "POST", "/session/codechat", {"instance": "sales"}).status == 204
        body = b'{"data":"1"}'
        head = request("POST", "/session/codechat/sales/k", None, token=worker.token).removesuffix(b"\r\n")
        with socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE) as slow:
            slow.sendall(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
            time.sleep(0.2)
            flag.write_text(str(seconds))
            time.sleep(2.5)  # longer than it takes to look at deadlines
            slow.sendall(body[-1:])
            assert slow.recv(1000).startswith(b"HTTP/1.1 204 ")
        (tmp_path / "store" / "codechat").chmod(0o700)
        date = ask(worker, "GET", "/health").header("date")
        time.sleep(1.2)
        assert ask(worker, "GET", "/health").header("date") != date  # it goes on
