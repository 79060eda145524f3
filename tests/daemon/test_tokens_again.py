"""Tokens are exchanged while the worker runs: SIGHUP has their files read again."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.answers import Answer
from tests.daemon.twistd import PATIENCE, ask, ask_as, free_place, wait_until
from tests.ports import free_port
from tests.process import SETTINGS_PREFIXES, WorkerProcess

pytestmark = pytest.mark.slow


def groups_as(worker: WorkerProcess, token: str) -> Answer:
    return ask_as(worker, token, "GET", "/admin/groups")


def put_in_force(worker: WorkerProcess, file: Path, text: str, says: str) -> None:
    """Write tokens down, have them read, and wait until the worker says so."""
    before = worker.output.count(says)
    file.write_text(text)
    os.kill(worker.pid, signal.SIGHUP)
    wait_until(lambda: worker.output.count(says) > before)


def test_a_new_token_is_in_force_beside_the_old_one_and_then_alone(tmp_path: Path) -> None:
    file = tmp_path / "admins"
    file.write_text("old\n")
    with WorkerProcess(tmp_path / "store", "--admin-token-file", str(file)) as worker:
        assert "1 for APIs, 0 of them for some groups alone; 1 for operators; 0 to look" in worker.output
        assert groups_as(worker, worker.token).status == 403
        for text, says, statuses in (
            ("old\nnew\n", "The tokens were read again", (200, 200)),
            ("new\n", "The tokens were read again", (401, 200)),
            ("ne\tw\n", "The tokens stay as they were", (401, 200)),
            ("", "The tokens stay as they were", (401, 200)),
        ):
            put_in_force(worker, file, text, says)
            assert (groups_as(worker, "old").status, groups_as(worker, "new").status) == statuses
        assert ask(worker, "POST", "/session/codechat", {"instance": "sales"}).status == 204
        assert "ne\tw" not in worker.output
        worker.terminate()
        assert worker.failures == []


def test_sighup_during_a_start_ends_nothing(tmp_path: Path) -> None:
    # The key file is a pipe that nobody writes to: the start waits there, before anything is served.
    os.mkfifo(tmp_path / "keys")
    command = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "sessionworker"]
    command += ["--listen", free_place(), "--store", str(tmp_path / "store"), "--log-format", "json"]
    with (tmp_path / "log").open("wb") as output:
        process = subprocess.Popen(
            [*command, "--encryption-key-file", str(tmp_path / "keys")],
            env={name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)},
            stdout=output,
            stderr=output,
            start_new_session=True,  # away from the terminal that the tests may have
        )
    try:
        wait_until(lambda: "starting" in (tmp_path / "log").read_text())
        process.send_signal(signal.SIGHUP)
        (tmp_path / "keys").write_text("no key")
        assert process.wait(PATIENCE) == 1
    finally:
        process.kill()
    assert "not_started" in (tmp_path / "log").read_text()


def test_a_terminal_that_is_closed_ends_it_as_sigterm_does(tmp_path: Path) -> None:
    terminal, end_of_it = pty.openpty()
    command = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "sessionworker"]
    command += ["--listen", f"tcp:{free_port()}:interface=127.0.0.1", "--store", str(tmp_path / "store")]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_PREFIXES)}
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/usr/bin/setsid", "--ctty", "--wait", *command],
            env=inherited,
            stdin=end_of_it,
            stdout=output,
            stderr=output,
        )
    try:
        os.close(end_of_it)
        wait_until(lambda: "Tokens: " in log.read_text())
        wait_until((tmp_path / "store" / ".sessionworker" / "token").exists)
        os.close(terminal)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
    assert "everything that was acknowledged is stored" in log.read_text()
