"""What the worker's process keeps to itself."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.twistd import SALES, ask
from tests.process import WorkerProcess

pytestmark = pytest.mark.slow

PR_GET_DUMPABLE = 3


def test_none_of_its_memory_gets_to_a_disk() -> None:
    script = (
        "import ctypes; from sessionworker.process import keep_private; keep_private(); "
        f"print(ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}, 0, 0, 0, 0)); print(open('/proc/self/limits').read())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    dumpable, *limits = done.stdout.splitlines()
    assert dumpable == "0"
    [core] = [line.split() for line in limits if line.startswith("Max core file size")]
    assert core[4:6] == ["0", "0"]


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_only_its_user_reads_what_it_writes_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        worker = WorkerProcess(tmp_path / "store")
        worker.start()
    finally:
        os.umask(before)
    try:
        worker.wait_until_ready()
        assert ask(worker, "POST", "/session/codechat", {"instance": "sales"}).status == 204
        assert ask(worker, "POST", f"{SALES}/creds", {"data": '{"me":1}'}).status == 204
        assert ask(worker, "POST", f"{SALES}/large", {"data": '"' + "x" * 2**21 + '"'}).status == 204
        assert ask(worker, "POST", "/admin/checkpoint").status == 204
        assert ask(worker, "DELETE", SALES).status == 200
        worker.terminate()
    finally:
        worker.close()
    found = [tmp_path / "store", *(tmp_path / "store").rglob("*")]
    assert len(found) > 15
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
