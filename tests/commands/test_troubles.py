"""What `status`, `check` and `doctor` say of a store that is well, and of those that are not."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionworker.commands.endings import Code
from tests.commands.typed import Ended, asked, fill, ran
from tests.process import WorkerProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with two whole instances, whose worker has ended."""
    with WorkerProcess(tmp_path / "store") as worker:
        fill(worker, "codechat", "sales")
        fill(worker, "codechat", "support", session_55={"a": 1})
        assert worker.terminate() == 0
    return tmp_path / "store"


@pytest.fixture
def worker(store: Path) -> Iterator[WorkerProcess]:
    """A worker on it."""
    with WorkerProcess(store) as running:
        yield running


def doctor(worker: WorkerProcess, *words: str, **variables: str) -> tuple[int, dict[str, list[str]]]:
    """Return the exit status of `doctor`, and what it found wrong, by what was looked at."""
    return _wrong(asked(worker, "--json", "doctor", *words, **{"SESSIONWORKER_STORE": str(worker.store), **variables}))


OF_THE_MACHINE = ("disk", "room", "files", "sync")
"""What is wrong with the disk that the tests have their files on, if anything: `test_machine` looks at that."""


def _wrong(done: Ended) -> tuple[int, dict[str, list[str]]]:
    wrong: dict[str, list[str]] = {}
    for line in json.loads(done.stdout):
        assert line["what"] != "disk" or "memory" in line["said"] or line["mark"] == "·"
        if line["mark"] == "✖" and line["what"] not in OF_THE_MACHINE:
            wrong.setdefault(line["what"], []).append(line["said"])
    return done.returncode, wrong


def needs(worker: WorkerProcess) -> list[str]:
    """Return what needs a person, as `status` says, but for the disk of the tests."""
    done = asked(worker, "--json", "status")
    found: list[str] = json.loads(done.stdout)["needs"]
    assert done.returncode == (Code.FOUND if found else Code.DONE)
    return [need for need in found if not need.startswith("The disk of the store has room")]


def verdicts(done: Ended) -> dict[str, list[str]]:
    """Return what `check` found, by instance, without those that are whole."""
    found: Any = json.loads(done.stdout)
    return {one["instance"]: one["problems"] for one in found["verdicts"] if one["problems"]}


def test_a_store_that_is_well(worker: WorkerProcess) -> None:
    assert needs(worker) == []
    done = asked(worker, "check")
    assert done.returncode == Code.DONE
    assert done.stdout.startswith("2 of 2 instances were read: 5 values, ")
    assert doctor(worker)[1] == {}
    alone = json.loads(asked(worker, "--json", "check", "codechat/sales").stdout)
    assert [one["instance"] for one in alone["verdicts"]] == ["sales"]
    nobody = asked(worker, "check", "codechat/nobody")
    assert (nobody.returncode, "codechat/nobody: there is no such instance." in nobody.stdout) == (Code.FOUND, True)


def test_what_imports_that_were_cut_off_have_left(worker: WorkerProcess) -> None:
    for name in ("0-1", "0-2"):
        fill(worker, "sessionworker-import", name)
    assert asked(worker, "drop", "sessionworker-import/0-1", "--yes").returncode == Code.DONE
    done = asked(worker, "status")
    assert done.returncode == Code.FOUND
    assert "In the group sessionworker-import are 2 accounts" in done.stdout
    assert "run that import again, or 'sessionworker drop --group sessionworker-import'" in done.stdout
    said = "2 accounts are left by imports that were cut off, or run now: 'sessionworker status' says what to do"
    assert doctor(worker) == (Code.FOUND, {"imports": [said]})
    assert asked(worker, "drop", "--group", "sessionworker-import", "--yes").returncode == Code.DONE
    for name in ("0-1", "0-2"):
        [drop] = [one for one in json.loads(asked(worker, "--json", "drops").stdout) if one["instance"] == name]
        words = ("purge", f"sessionworker-import/{name}", "--drop", drop["drop"], "--yes")
        assert asked(worker, *words).returncode == Code.DONE
    assert needs(worker) == []


def test_a_check_that_has_no_time_says_how_far_it_came_and_found_nothing(worker: WorkerProcess) -> None:
    done = asked(worker, "check", "--max-duration", "0s")
    assert (done.returncode, done.stderr) == (Code.DONE, "The time is up.\n")
    assert done.stdout.startswith("0 of 2 instances were read")


def test_creds_that_are_rotten_and_have_a_good_version(worker: WorkerProcess) -> None:
    (worker.store / "codechat" / "sales" / "creds").write_text("{")
    restart(worker)
    done = asked(worker, "--json", "check")
    assert done.returncode == Code.FOUND
    [problem, *_] = verdicts(done).pop("sales")
    assert "creds" in problem
    assert verdicts(asked(worker, "--json", "check")) == {}, "they were replaced"


def test_creds_that_are_rotten_with_all_their_versions(worker: WorkerProcess) -> None:
    folder = worker.store / "codechat" / "sales"
    for path in (folder / "creds", *(folder / ".sessionworker" / "versions").iterdir()):
        path.write_text("{")
    restart(worker)
    done = asked(worker, "--json", "check")
    assert (done.returncode, list(verdicts(done))) == (Code.FOUND, ["sales"])
    status = asked(worker, "status")
    assert status.returncode == Code.FOUND
    assert "codechat/sales: its creds are broken, and no older version is left" in status.stdout
    code, wrong = doctor(worker)
    assert (code, wrong) == (Code.FOUND, {"instances": ["1 need a person: 'sessionworker status' names them"]})


def test_a_value_that_is_rotten_is_named_by_its_type_alone(worker: WorkerProcess) -> None:
    (worker.store / "codechat" / "support" / "session-55").write_text("{")
    restart(worker)
    done = asked(worker, "check")
    assert done.returncode == Code.FOUND
    assert "codechat/support: A session file of type session of" in done.stdout
    assert "session-55" not in done.stdout + done.stderr
    assert asked(worker, "check").returncode == Code.DONE, "it was set aside"


def test_a_value_that_came_back_without_its_creds_being_an_account(worker: WorkerProcess) -> None:
    fill(worker, "codechat", "half", creds={"registrationId": 3})
    done = asked(worker, "--json", "check", "codechat")
    assert done.returncode == Code.FOUND
    [problem] = verdicts(done)["half"]
    assert problem.startswith("Its creds are not whole; missing: noiseKey")


def test_a_store_without_a_worker(store: Path) -> None:
    done = ran("status", "--url", "http://127.0.0.1:1", GLOBAL_AUTH_TOKEN="secret")
    assert (done.returncode, "No answer from http://127.0.0.1:1" in done.stderr) == (Code.NO_WORKER, True)
    code, wrong = _wrong(
        ran(
            *("--json", "doctor", "--url", "http://127.0.0.1:1"),
            SESSIONWORKER_STORE=str(store),
            GLOBAL_AUTH_TOKEN="secret",
        )
    )
    assert (code, list(wrong)) == (Code.FOUND, ["worker"])
    stopped = ran("doctor", "--store", store)
    assert "worker: none has the store" in stopped.stdout


def test_a_token_that_is_another_ones(worker: WorkerProcess) -> None:
    assert asked(worker, "status", GLOBAL_AUTH_TOKEN="another").returncode == Code.TOKEN_REFUSED
    code, wrong = doctor(worker, GLOBAL_AUTH_TOKEN="another")
    assert (code, wrong) == (
        Code.FOUND,
        {"worker": ["The token of GLOBAL_AUTH_TOKEN is refused. It is not this worker's."]},
    )


def test_two_workers(worker: WorkerProcess, tmp_path: Path) -> None:
    second = ran("check", "--store", worker.store)
    assert (second.returncode, second.stderr) == (
        Code.IN_USE,
        f"Error: The store {worker.store} is in use by another worker.\n",
    )
    elsewhere = doctor(worker, SESSIONWORKER_URL="http://127.0.0.1:1")[1]
    assert f"The process {worker.pid} has the store" in elsewhere["worker"][0]
    with WorkerProcess(tmp_path / "other") as other:
        [said] = doctor(worker, SESSIONWORKER_STORE=str(other.store))[1].get("worker", [""])
        assert said == ""
        assert other.terminate() == 0
        [said] = doctor(worker, SESSIONWORKER_STORE=str(other.store))[1]["worker"]
        assert said.startswith("it has another store than the one that is looked at here")


@pytest.fixture
def keys(tmp_path: Path) -> list[Path]:
    """Two key files."""
    for number in range(2):
        (tmp_path / f"keys{number}").write_text(b64encode(bytes([number]) * 32).decode())
        (tmp_path / f"keys{number}").chmod(0o600)
    return [tmp_path / f"keys{number}" for number in range(2)]


def test_a_wrong_key(tmp_path: Path, keys: list[Path]) -> None:
    with WorkerProcess(tmp_path / "sealed", "--encryption-key-file", str(keys[0])) as worker:
        fill(worker, "codechat", "sales")
        assert worker.terminate() == 0
    assert ran("check", "--store", worker.store, "--keys", keys[0]).returncode == Code.DONE
    variable = {"SESSIONWORKER_ENCRYPTION_KEY_FILE": str(keys[0])}
    assert ran("check", "--store", worker.store, **variable).returncode == Code.DONE
    for words in (("--keys", keys[1]), ()):
        done = ran("check", "--store", worker.store, *words)
        assert done.returncode == Code.NO_WORKER
        assert "key" in done.stderr
        assert keys[1].read_text() not in done.stderr
        code, wrong = _wrong(ran("--json", "doctor", "--store", worker.store, *words))
        assert (code, wrong) == (Code.FOUND, {"key": [done.stderr.removeprefix("Error: ").rstrip()]})
    assert _wrong(ran("--json", "doctor", "--store", worker.store, "--keys", keys[0]))[1] == {}
    assert _wrong(ran("--json", "doctor", "--store", worker.store, **variable))[1] == {}


def test_a_worker_that_runs_has_its_key_whoever_asks(tmp_path: Path, keys: list[Path]) -> None:
    with WorkerProcess(tmp_path / "sealed", "--encryption-key-file", str(keys[0])) as worker:
        fill(worker, "codechat", "sales")
        assert doctor(worker)[1] == {}
        [said] = doctor(worker, SESSIONWORKER_ENCRYPTION_KEY_FILE=str(keys[1]))[1]["key"]
        assert said.startswith("The store is encrypted with the key ")


@pytest.mark.parametrize("mode", [0o500, 0o300, 0o000])
def test_a_folder_that_cannot_be_used(worker: WorkerProcess, mode: int) -> None:
    folder = worker.store / "codechat" / "sales"
    folder.chmod(mode)
    code, wrong = doctor(worker)
    folder.chmod(0o700)
    assert code == Code.FOUND
    assert wrong["folders"] == ["codechat/sales is not this user's to read and write: chown and chmod u+rwx it"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a folder to another user")
def test_another_users_store(store: Path) -> None:
    os.chown(store / ".sessionworker", 5656, 5656)
    done = ran("check", "--store", store)
    assert (done.returncode, "sudo -u '#5656'" in done.stderr) == (Code.FAILED, True)
    code, wrong = _wrong(ran("--json", "doctor", "--store", store))
    assert (code, "run this as the worker's user" in wrong["store"][0]) == (Code.FOUND, True)


def test_secrets_that_others_may_read_and_settings_that_make_no_sense(worker: WorkerProcess, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(worker.token)
    token.chmod(0o644)
    files = {"GLOBAL_AUTH_TOKEN": "", "GLOBAL_AUTH_TOKEN_FILE": str(token)}
    assert doctor(worker, **files)[1] == {"token": [f"others may read the file {token}: chmod 600 {token}"]}
    wrong = doctor(worker, SESSIONWORKER_THREADS="many", SESSIONWORKER_KEEP_DROPPED="3")[1]
    assert wrong["settings"] == ["SESSIONWORKER_THREADS: it must be a whole number from 1 to 64."]
    [doubt] = doctor(worker, SESSIONWORKER_KEEP_DROPPED="3")[1]["settings"]
    assert "Is SESSIONWORKER_KEEP_DROPS meant?" in doubt


def test_the_doctor_changes_nothing(store: Path) -> None:
    def content() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in [store, *store.rglob("*")]}

    before = content()
    assert ran("doctor", "--store", store).stdout.count("✔") > 3
    assert content() == before


def restart(worker: WorkerProcess) -> None:
    """Start a worker again, so that it remembers no values."""
    assert worker.terminate() == 0
    worker.start()
    worker.wait_until_ready()
