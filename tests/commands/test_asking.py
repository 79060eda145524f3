"""How commands find a worker, or start one on a store, and how they end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sessionworker.commands import hosting
from sessionworker.commands.endings import Code, Stop
from sessionworker.errors import Overloaded, Unauthorized
from sessionworker.http.answers import error_body
from tests.commands.typed import asked, ended, environment, ran, send
from tests.migration.examples import account
from tests.migration.places import write_fixed
from tests.process import REPOSITORY, WorkerProcess

pytestmark = pytest.mark.slow

PROGRAM = """
import os
from twisted.internet import reactor, task
from sessionworker.commands.asking import ask
from sessionworker.commands.given import command
from sessionworker.commands.main import main

@command("wait")
def wait(given):
    async def work(client):
        print(await client.groups(), flush=True)
        try:
            await task.deferLater(reactor, 60)
        finally:
            print("ended in order", flush=True)
            await task.deferLater(reactor, float(os.environ.get("LINGERS", "0")))
    ask(given, work)

main.add_command(wait)
main()
"""
"""A command that takes its time."""


@contextmanager
def waiting(*words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run that command for a block, which begins when it has asked the worker."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "wait", *words],
        cwd=REPOSITORY,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ended(process):
        assert process.stdout is not None
        assert process.stdout.readline() == "['group']\n"
        yield process


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a group, whose worker has ended."""
    with WorkerProcess(tmp_path / "store") as worker:
        assert send(worker, "POST", "/session", {"group": "group"}) == 204
        worker.terminate()
    return tmp_path / "store"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_ends_what_is_under_way_in_order_and_has_its_own_status(store: Path, number: int) -> None:
    with waiting("--store", str(store)) as process:
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert (output, errors) == ("ended in order\n", "Error: Interrupted.\n")
    assert process.returncode == Code.INTERRUPTED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interruption_ends_what_does_not_come_to_an_end(store: Path, number: int) -> None:
    with waiting("--store", str(store), LINGERS="120") as process:
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stdout.readline() == "ended in order\n"
        process.send_signal(number)
        assert process.wait(30) == -number


def test_a_worker_on_a_store_is_gone_with_the_command_also_where_that_is_killed(store: Path) -> None:
    with waiting("--store", str(store)) as process:
        assert ran("--store", store, "checkpoint").returncode == Code.IN_USE
        process.kill()
    deadline = time.monotonic() + 60
    while ran("--store", store, "checkpoint").returncode != Code.DONE:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_worker_that_does_not_come_up_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".sessionworker").mkdir()
    (tmp_path / "printed").write_text('{"level": "info", "message": "The journal is read."}\n')
    command = ("sh", "-c", 'cat "$0"; exec sleep 60', str(tmp_path / "printed"))
    monkeypatch.setattr(hosting, "_command", lambda *_: iter(command))
    monkeypatch.setattr(hosting, "START_SECONDS", 2.0)
    began = time.monotonic()
    with pytest.raises(Stop) as stopped, hosting.worker_on(tmp_path, None):
        raise AssertionError("it listens")
    said = "The worker that was started on the store does not listen after 2 s. Its last line is: The journal is read."
    assert stopped.value.message == said
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("", "It has logged nothing."),
        ("first\n[1]\n", "Its last line is: [1]"),
        ("first\n{}\n", "Its last line is: {}"),
        ("first\nhal", "Its last line is: first"),
    ],
)
def test_the_last_that_a_worker_said(log: str, told: str) -> None:
    assert hosting.last_said(log) == told


class Busy(BaseHTTPRequestHandler):
    """Has too much to do once, and takes no token from then on."""

    server: BusyServer

    def do_POST(self) -> None:
        self.server.asked += 1
        error = Overloaded() if self.server.asked == 1 else Unauthorized()
        body = error_body(error)
        self.send_response(error.status)
        for name, value in {**error.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class BusyServer(HTTPServer):
    asked = 0


def test_an_import_comes_back_to_a_worker_that_has_too_much_to_do(tmp_path: Path) -> None:
    write_fixed(tmp_path / "sales", account("sales"))
    with BusyServer(("127.0.0.1", 0), Busy) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        done = ran("import", "baileys", tmp_path, "--group", "g", "--url", url, GLOBAL_AUTH_TOKEN="secret")
        server.shutdown()
        thread.join(60)
    assert (done.returncode, server.asked) == (Code.TOKEN_REFUSED, 2)


def test_a_store_that_is_none_is_not_made(tmp_path: Path) -> None:
    done = ran("--store", tmp_path / "none", "checkpoint")
    assert (done.returncode, done.stderr) == (Code.NO_WORKER, f"Error: There is no store in {tmp_path / 'none'}.\n")
    assert not (tmp_path / "none").exists()


def test_where_no_worker_answers_it_is_said(tmp_path: Path) -> None:
    done = ran("--url", "http://127.0.0.1:1", "checkpoint", GLOBAL_AUTH_TOKEN="secret")
    assert done.returncode == Code.NO_WORKER
    assert done.stderr.startswith("Error: No answer from http://127.0.0.1:1: Connection was refused")


def test_a_token_that_is_refused_is_told_by_its_source_alone(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store") as worker:
        done = asked(worker, "checkpoint", SESSIONWORKER_ADMIN_TOKEN="wrong-secret")
        assert asked(worker, "checkpoint").returncode == Code.DONE
    assert done.returncode == Code.TOKEN_REFUSED
    assert done.stderr == "Error: The token of SESSIONWORKER_ADMIN_TOKEN is refused. It is not this worker's.\n"
