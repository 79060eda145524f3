"""Each command that asks a worker, against a real one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sessionworker.commands.endings import Code
from tests.commands.typed import COMMAND, WHOLE, asked, environment, fill, ran, send
from tests.copying.ends import PostgresEnd
from tests.postgres.server import Server
from tests.process import REPOSITORY, WorkerProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker with two instances, of which one had another identity before."""
    with WorkerProcess(tmp_path / "store", "--keep-drops", "7") as running:
        fill(running, "codechat", "sales", creds={**WHOLE, "registrationId": 7})
        fill(running, "codechat", "sales")
        fill(running, "codechat", "50%", session_55={"a": 1})
        yield running


def document(worker: WorkerProcess, *words: str) -> Any:
    done = asked(worker, "--json", *words)
    assert done.returncode == Code.DONE, done
    return json.loads(done.stdout)


def names(worker: WorkerProcess) -> list[str]:
    return [f"{one['group']}/{one['instance']}" for one in document(worker, "ls")]


def test_a_worker_that_is_well_needs_nobody(worker: WorkerProcess) -> None:
    done = asked(worker, "status")
    assert (done.returncode, done.stderr) == (Code.DONE, "")
    assert "Nothing needs a person." in done.stdout
    assert "odd         identity_changes 1, since the start" in done.stdout
    assert "\x1b" not in done.stdout
    found = document(worker, "status")
    assert found["needs"] == []
    assert found["overview"]["store"]["instances"] == 2


def test_instances_are_listed_chosen_and_sorted(worker: WorkerProcess) -> None:
    assert asked(worker, "ls").stdout.splitlines()[1].split()[:3] == ["codechat/50%25", "well", "3"]
    assert names(worker) == ["codechat/50%", "codechat/sales"]
    assert [one["instance"] for one in document(worker, "ls", "codechat", "--sort", "files")] == ["50%", "sales"]
    assert [one["instance"] for one in document(worker, "ls", "--sort", "written")] == ["50%", "sales"]
    assert document(worker, "ls", "--silent", "1d") == []
    assert len(document(worker, "ls", "--silent", "0s")) == 2
    assert send(worker, "POST", "/session/codechat", {"instance": "new"}) == 204
    assert [one["instance"] for one in document(worker, "ls", "--state", "no-creds")] == ["new"]
    missing = asked(worker, "ls", "nobody")
    assert (missing.returncode, missing.stdout) == (Code.FAILED, "")
    assert "does not exist" in missing.stderr


def test_an_older_version_becomes_current_once_it_is_meant(worker: WorkerProcess) -> None:
    newest, oldest = document(worker, "versions", "codechat/sales")
    assert (newest["isCurrent"], oldest["isCurrent"]) == (True, False)
    dry = asked(worker, "restore", "codechat/sales", oldest["version"], "--dry-run")
    assert (dry.returncode, "Nothing was changed." in dry.stderr) == (Code.DONE, True)
    refused = asked(worker, "restore", "codechat/sales", oldest["version"])
    assert (refused.returncode, "--yes" in refused.stderr) == (Code.FAILED, True)
    assert document(worker, "versions", "codechat/sales")[0] == newest
    assert asked(worker, "restore", "codechat/sales", oldest["version"], "--yes").returncode == Code.DONE
    found = document(worker, "versions", "codechat/sales")
    assert found[0]["identity"] == oldest["identity"]
    assert newest["version"] in {one["version"] for one in found}
    again = asked(worker, "restore", "codechat/sales", found[0]["version"])
    assert "is the current version of codechat/sales already" in again.stderr
    wrong = asked(worker, "restore", "codechat/sales", "17-0.nothing.0", "--yes")
    assert (wrong.returncode, "is not kept, or never was" in wrong.stderr) == (Code.FAILED, True)


def test_an_instance_is_dropped_listed_and_brought_back(worker: WorkerProcess) -> None:
    assert asked(worker, "drop", "codechat/sales").returncode == Code.FAILED
    assert len(names(worker)) == 2
    part = asked(worker, "drop", "codechat/sales", "codechat/nobody", "--yes")
    assert (part.returncode, "codechat/nobody: there is no such instance." in part.stderr) == (Code.PARTLY, True)
    assert asked(worker, "drop", "codechat/nobody", "--yes").returncode == Code.FAILED
    [drop] = document(worker, "drops")
    assert drop["until"] - drop["when"] == timedelta(days=7) / timedelta(milliseconds=1)
    day = datetime.fromtimestamp(drop["until"] / 1000, UTC).strftime("%Y-%m-%d")
    assert day in asked(worker, "drops").stdout.splitlines()[1]
    assert asked(worker, "undrop", "codechat/sales", "--as", "other").returncode == Code.DONE
    assert names(worker) == ["codechat/50%", "codechat/other"]
    nothing = asked(worker, "undrop", "codechat/sales")
    assert (nothing.returncode, "Nothing that was dropped" in nothing.stderr) == (Code.FAILED, True)


def test_of_several_drops_one_has_to_be_named(worker: WorkerProcess) -> None:
    for _ in range(2):
        assert asked(worker, "drop", "codechat/sales", "--yes").returncode == Code.DONE
        fill(worker, "codechat", "sales")
    newer, older = document(worker, "drops")
    several = asked(worker, "undrop", "codechat/sales")
    assert several.returncode == Code.FAILED
    assert f"name one by --drop: {older['drop']}, {newer['drop']}" in several.stderr
    taken = asked(worker, "undrop", "codechat/sales", "--drop", older["drop"])
    said = "Error: codechat/sales exists. --replace drops it in the same step, and --as brings this one back under "
    assert (taken.returncode, taken.stderr) == (Code.FAILED, f"{said}another name.\n")
    assert asked(worker, "purge", "codechat/sales", "--drop", older["drop"], "--yes").returncode == Code.DONE
    assert [one["drop"] for one in document(worker, "drops")] == [newer["drop"]]


def test_an_instance_is_brought_back_in_the_place_of_another(worker: WorkerProcess) -> None:
    assert asked(worker, "drop", "codechat/sales", "--yes").returncode == Code.DONE
    fill(worker, "codechat", "sales")
    [older] = document(worker, "drops")
    assert asked(worker, "undrop", "codechat/sales").returncode == Code.FAILED
    asking = asked(worker, "undrop", "codechat/sales", "--replace")
    assert (asking.returncode, "What is codechat/sales now is dropped." in asking.stderr) == (Code.FAILED, True)
    assert document(worker, "drops") == [older]
    assert asked(worker, "undrop", "codechat/sales", "--replace", "--yes").returncode == Code.DONE
    [replaced] = document(worker, "drops")
    assert (replaced["drop"] != older["drop"], names(worker)) == (True, ["codechat/50%", "codechat/sales"])
    assert replaced["until"] - replaced["when"] == timedelta(days=7) / timedelta(milliseconds=1)


def test_an_instance_is_erased_for_good_and_what_was_dropped_before_stays(worker: WorkerProcess) -> None:
    assert asked(worker, "drop", "codechat/sales", "--yes").returncode == Code.DONE
    [before] = document(worker, "drops")
    gone = asked(worker, "purge", "codechat/sales", "--yes")
    assert (gone.returncode, f"--drop tells which: {before['drop']}" in gone.stderr) == (Code.FAILED, True)
    fill(worker, "codechat", "sales")
    asking = asked(worker, "purge", "codechat/sales")
    assert (asking.returncode, "This cannot be undone." in asking.stderr) == (Code.FAILED, True)
    assert asked(worker, "purge", "codechat/sales", "--yes").returncode == Code.DONE
    assert document(worker, "drops") == [before]
    assert names(worker) == ["codechat/50%"]


def test_a_whole_group_is_dropped(worker: WorkerProcess) -> None:
    assert asked(worker, "drop", "codechat/sales", "--group", "codechat").returncode == Code.USAGE
    assert asked(worker, "drop", "--group", "codechat").returncode == Code.FAILED
    assert asked(worker, "drop", "--group", "codechat", "--yes").returncode == Code.DONE
    assert names(worker) == []
    assert len(document(worker, "drops")) == 2


def test_operators_and_apis_have_tokens_of_their_own(tmp_path: Path) -> None:
    tokens = {"SESSIONWORKER_ADMIN_TOKEN": "operator"}
    with WorkerProcess(tmp_path / "store", environment=tokens) as worker:
        fill(worker, "codechat", "sales")
        assert asked(worker, "check", **tokens).returncode == Code.DONE
        refused = asked(worker, "status")
        assert refused.returncode == Code.TOKEN_REFUSED
        assert refused.stderr == (
            "Error: The token of GLOBAL_AUTH_TOKEN is refused. "
            "This token is for session files alone. Operators have one of their own.\n"
        )
        assert asked(worker, "drop", "codechat/sales", "--yes", **tokens).returncode == Code.DONE


def test_a_store_whose_worker_does_not_run_is_asked_in_the_same_way(worker: WorkerProcess) -> None:
    held = document(worker, "ls", "codechat")[1]["types"]
    assert asked(worker, "drop", "codechat/50%25", "--yes").returncode == Code.DONE
    assert worker.terminate() == 0
    [found] = json.loads(ran("--json", "ls", "--store", worker.store).stdout)
    assert (found["instance"], found["types"]) == ("sales", held)
    [drop] = json.loads(ran("--json", "drops", "--store", worker.store).stdout)
    assert drop["until"] is None, "the settings of its own worker are not known"
    assert ran("check", "--store", worker.store).returncode == Code.DONE
    assert ran("undrop", "codechat/50%25", "--store", worker.store).returncode == Code.DONE
    wrong = ran("ls", "--store", worker.store, "--url", worker.url)
    assert wrong.returncode == Code.USAGE


def test_a_database_is_a_store_too_and_its_password_is_never_said(postgres: Server) -> None:
    end = PostgresEnd(postgres.url())
    try:
        with WorkerProcess(end.address) as worker:
            fill(worker, "codechat", "sales")
            running = ran("--json", "ls", "--store", end.address)
            assert worker.terminate() == 0
        [found] = json.loads(running.stdout)
        assert found["types"] == {"creds": 1, "pre-key": 1}
        assert ran("check", "--store", end.address).returncode == Code.DONE
    finally:
        end.clear()
    gone = ran("ls", "--store", "postgresql://worker:hunter2@127.0.0.1:1/whatsapp")
    assert (gone.returncode, gone.stdout, "hunter2" in gone.stderr) == (Code.NO_WORKER, "", False)
    assert gone.stderr.startswith("Error: ")


def test_a_reader_that_is_gone_is_no_traceback(worker: WorkerProcess) -> None:
    variables = {"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token}
    process = subprocess.Popen(
        [*COMMAND, "ls"],
        cwd=REPOSITORY,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == Code.FAILED
