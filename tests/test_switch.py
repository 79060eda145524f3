"""A worker in use is switched from files to PostgreSQL, and back: clients wait a moment, and nothing else happens.

What systemd's socket does on a machine is done here by what stands before the workers: while none of them takes a
connection, callers wait.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.postgres.databases import Databases
from tests.postgres.server import Server
from tests.process import NODE_PROGRAMS, NodeProgram, WorkerProcess
from tests.replicas import distributing
from tests.tools import require, show_figure

pytestmark = [pytest.mark.usefixtures("node_client"), pytest.mark.slow]

MESSAGES = 20
"""At least so many are said on each store before it is left."""


def copy(source: Path | str, target: Path | str) -> None:
    program = Path(sys.executable).with_name("sessionworker")
    done = subprocess.run(
        [program, "copy", source, target], check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout


def back_up(worker: WorkerProcess, to: Path) -> None:
    """Do what docs/operations.md says of a backup."""
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=30)
    connection.request("POST", "/admin/checkpoint", headers={"apikey": worker.token})
    assert connection.getresponse().status == 204
    connection.close()
    # A file may go while it is copied; so says cp then.
    subprocess.run([require("cp"), "-a", worker.store, to], check=False, stderr=subprocess.DEVNULL)


def talk(program: NodeProgram) -> None:
    for _ in range(MESSAGES):
        program.wait_for("said")


def test_nobody_notices_that_the_store_is_another_one(tmp_path: Path, postgres: Server) -> None:
    pauses = []
    with Databases(postgres) as databases, databases.fresh_database() as url, distributing(patience=60) as front:
        first = WorkerProcess(tmp_path / "files")
        others = [WorkerProcess(place, token=first.token) for place in (url, tmp_path / "back")]
        arguments = ("--stop", "under-way", "--rounds", "1", "--pairs", "2")
        with (
            first,
            NodeProgram(NODE_PROGRAMS / "conversation.mjs", front.url, first.token, *arguments, baileys="7") as program,
        ):
            front.distribute([first])
            old = first
            for new in others:
                talk(program)
                if old is first:
                    back_up(old, tmp_path / "backup")
                    copy(tmp_path / "backup", new.address)
                else:
                    copy(old.address, new.address)
                begun = time.monotonic()
                assert old.terminate() == 0
                copy(old.address, new.address)
                new.start()
                new.wait_until_ready()
                front.distribute([new])
                pauses.append(time.monotonic() - begun)
                old = new
            talk(program)
            front.patience = 0
            old.kill()  # for it talks until it is interrupted
            assert program.wait_for("interrupted") == "interrupted 1"
            old.start()
            old.wait_until_ready()
            front.distribute([old])
            program.go_on()
            result = program.result()
        for worker in others:
            worker.close()
    assert {what: result[what] for what in ("lost", "identities", "failures")} == {
        "lost": 0,
        "identities": 0,
        "failures": 0,
    }
    assert result["missing"] == []
    show_figure(
        f"switched from files to PostgreSQL and back under {result['messages']} messages: callers waited for "
        f"{pauses[0]:.1f} and {pauses[1]:.1f} s; {result['values']} values compared, lost 0"
    )
