"""`export`, `backup` and `verify`: what a worker holds comes out whole, of one moment, and goes back in."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sessionworker.commands.endings import Code
from tests.commands.test_import import call
from tests.commands.typed import COMMAND, Ended, asked, environment, fill, ran, send
from tests.migration.examples import account
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import require

pytestmark = pytest.mark.slow

ODD = "a/b: ☎"
"""A key that no file can be called."""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    """One with two accounts, of which one holds odd values, and an instance that was never paired."""
    with WorkerProcess(tmp_path / "store") as running:
        for name, phone in (("sales", "5511999999999"), ("support", "5511888888888")):
            assert send(running, "POST", "/session/codechat", {"instance": name}) == 204
            values = {key: json.loads(value) for key, value in account(name, phone).items()}
            assert call(running, "POST", f"/session/codechat/{name}", {"changes": values}).status == 204
        for key, text in ((ODD, ' { "x" :1.50 }\n'), ("null", " null "), ("half", '"\\ud83d"')):
            path = "/session/codechat/sales/" + {"null": "null", "half": "half"}.get(key, "a%2Fb%3A%20%E2%98%8E")
            assert send(running, "POST", path, {"data": text}) == 204
        assert send(running, "POST", "/session/other", {"instance": "new"}) == 204
        yield running


def everything(worker: WorkerProcess) -> dict[str, dict[str, str]]:
    """All that a worker holds, by its instances."""
    found = {}
    for group in json.loads(call(worker, "GET", "/admin/groups").body):
        for name in json.loads(call(worker, "GET", f"/session/{group}/list-instances").body):
            answer = call(worker, "POST", f"/session/{group}/{name}", {"whole": True})
            found[f"{group}/{name}"] = json.loads(answer.body)["texts"]
    return found


def document(ended: Ended) -> dict[str, object]:
    found: dict[str, object] = json.loads(ended.stdout)
    return found


def test_an_archive_brings_everything_back_into_an_empty_worker(worker: WorkerProcess, tmp_path: Path) -> None:
    archive = tmp_path / "all.jsonl.gz"
    assert asked(worker, "export", "archive", archive).returncode == Code.DONE
    assert archive.stat().st_mode & 0o777 == 0o600
    with WorkerProcess(tmp_path / "another") as other:
        done = asked(other, "import", "archive", archive)
        assert done.returncode == Code.DONE, done.stdout + done.stderr
        assert everything(other) == everything(worker)
        assert asked(other, "import", "archive", archive).returncode == Code.DONE  # all of it is there


def test_one_instance_of_an_archive_is_brought_back_alone(worker: WorkerProcess, tmp_path: Path) -> None:
    archive, before = tmp_path / "all.jsonl.gz", everything(worker)
    asked(worker, "export", "archive", archive)
    for name in ("sales", "support"):
        assert send(worker, "DELETE", f"/session/codechat/{name}") == 200
    assert asked(worker, "import", "archive", archive, "--only", "sales").returncode == Code.DONE
    found = everything(worker)
    assert found["codechat/sales"] == before["codechat/sales"]
    assert "codechat/support" not in found


def test_an_archive_holds_what_was_named(worker: WorkerProcess, tmp_path: Path) -> None:
    archive = tmp_path / "some.jsonl.gz"
    done = asked(worker, "export", "archive", archive, "codechat/sales", "other", "codechat/nobody", "nowhere")
    assert done.returncode == Code.PARTLY
    assert "codechat/nobody: there is no such instance." in done.stdout
    assert "nowhere: there is no such group." in done.stdout
    verified = asked(worker, "--json", "verify", archive)
    assert document(verified)["places"] == ["codechat/sales", "other/new"]


def test_no_account_is_exported_in_between_two_batches(worker: WorkerProcess, tmp_path: Path) -> None:
    is_over = threading.Event()
    keys = [f"counter-{number}" for number in range(200)]

    def write() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            changes = dict.fromkeys(keys, number)
            assert call(worker, "POST", "/session/codechat/sales", {"changes": changes}).status == 204

    writing = threading.Thread(target=write)
    writing.start()
    try:
        seen = []
        for number in range(3):
            archive = tmp_path / f"{number}.jsonl"
            assert asked(worker, "export", "archive", archive, "--plain", "codechat/sales").returncode == Code.DONE
            records = [json.loads(line) for line in archive.read_text().splitlines()]
            seen.append({one["data"] for one in records if one.get("key") in keys})
    finally:
        is_over.set()
        writing.join()
    assert [len(values) for values in seen] == [1, 1, 1]
    assert len(set.union(*seen)) == 3


def test_baileys_folders_are_written_for_those_that_were_paired(worker: WorkerProcess, tmp_path: Path) -> None:
    done = asked(worker, "--json", "export", "baileys", tmp_path / "out", "codechat/support", "other")
    assert done.returncode == Code.DONE, done.stderr
    states = {one["instance"]: one["state"] for one in document(done)["accounts"]}  # type: ignore[attr-defined]
    assert states == {"support": "exported", "new": "not paired"}
    assert json.loads((tmp_path / "out/support/creds.json").read_text()) == json.loads(
        everything(worker)["codechat/support"]["creds"]
    )
    again = asked(worker, "export", "baileys", tmp_path / "out", "codechat/support")
    assert again.returncode == Code.FAILED
    assert "is there already" in again.stdout


def test_a_backup_is_encrypted_to_a_key_or_with_a_passphrase(worker: WorkerProcess, tmp_path: Path) -> None:
    age = require("age")
    identity = tmp_path / "identity"
    subprocess.run([age + "-keygen", "-o", identity], check=True, capture_output=True)
    public = subprocess.run(
        [age + "-keygen", "-y", identity], check=True, capture_output=True, text=True
    ).stdout.strip()
    (tmp_path / "passphrase").write_text("correct horse\n")
    to_key, with_phrase = tmp_path / "key.age", tmp_path / "phrase.age"
    assert asked(worker, "export", "archive", to_key, "--recipient", public).returncode == Code.DONE
    options = "--passphrase-file", tmp_path / "passphrase"
    assert asked(worker, "export", "archive", with_phrase, *options).returncode == Code.DONE
    for file in (to_key, with_phrase):
        assert not {b"codechat", b"noiseKey"} & {
            word for word in (b"codechat", b"noiseKey") if word in file.read_bytes()
        }
        assert ran("verify", file).returncode == Code.FAILED
    assert ran("verify", to_key, "--identity", identity).returncode == Code.DONE
    assert ran("verify", with_phrase, *options).returncode == Code.DONE
    by_hand = subprocess.run([age, "-d", "-i", identity, to_key], check=True, capture_output=True).stdout
    assert b'"record":"end"' in gzip.decompress(by_hand)
    with WorkerProcess(tmp_path / "another") as other:
        assert asked(other, "import", "archive", with_phrase, *options).returncode == Code.DONE
        assert everything(other) == everything(worker)


def interrupted(worker: WorkerProcess, until: Callable[[], bool], *words: object) -> Ended:
    """Interrupt a command once something is so."""
    variables = environment({"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token})
    typed = [*COMMAND, *map(str, words)]
    process = subprocess.Popen(
        typed, cwd=REPOSITORY, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not until() and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    printed, said = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (Code.INTERRUPTED, False), said
    return subprocess.CompletedProcess(typed, process.returncode, printed, said)


def test_one_that_is_interrupted_while_it_begins_leaves_nothing(worker: WorkerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (tmp_path / "passphrase").write_text("which takes a second to become a key")
    interrupted(
        worker,
        lambda: bool(list(folder.iterdir())),
        *("backup", folder, "--passphrase-file", tmp_path / "passphrase"),
    )
    assert list(folder.iterdir()) == []


def test_what_was_written_before_an_interruption_is_told(worker: WorkerProcess, tmp_path: Path) -> None:
    for number in range(12):
        fill(worker, "many", f"n{number:02}", blob=[number] * 100_000)
    out = tmp_path / "out"
    ended = interrupted(worker, (out / "n01").exists, *("--json", "export", "baileys", out, "many"))
    told = {one["instance"] for one in document(ended)["accounts"] if one["state"] == "exported"}  # type: ignore[attr-defined]
    there = {one.name for one in out.iterdir()}
    assert told == there
    assert 1 <= len(told) < 12
