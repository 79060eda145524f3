"""`sessionworker import` brings accounts in whole, says what it found, and replaces nothing that is not meant."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from sessionworker.commands.endings import Code
from sessionworker.migration.arriving import WAITING_GROUP, digest_of
from sessionworker.page.reported import read_report
from tests.commands.typed import COMMAND, Ended, asked, ended, environment, ran
from tests.migration.examples import account, paired_creds, text_of, texts_of, unpaired_creds
from tests.migration.places import write_fixed, write_raw
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import show_figure

pytestmark = pytest.mark.slow


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path / "store") as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two accounts, one that was never paired, and one whose creds are cut off."""
    place = tmp_path / "instances"
    write_fixed(place / "sales", account("sales", "5511999999999"))
    write_fixed(place / "São João", account("support", "5511888888888"))
    write_fixed(place / "new", texts_of({"creds": unpaired_creds("new")}))
    write_fixed(place / "torn", {**account("torn", "5511777777777"), "creds": account("torn")["creds"][:100]})
    return place


class Answer(NamedTuple):
    status: int
    body: bytes


def call(worker: WorkerProcess, method: str, path: str, body: object = None) -> Answer:
    connection = HTTPConnection("127.0.0.1", worker.port, timeout=30)
    try:
        connection.request(
            method,
            path,
            None if body is None else json.dumps(body).encode(),
            {"apikey": worker.token, "Content-Type": "application/json"},
        )
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def imported(worker: WorkerProcess, folder: Path, *words: object) -> tuple[Ended, dict[str, str]]:
    """Run an import; return what became of each account, too."""
    done = asked(worker, "--json", "import", "baileys", folder, "--group", "codechat", *words)
    found = json.loads(done.stdout) if done.stdout else {"accounts": []}
    return done, {one["instance"]: one["state"] for one in found["accounts"]}


def held(worker: WorkerProcess, instance: str, group: str = "codechat") -> dict[str, bytes]:
    """All that an instance holds, byte for byte."""
    path = f"/session/{group}/{quote(instance)}"
    keys = json.loads(call(worker, "POST", path, {"list": ""}).body)["keys"]
    values = {}
    connection = HTTPConnection("127.0.0.1", worker.port, timeout=30)
    try:
        for key in keys:
            connection.request("GET", f"{path}/{quote(key, safe='')}", headers={"apikey": worker.token})
            values[key] = connection.getresponse().read()
    finally:
        connection.close()
    return values


def instances(worker: WorkerProcess, group: str = "codechat") -> Any:
    answer = call(worker, "GET", f"/session/{group}/list-instances")
    return json.loads(answer.body) if answer.status == 200 else None


def is_the_same(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> bool:
    return digest_of(one) == digest_of(other)


def test_a_dry_run_says_what_there_is_and_changes_nothing(worker: WorkerProcess, folder: Path) -> None:
    done, states = imported(worker, folder, "--dry-run")
    assert (done.returncode, done.stderr.count("\n")) == (Code.PARTLY, 1)
    assert states == {"sales": "ready", "São João": "ready", "new": "left out", "torn": "failed"}
    assert instances(worker) is None
    told = asked(worker, "import", "baileys", folder, "--group", "codechat", "--dry-run").stdout
    assert "question [not-paired]: It is not paired: no phone has scanned its QR code" in told
    assert "failure: Its creds cannot be read" in told
    assert "2 ready, 1 left out, 1 failed." in told


def test_accounts_arrive_byte_for_byte_and_once(worker: WorkerProcess, folder: Path, tmp_path: Path) -> None:
    done, states = imported(worker, folder, "--report", tmp_path / "report.json")
    assert done.returncode == Code.PARTLY
    assert states == {"sales": "imported", "São João": "imported", "new": "left out", "torn": "failed"}
    assert instances(worker) == ["São João", "sales"]
    assert is_the_same(held(worker, "sales"), account("sales", "5511999999999"))
    assert is_the_same(held(worker, "São João"), account("support", "5511888888888"))
    assert instances(worker, WAITING_GROUP) is None
    report = json.loads((tmp_path / "report.json").read_text())
    [sales] = [one for one in report["accounts"] if one["instance"] == "sales"]
    assert sales["digest"] == digest_of(account("sales", "5511999999999"))
    assert not report["dryRun"]
    shown = read_report((tmp_path / "report.json").read_bytes(), 1, "pt-BR")  # as the page shows it
    assert {row.instance: row.state.value for row in shown.rows} == states
    _, states = imported(worker, folder)
    assert states == {"sales": "equal", "São João": "equal", "new": "left out", "torn": "failed"}
    assert json.loads(asked(worker, "--json", "drops").stdout) == []


def test_what_is_accepted_and_what_is_wanted_alone(worker: WorkerProcess, folder: Path) -> None:
    done, states = imported(worker, folder, "--only", "new", "--accept", "not-paired")
    assert (done.returncode, states) == (Code.DONE, {"new": "imported"})
    assert instances(worker) == ["new"]
    nobody, _ = imported(worker, folder, "--only", "nobody")
    assert (nobody.returncode, "There is no account" in nobody.stderr) == (Code.FAILED, True)


def test_another_identity_is_not_replaced_unless_it_is_meant_and_can_be_brought_back(
    worker: WorkerProcess, folder: Path
) -> None:
    imported(worker, folder, "--only", "sales")
    other = {"creds": text_of(paired_creds("paired again"))}
    write_fixed(folder / "sales", other)
    done, states = imported(worker, folder, "--only", "sales")
    assert (done.returncode, states) == (Code.FAILED, {"sales": "left out"})
    assert "another-identity-here" in asked(worker, "import", "baileys", folder, "--group", "codechat").stdout
    assert is_the_same(held(worker, "sales"), account("sales", "5511999999999"))
    done, states = imported(worker, folder, "--only", "sales", "--accept", "another-identity-here")
    assert (done.returncode, states) == (Code.DONE, {"sales": "imported"})
    assert held(worker, "sales")["creds"] == other["creds"]
    assert asked(worker, "undrop", "codechat/sales", "--as", "before").returncode == Code.DONE
    assert is_the_same(held(worker, "before"), account("sales", "5511999999999"))


def test_what_went_on_in_the_worker_is_not_taken_back(worker: WorkerProcess, folder: Path) -> None:
    imported(worker, folder, "--only", "sales")
    moved = {"data": text_of({"_sessions": {"moved": 1}}).decode()}
    assert call(worker, "POST", "/session/codechat/sales/session-5511888888888.0", moved).status == 204
    assert imported(worker, folder, "--only", "sales")[1] == {"sales": "left out"}
    newer = {"data": text_of(paired_creds("sales", "5511999999999", nextPreKeyId=99)).decode()}
    assert call(worker, "POST", "/session/codechat/sales/creds", newer).status == 204
    done, _ = imported(worker, folder, "--only", "sales")
    assert '"newer_here"' in done.stdout


def test_one_account_twice_is_imported_neither_way(worker: WorkerProcess, folder: Path) -> None:
    write_fixed(folder / "copy", account("sales", "5511999999999"))
    done, states = imported(worker, folder, "--only", "sales", "--only", "copy")
    assert (done.returncode, states) == (Code.FAILED, {"sales": "left out", "copy": "left out"})


def test_without_a_group_nothing_is_imported(worker: WorkerProcess, folder: Path) -> None:
    done = asked(worker, "import", "baileys", folder)
    assert (done.returncode, "Name the one that they are to be in, with --group" in done.stderr) == (Code.USAGE, True)
    assert asked(worker, "import", "baileys", folder / "nothing").returncode == Code.USAGE


def test_groups_that_the_source_has_are_kept(worker: WorkerProcess, tmp_path: Path) -> None:
    place = tmp_path / "instances"
    write_raw(place / "codechat" / "sales", account("sales", "5511999999999"))
    write_raw(place / "evolution" / "support", account("support", "5511888888888"))
    assert asked(worker, "import", "session-manager", place).returncode == Code.DONE
    assert (instances(worker), instances(worker, "evolution")) == (["sales"], ["support"])


def test_a_store_whose_worker_does_not_run_takes_them_too(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "stopped"
    with WorkerProcess(store):
        pass
    words = ["import", "baileys", folder, "--group", "codechat", "--only", "sales", "--store", store]
    assert ran(*words).returncode == Code.DONE
    with WorkerProcess(store) as worker:
        assert is_the_same(held(worker, "sales"), account("sales", "5511999999999"))


def test_an_import_that_is_killed_leaves_each_account_whole_or_not_there_and_goes_on(
    worker: WorkerProcess, tmp_path: Path, full: bool
) -> None:
    place, wanted = tmp_path / "many", {}
    for number in range(12 if full else 6):
        others = {f"pre-key-{key}": b'{"private":%d}' % key for key in range(31, 1500)}
        wanted[f"n{number:02}"] = {**account(f"n{number}", f"55110000000{number:02}", nextPreKeyId=1500), **others}
        write_fixed(place / f"n{number:02}", wanted[f"n{number:02}"])
    variables = {"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token}
    words = [*COMMAND, "import", "baileys", str(place), "--group", "codechat"]
    kills = 0
    for many in (1, 4, 8) if full else (1, 3):
        process = subprocess.Popen(words, cwd=REPOSITORY, env=environment(variables), stdout=subprocess.DEVNULL)
        while len(instances(worker) or []) < many and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        kills += 1
        for name in instances(worker):
            assert is_the_same(held(worker, name), wanted[name])
    begun = time.monotonic()
    done, states = imported(worker, place)
    assert (done.returncode, set(states.values())) == (Code.DONE, {"imported", "equal"})
    for name, values in wanted.items():
        assert is_the_same(held(worker, name), values)
    assert instances(worker, WAITING_GROUP) is None
    assert [one["group"] for one in json.loads(asked(worker, "--json", "drops").stdout)] == []
    show_figure(
        f"import: {len(wanted)} accounts of {len(wanted['n00'])} keys, killed {kills} times, the rest took "
        f"{time.monotonic() - begun:.1f} s; digests equal"
    )


def test_a_name_that_is_wanted_and_not_there_is_told_before_anything_is_imported(
    worker: WorkerProcess, folder: Path
) -> None:
    done, states = imported(worker, folder, "--only", "sales", "--only", "salse")
    assert (done.returncode, "salse" in done.stderr, states) == (Code.FAILED, True, {})
    assert instances(worker) is None
    assert imported(worker, folder, "--only", "")[0].returncode == Code.FAILED
    assert imported(worker, folder, "--only", "codechat/sales")[1] == {"sales": "imported"}


def test_a_report_that_cannot_be_written_is_told_before_anything_is_imported(
    worker: WorkerProcess, folder: Path, tmp_path: Path
) -> None:
    done, _ = imported(worker, folder, "--only", "sales", "--report", tmp_path / "nowhere" / "report.json")
    assert (done.returncode, "nowhere" in done.stderr) == (Code.USAGE, True)
    assert instances(worker) is None


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_an_import_that_is_given_up_tells_what_it_did(
    worker: WorkerProcess, tmp_path: Path, word: signal.Signals, full: bool
) -> None:
    place, wanted = tmp_path / "many", {}
    for number in range(12 if full else 6):
        others = {f"pre-key-{key}": b'{"private":%d}' % key for key in range(31, 1500)}
        wanted[f"n{number:02}"] = {**account(f"n{number}", f"55110000000{number:02}", nextPreKeyId=1500), **others}
        write_fixed(place / f"n{number:02}", wanted[f"n{number:02}"])
    report = tmp_path / "report.json"
    words = [*COMMAND, "--json", "import", "baileys", str(place), "--group", "codechat", "--report", str(report)]
    variables = {"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token}
    process = subprocess.Popen(
        words, cwd=REPOSITORY, env=environment(variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with ended(process):
        while len(instances(worker) or []) < 2 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(word)
        printed, said = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (Code.INTERRUPTED, False), said
    states = {one["instance"]: one["state"] for one in json.loads(printed)["accounts"]}
    assert json.loads(report.read_text())["accounts"] == json.loads(printed)["accounts"]
    assert [name for name, state in sorted(states.items()) if state == "imported"] == instances(worker)
    assert "ready" in states.values()
    for name in instances(worker):
        assert is_the_same(held(worker, name), wanted[name])
