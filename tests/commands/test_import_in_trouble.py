"""An import onto a disk that fills up, into a worker that seals, of a very large account: all or nothing, and told."""

from __future__ import annotations

import json
import subprocess
import time
from base64 import b64encode
from pathlib import Path
from typing import TypeAlias

import pytest

from sessionworker.commands.endings import Code
from sessionworker.migration.arriving import WAITING_GROUP
from tests.commands.test_import import call, held, imported, instances, is_the_same
from tests.commands.typed import COMMAND, ended, environment
from tests.migration.examples import account
from tests.migration.places import write_fixed
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import show_figure
from tests.volumes import mounted

pytestmark = pytest.mark.slow

MIB = 2**20
MARK = b"5f0c3a91"

Accounts: TypeAlias = dict[str, dict[str, bytes]]


def accounts(folder: Path, sizes: list[int], keys: int) -> Accounts:
    """Write accounts, each with so many bytes under so many keys beside its own; return them by their names."""
    written = {}
    for number, size in enumerate(sizes):
        padding = b'"%s"' % (MARK * (size // keys // len(MARK)))
        others = {f"sender-key-{key}": padding for key in range(keys)}
        written[f"n{number}"] = {**account(f"n{number}", f"551100000000{number}"), **others}
        write_fixed(folder / f"n{number}", written[f"n{number}"])
    return written


def whole(worker: WorkerProcess, wanted: Accounts) -> list[str]:
    """Return which accounts are there, each of which is whole."""
    there = instances(worker) or []
    assert [name for name in there if not is_the_same(held(worker, name), wanted[name])] == []
    return list(there)


def assert_nothing_is_left_over(worker: WorkerProcess) -> None:
    assert instances(worker, WAITING_GROUP) is None
    assert json.loads(call(worker, "GET", "/admin/drops").body) == []


def test_a_disk_that_fills_up_is_told_and_the_rest_arrives_once_there_is_room(tmp_path: Path) -> None:
    wanted = accounts(tmp_path / "instances", [5 * MIB] * 6, 20)
    with mounted(tmp_path / "disk", "tmpfs", 96 * MIB):
        filler = tmp_path / "disk" / "filler"
        filler.write_bytes(bytes(64 * MIB))
        with WorkerProcess(tmp_path / "disk" / "store") as worker:
            done, states = imported(worker, tmp_path / "instances")
            there = whole(worker, wanted)
            assert (done.returncode, "There is no space left to store this." in done.stderr) == (Code.PARTLY, True)
            came, [failed, *others] = there, sorted(wanted.keys() - there)
            assert states == {**dict.fromkeys(came, "imported"), failed: "failed", **dict.fromkeys(others, "ready")}
            assert came
            assert "refused_by_worker" in done.stdout
            assert_nothing_is_left_over(worker)
            filler.unlink()
            deadline = time.monotonic() + 60
            while done.returncode != Code.DONE and time.monotonic() < deadline:  # the worker tries every 5 s
                done, states = imported(worker, tmp_path / "instances")
            assert (done.returncode, whole(worker, wanted)) == (Code.DONE, sorted(wanted))
            assert {states[name] for name in came} == {"equal"}
            assert_nothing_is_left_over(worker)
            assert worker.failures == []
    show_figure(
        f"import onto a disk that was full after {len(came)} of {len(wanted)} accounts: each whole or not there"
    )


def test_a_worker_that_seals_and_is_killed_has_accounts_whole_or_not_at_all_and_nothing_of_them_in_plain(
    tmp_path: Path,
) -> None:
    key = tmp_path / "key"
    key.write_text(b64encode(bytes(32)).decode())
    key.chmod(0o600)
    wanted = accounts(tmp_path / "instances", [MIB] * 8, 60)
    words = [*COMMAND, "--json", "import", "baileys", str(tmp_path / "instances"), "--group", "codechat"]
    with WorkerProcess(tmp_path / "store", "--encryption-key-file", str(key)) as worker:
        variables = {"SESSIONWORKER_URL": worker.url, "GLOBAL_AUTH_TOKEN": worker.token}
        process = subprocess.Popen(
            words, cwd=REPOSITORY, env=environment(variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        with ended(process):
            while len(instances(worker) or []) < 2 and process.poll() is None:
                time.sleep(0.005)
            worker.kill()
            printed, said = process.communicate(timeout=60)
        assert (process.returncode, "Traceback" in said) == (Code.NO_WORKER, False), said
        told = {one["instance"] for one in json.loads(printed)["accounts"] if one["state"] == "imported"}
        worker.start()
        worker.wait_until_ready()
        came = whole(worker, wanted)
        assert told <= set(came)
        assert len(came) < len(wanted)
        done, _ = imported(worker, tmp_path / "instances")
        assert (done.returncode, whole(worker, wanted)) == (Code.DONE, sorted(wanted))
        assert_nothing_is_left_over(worker)
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path for path in files if MARK in path.read_bytes() or "sender-key" in path.name] == []
    show_figure(
        f"import into a worker that seals and was killed after {len(came)} of {len(wanted)}: each whole or not there"
    )


def test_an_account_of_30_mib_arrives_and_one_with_a_value_over_the_limit_is_told(tmp_path: Path) -> None:
    wanted = accounts(tmp_path / "instances", [30 * MIB], 120)
    too_large = {**account("large", "5511888888888"), "app-state-sync-version-regular": b'"%s"' % (b"x" * 33 * MIB)}
    write_fixed(tmp_path / "instances" / "large", too_large)
    with WorkerProcess(tmp_path / "store") as worker:
        begun = time.monotonic()
        done, states = imported(worker, tmp_path / "instances")
        seconds = time.monotonic() - begun
        assert (done.returncode, states) == (Code.PARTLY, {"n0": "imported", "large": "failed"})
        assert "The worker refused it: The body" in done.stdout
        assert whole(worker, wanted) == ["n0"]
        assert_nothing_is_left_over(worker)
        assert worker.failures == []
    show_figure(f"import of an account of 30 MiB under 120 keys: {seconds:.1f} s; digests equal")
