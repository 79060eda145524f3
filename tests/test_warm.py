"""A program that is forked from one that has loaded it is as one that was started from nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests import warm
from tests.commands.typed import environment
from tests.daemon.twistd import wait_until
from tests.postgres.network import in_a_network
from tests.process import REPOSITORY, WorkerProcess

pytestmark = pytest.mark.slow

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(warm.SETTINGS_PREFIXES)}


@pytest.mark.parametrize(
    "words", [["--version"], ["ls"], ["--json", "status"], ["nonsense"], ["token", "--nonsense"], ["key"]], ids=" ".join
)
def test_a_command_says_and_ends_as_one_that_was_started(words: list[str]) -> None:
    given = {"SESSIONWORKER_URL": "http://127.0.0.1:1", "GLOBAL_AUTH_TOKEN": "token"}
    forked = warm.run(warm.COMMANDS, words, {**ENVIRONMENT, **given}, seconds=60)
    program = str(Path(sys.executable).with_name("sessionworker"))
    started = subprocess.run(
        [program, *words], cwd=REPOSITORY, env=environment(given), check=False, capture_output=True, text=True
    )
    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)


def test_in_a_network_of_its_own_a_program_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork would be where what it is forked from is; and that is never begun there, where later tests are not."""
    assert warm.is_possible(ENVIRONMENT)
    monkeypatch.setattr(warm, "warm", lambda: pytest.fail("it is begun there"))
    assert not in_a_network(lambda _: warm.is_possible(ENVIRONMENT))


def files_of(worker: WorkerProcess) -> list[str]:
    """Return what a worker has open now, without the numbers."""
    links = []
    for path in Path(f"/proc/{worker.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            links.append(str(path.readlink()))
    return sorted(link.partition(":[")[0] for link in links)


def lasting_files_of(worker: WorkerProcess) -> list[str]:
    """Return what a worker has open once it has nothing to do: ten looks in half a second were alike."""
    looks: list[list[str]] = []

    def are_alike() -> bool:
        looks.append(files_of(worker))
        time.sleep(0.05)
        return len(looks) >= 10 and all(look == looks[-1] for look in looks[-10:])

    wait_until(are_alike)
    return looks[-1]


def test_a_worker_has_open_what_one_has_that_was_started_and_ends_as_it_does(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "another"), WorkerProcess(tmp_path / "store") as worker:
        assert b"tests.warm" in Path(f"/proc/{worker.pid}/cmdline").read_bytes()
        assert Path(f"/proc/{worker.pid}/cwd").readlink() == REPOSITORY
        forked = worker.pid
        wait_until(lambda: files_of(worker).count("socket") == 1)  # that of the first question is closed
        files = lasting_files_of(worker)
        worker.kill()
        assert worker._process is not None
        assert worker._process.returncode == -signal.SIGKILL
        worker.is_loaded_anew = True
        worker.start()
        worker.wait_until_ready()
        assert worker.pid != forked
        assert b"tests.warm" not in Path(f"/proc/{worker.pid}/cmdline").read_bytes()
        wait_until(lambda: files_of(worker).count("socket") == 1)
        assert lasting_files_of(worker) == files
        worker.is_loaded_anew = False
        worker.kill()
        worker.start()
        worker.wait_until_ready()
        assert worker.terminate() == 0


def test_one_that_cannot_start_has_its_status(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    worker = WorkerProcess(tmp_path / "store")
    worker.start()
    assert worker.wait_until_ended() == 1
    assert "store" in worker.output
    worker.close()


def test_what_python_asks_for_at_its_start_cannot_be_given_to_a_fork() -> None:
    assert warm.is_possible({**ENVIRONMENT, "SESSIONWORKER_STORE": "/nowhere"})
    assert not warm.is_possible({**ENVIRONMENT, "PYTHONPATH": "/nowhere"})
    assert not warm.is_possible({**ENVIRONMENT, "LD_PRELOAD": ""})


def test_where_nobody_can_order_any_more_all_ends(tmp_path: Path) -> None:
    mine = warm.Warm()
    words = ["-n", "--pidfile=", "sessionworker", "--listen", f"unix:{tmp_path}/socket", "--ui-listen", "off"]
    with Path(os.devnull).open("r+b") as nothing:
        fork = mine.start("twistd", [*words, "--store", str(tmp_path / "store")], ENVIRONMENT, 3 * (nothing.fileno(),))
        assert fork.poll() is None
        mine.close()
        assert fork.wait(20) == -signal.SIGKILL
    assert mine._process.returncode == 0
