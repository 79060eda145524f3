"""What a worker says from its start to its end, and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import ILogObserver
from zope.interface import provider

from sessionworker import service
from sessionworker.command_line import Options
from sessionworker.service import WorkerService
from sessionworker.version import PYTHON, TWISTED, VERSION
from tests.daemon.twistd import PATIENCE
from tests.logs.running import running
from tests.logs.words import LINE, SECRET, TIME, said_to_all
from tests.process import REPOSITORY

pytestmark = pytest.mark.slow


def test_a_start_that_fails_unforeseen_is_one_line_and_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down() -> int:
        raise ValueError(SECRET)

    monkeypatch.setattr(service, "raise_open_files_limit", break_down)
    options = Options()
    options.parseOptions([])

    def start() -> None:
        with pytest.raises(SystemExit) as end:
            WorkerService(None, options.settings).startService()
        assert end.value.code == 1

    [line] = said_to_all(start)
    assert line.startswith(
        "critical [start_failed] The start failed in a way that the worker did not foresee: "
        "ValueError at sessionworker/service.py:"
    )
    assert SECRET not in line


TOKENS = "Tokens: 1 for APIs, 0 of them for some groups alone; 0 for operators; 0 to look."
NO_ADMIN_FIELDS = {
    "consequence": "whoever has an API's can drop groups, too",
    "variable": "SESSIONWORKER_ADMIN_TOKEN",
}
NO_ADMIN = "No token for operators is set: {consequence}. Set {variable}.".format(**NO_ADMIN_FIELDS)


def expected_lines(store: Path, port: int) -> list[dict[str, Any]]:
    """What a worker says that is started, asked with a wrong token, and stopped: with HTTP_LOGS, but for the times."""
    address = f"tcp:{port}:interface=127.0.0.1"
    source = "the variable GLOBAL_AUTH_TOKEN"
    path = "/session/a/list-instances"
    refusal = "A client at 127.0.0.1 was refused: it sends no token, or not this worker's."
    about = f"This is sessionworker {VERSION} (Twisted {TWISTED}, Python {PYTHON})."
    return [
        {"event": "starting", "message": about, "version": VERSION, "twisted": TWISTED, "python": PYTHON},
        {"event": "listening", "message": f"Listening at {address}.", "endpoint": address},
        {"event": "serving", "message": f"Serving the store {store}.", "store": str(store)},
        {"event": "token_in_force", "message": f"The token is in {source}.", "source": source},
        {"event": "tokens", "message": TOKENS, "api": 1, "limited": 0, "admin": 0, "view": 0},
        {"level": "warn", "event": "no_admin_token", "message": NO_ADMIN, **NO_ADMIN_FIELDS},
        {"level": "warn", "event": "token_refused", "message": refusal, "address": "127.0.0.1"},
        {"event": "request", "message": f"GET {path} 401", "method": "GET", "path": path, "status": 401},
        {"event": "stopped", "message": "Stopped; everything that was acknowledged is stored."},
    ]


def said_by_a_worker(store: Path, *options: str, environment: Mapping[str, str]) -> tuple[list[str], int]:
    """The lines of a worker that is started, asked with a wrong token, and stopped; and its port."""
    with running(store, *options, "--http-logs", environment=environment) as worker:
        worker.wait_until_it_listens()
        assert worker.ask("wr0ng") == 401
        output, complaints = worker.stop()
    assert complaints == ""
    assert output.endswith("\n")
    return output.removesuffix("\n").split("\n"), worker.port


def test_a_worker_says_these_lines_and_nothing_else(tmp_path: Path) -> None:
    lines, port = said_by_a_worker(tmp_path / "store", environment={})
    expected = [
        f"{entry.get('level', 'info'):<5} [{entry['event']}] {entry['message']}"
        for entry in expected_lines(tmp_path / "store", port)
    ]
    assert [line[len("2026-11-26T17:00:00.123Z ") :] for line in lines] == expected
    assert all(TIME.match(line) for line in lines)


@pytest.mark.parametrize("chosen", [["--log-format=json"], []])
def test_a_worker_says_the_same_as_json(tmp_path: Path, chosen: list[str]) -> None:
    environment = {} if chosen else {"SESSIONWORKER_LOG_FORMAT": "json"}
    lines, port = said_by_a_worker(tmp_path / "store", *chosen, environment=environment)
    entries = [json.loads(line) for line in lines]
    assert all(TIME.fullmatch(entry.pop("time")) for entry in entries)
    assert entries == [{"level": "info", **entry} for entry in expected_lines(tmp_path / "store", port)]


def test_a_worker_whose_output_nobody_reads_any_more_goes_on(tmp_path: Path) -> None:
    with running(tmp_path / "store", "--http-logs") as worker:
        worker.wait_until_it_listens()
        assert worker.process.stdout is not None
        worker.process.stdout.close()
        assert [worker.ask(token) for token in ("wr0ng", "the-token", "wr0ng")] == [401, 404, 401]
        assert worker.stop() == ("", "")


@pytest.mark.parametrize("shell", [">/dev/full", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_worker_whose_output_is_full_or_closed_goes_on(tmp_path: Path, shell: str) -> None:
    with running(tmp_path / "store", "--http-logs", shell=shell) as worker:
        worker.wait_until_it_listens()
        assert [worker.ask(token) for token in ("wr0ng", "the-token", "wr0ng")] == [401, 404, 401]
        assert worker.stop() == ("", "")


def test_what_makes_no_sense_is_said_in_a_sentence_in_each_format(tmp_path: Path) -> None:
    with running(tmp_path / "store", "--threads", "x", "--log-format", "json") as worker:
        output, complaints = worker.process.communicate(timeout=PATIENCE)
    sentence = b"sessionworker: --threads: it must be a whole number from 1 to 64.\n"
    assert (output, complaints, worker.process.returncode) == (b"", sentence, 1)


def test_a_log_file_of_twistd_has_the_same_lines_and_is_rotated_on_sigusr1(tmp_path: Path) -> None:
    file, old = tmp_path / "log", tmp_path / "log.1"
    with running(tmp_path / "store", "--http-logs", twistd=["--logfile", str(file)]) as worker:
        worker.wait_until_it_listens()
        worker.ask("wr0ng")
        worker.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + PATIENCE
        while not (old.exists() and file.exists()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert worker.stop() == ("", "")
    names = [
        [found[2] for line in part.read_text().splitlines() if (found := LINE.fullmatch(line))] for part in (old, file)
    ]
    expected = [entry["event"] for entry in expected_lines(tmp_path / "store", worker.port)]
    assert names == [expected[:-1], expected[-1:]]
    assert sum(len(part.read_text().splitlines()) for part in (old, file)) == len(expected)


def test_a_log_file_that_cannot_be_opened_stops_the_start_with_one_line(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "log"
    with running(tmp_path / "store", twistd=["--logfile", str(file)]) as worker:
        output, complaints = worker.process.communicate(timeout=PATIENCE)
    assert worker.process.returncode == 1
    assert (output, complaints.decode()) == (
        b"",
        f"sessionworker: The log file {file} cannot be opened: No such file or directory.\n",
    )


def test_a_daemon_that_does_not_start_says_why_in_its_log_and_ends_with_status_1(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    program = str(Path(sys.executable).with_name("twistd"))
    command = [program, "--pidfile=", "--logfile", "log", "sessionworker", "--store", str(tmp_path / "store")]
    done = subprocess.run(command, cwd=tmp_path, timeout=PATIENCE, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "The worker did not start." in done.stderr
    last = LINE.fullmatch((tmp_path / "log").read_text().splitlines()[-1])
    assert last
    assert last[2] == "not_started"


@pytest.mark.parametrize("option", ["--syslog", "--logger=tests.logs.test_worker.another_log"])
def test_a_log_that_is_asked_for_by_name_takes_the_place_of_this_one(tmp_path: Path, option: str) -> None:
    with running(tmp_path / "store", twistd=[option], environment={"PYTHONPATH": str(REPOSITORY)}) as worker:
        worker.wait_until_it_listens()
        worker.ask("wr0ng")
        output, complaints = worker.stop()
    assert complaints == ""
    assert output == "" if option == "--syslog" else "stopped" in output.splitlines()


def another_log() -> ILogObserver:
    """An observer that an operator names on twistd's command line: it writes the events' names."""
    names = sys.stdout

    @provider(ILogObserver)
    def observe(event: dict[str, Any]) -> None:
        print(event.get("event"), file=names, flush=True)

    observer: ILogObserver = observe
    return observer
