"""`export archive -`: the archive alone goes to the standard output, and whoever reads it holds up nobody."""

from __future__ import annotations

import array
import fcntl
import os
import pty
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionworker.commands.endings import Code
from tests.commands.typed import COMMAND, environment, fill, ran
from tests.process import REPOSITORY, WorkerProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path / "store") as running:
        fill(running, "codechat", "sales")
        yield running


def test_an_archive_to_the_standard_output_is_the_archive_alone(worker: WorkerProcess, tmp_path: Path) -> None:
    words = [*COMMAND, "export", "archive", "-", "--plain"]
    variables = environment({"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token})
    done = subprocess.run(words, cwd=REPOSITORY, env=variables, capture_output=True, check=True, timeout=60)
    (tmp_path / "piped").write_bytes(done.stdout)
    assert ran("verify", tmp_path / "piped").returncode == Code.DONE
    closed = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "", *words], cwd=REPOSITORY, env=variables, capture_output=True, check=False
    )
    assert (closed.returncode, closed.stderr) == (Code.USAGE, b"Error: The standard output is closed.\n")
    ours, theirs = pty.openpty()
    refused = subprocess.run(
        words, cwd=REPOSITORY, env=variables, stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(ours)
    os.close(theirs)
    assert refused.returncode == Code.USAGE
    assert b"not written to a terminal" in refused.stderr


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_one_that_is_interrupted_does_not_wait_for_who_reads_nothing(
    worker: WorkerProcess, tmp_path: Path, is_encrypted: bool
) -> None:
    fill(worker, "codechat", "large", blob=[1] * 100_000)
    (tmp_path / "passphrase").write_text("correct horse\n")
    words = [*COMMAND, "export", "archive", "-", "--plain"]
    words += ["--passphrase-file", str(tmp_path / "passphrase")] if is_encrypted else []
    variables = environment({"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token})
    reading, writing = os.pipe()
    with subprocess.Popen(words, cwd=REPOSITORY, env=variables, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        while held_in(reading) < 60_000:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        try:
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
    os.close(reading)
    assert (process.returncode, b"Traceback" in said) == (Code.INTERRUPTED, False), said


def held_in(pipe: int) -> int:
    """How many bytes wait in a pipe."""
    found = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, found)
    return found[0]
