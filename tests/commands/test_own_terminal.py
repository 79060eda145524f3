"""What is asked at a terminal, and commands that ask no worker."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sessionworker.access import Role
from sessionworker.commands.endings import Code
from sessionworker.tokens import read_tokens
from tests.commands.typed import COMMAND, asked, ended, environment, fill, ran, typed
from tests.ports import free_port
from tests.process import REPOSITORY, WorkerProcess

SECONDS = 60


class Terminal:
    """A command that runs at a terminal. Each of its methods ends, whatever the command does."""

    def __init__(self, worker: WorkerProcess, *words: str) -> None:
        self._mine, theirs = pty.openpty()
        variables = {"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token}
        self.process = subprocess.Popen(
            [*COMMAND, *words],
            cwd=REPOSITORY,
            env=environment(variables),
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.said = ""

    def wait_for(self, text: str) -> None:
        """Wait until it has said something."""
        deadline = time.monotonic() + SECONDS
        while text not in self.said:
            assert select.select([self._mine], [], [], max(0.0, deadline - time.monotonic()))[0], self.said
            self.said += os.read(self._mine, 1000).decode()

    def answer(self, text: str) -> int:
        """Type a line, and return the exit status."""
        os.write(self._mine, f"{text}\n".encode())
        return self._end(SECONDS)

    def interrupt(self, number: int) -> int:
        """Press Ctrl-C, or do what is like it, and return the exit status.

        Python asks for signals between two steps, of which one asks the question and waits for the reply: one that
        comes within it, as nobody's hand can, is seen with the next one.
        """
        for _ in range(SECONDS // 5):
            self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
                break
        return self._end(0)

    def _end(self, seconds: float) -> int:
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait(SECONDS)
            os.close(self._mine)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path / "store") as running:
        fill(running, "codechat", "sales")
        yield running


@pytest.mark.slow
def test_what_can_be_lost_is_asked_for_by_its_name(worker: WorkerProcess) -> None:
    def drop() -> Terminal:
        terminal = Terminal(worker, "drop", "codechat/sales")
        terminal.wait_for("codechat/sales is dropped. Type its name (sales): ")
        return terminal

    assert drop().answer("support") == Code.FAILED
    assert "codechat/sales" in asked(worker, "ls").stdout
    for number in (signal.SIGINT, signal.SIGTERM):
        assert drop().interrupt(number) == Code.INTERRUPTED
    assert "codechat/sales" in asked(worker, "ls").stdout
    assert drop().answer("sales") == Code.DONE
    assert "codechat/sales" not in asked(worker, "ls").stdout


@pytest.mark.slow
def test_whether_something_is_meant_is_asked(worker: WorkerProcess) -> None:
    fill(worker, "codechat", "sales", creds={"registrationId": 2})
    version = asked(worker, "versions", "codechat/sales").stdout.splitlines()[2].split()[0]
    for reply, status in (("n", Code.FAILED), ("y", Code.DONE)):
        terminal = Terminal(worker, "restore", "codechat/sales", version)
        terminal.wait_for("Stop this instance in the API first, and let it connect again then. Go on? [y/N]: ")
        assert terminal.answer(reply) == status


@pytest.mark.slow
def test_the_keys_of_a_store_are_told_and_rewritten(worker: WorkerProcess) -> None:
    for words in (("--url", worker.url, "key", "status"), ("key", "status", "--url", worker.url)):
        told = ran(*words, GLOBAL_AUTH_TOKEN=worker.token)
        assert told.stdout.splitlines()[0] == "written now: plain"
    done = asked(worker, "key", "rewrite", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (Code.DONE, "All that is stored is plain.\n", "")


@pytest.mark.slow
def test_the_worker_is_run_as_by_twistd(tmp_path: Path) -> None:
    command = [*COMMAND, "run", "--listen", f"tcp:{free_port()}", "--store", str(tmp_path / "store")]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True)
    with ended(process):
        assert process.stdout is not None
        for line in process.stdout:
            if "[serving]" in line:
                break
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert "[stopped]" in process.communicate(timeout=SECONDS)[0]
    assert process.returncode == 0
    wrong = ran("run", "--store", "mysql://host/name")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("sessionworker: --store: it must be a folder")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    folder = tmp_path / "store" / ".sessionworker"
    folder.mkdir(parents=True)
    (folder / "token").write_text("first\n")
    (folder / "token").chmod(0o640)
    return folder / "token"


def test_a_new_token_stands_before_the_old_ones_and_nothing_else_changes(token_file: Path) -> None:
    store = str(token_file.parents[1])
    shown = typed("token", "show-path", SESSIONWORKER_STORE=store)
    assert (shown.exit_code, shown.stdout) == (Code.DONE, f"{token_file}\n")
    done = typed("token", "new", "--store", store)
    assert done.exit_code == Code.DONE
    new, old = (token.secret.decode() for token in read_tokens(Role.API, token_file))
    assert (old, len(new), token_file.stat().st_mode & 0o777) == ("first", 43, 0o640)
    assert new not in done.output
    assert typed("token", "new", "--file", str(token_file), "--replace").exit_code == Code.DONE
    [newest] = read_tokens(Role.API, token_file)
    assert newest.secret.decode() != new
    assert list(token_file.parent.iterdir()) == [token_file]


def test_a_token_that_is_in_no_file_has_no_path(tmp_path: Path) -> None:
    assert "holds" in typed("token", "show-path", GLOBAL_AUTH_TOKEN="secret").stderr
    none = typed("token", "show-path", SESSIONWORKER_STORE=str(tmp_path))
    assert (none.exit_code, f"There is no token in {tmp_path}" in none.stderr) == (Code.NO_WORKER, True)
    database = typed("token", "new", "--store", "postgresql://localhost/db")
    assert (database.exit_code, "makes no token" in database.stderr) == (Code.FAILED, True)


@pytest.mark.slow  # bash is asked for its version
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands(shell: str) -> None:
    done = typed("completion", shell)
    assert done.exit_code == Code.DONE
    assert re.search(rf"_SESSIONWORKER_COMPLETE={shell}_complete", done.stdout)


def test_every_command_says_what_it_does_in_one_line() -> None:
    done = typed("--help")
    lines = done.stdout.partition("Commands:\n")[2].splitlines()
    assert len(lines) >= 16
    for line in lines:
        name = line.split()[0]
        assert typed(name, "--help").exit_code == Code.DONE
