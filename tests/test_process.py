"""What the worker's process keeps to itself."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.daemon.twistd import PATIENCE, SALES, ask_over, twistd
from tests.ports import free_port

pytestmark = pytest.mark.slow

PR_GET_DUMPABLE = 3

UMASKS_IN_GATE = [(0o000, True), (0o027, False), (0o777, True)]
UMASKS = [*UMASKS_IN_GATE, (0o000, False), (0o377, True), (0o777, False)]
"""Which umask there is, and whether the store is sealed."""


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


@contextmanager
def under(umask: int) -> Iterator[None]:
    """Have what is started here begin with a umask."""
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take all umasks, or one that takes no right, one that takes all, and a usual one."""
    if "umask" in metafunc.fixturenames:
        is_full = metafunc.config.getoption("--full")
        metafunc.parametrize(("umask", "is_sealed"), UMASKS if is_full else UMASKS_IN_GATE)


def test_only_its_user_reads_what_it_writes_whatever_the_umask(tmp_path: Path, umask: int, is_sealed: bool) -> None:
    store, key, port = tmp_path / "store", tmp_path / "keys", free_port()
    options = ["--store", str(store), "--listen", f"tcp:{port}:interface=127.0.0.1"]
    if is_sealed:
        options += ["--encryption-key-file", str(key)]
    with under(umask):
        for _ in range(2):  # a key of an older one's file, too
            program = "from sessionworker.commands.key import main; main()"
            subprocess.run([sys.executable, "-c", program, "make", str(key)], check=True, capture_output=True)
    for _ in range(2):  # the second one finds what is there, and some of it broken
        with ExitStack() as stack:
            with under(umask):
                daemon = stack.enter_context(twistd(*options))
            daemon.wait_until_it_says("Tokens: ")
            leave_everything_behind(port, (store / ".sessionworker" / "token").read_text().strip())
            assert daemon.terminate() == 0
            assert " critical [" not in daemon.output
        check_modes([key, store, *store.rglob("*")])
        break_what_is_not_the_workers_own(store)
    made = {path.relative_to(store).parts for path in store.rglob("*") if path.is_file()}
    ours = {parts[1] for parts in made if parts[0] == ".sessionworker"}
    assert ours >= {"lock", "token", "journal", "dropped", "events", "summary", "probe"}
    assert all(any(folder in parts[:-1] for parts in made) for folder in ("versions", "broken"))


def break_what_is_not_the_workers_own(store: Path) -> None:
    for path in store.rglob("*"):
        if path.is_file() and ".sessionworker" not in path.parts:
            path.write_bytes(b"")


def leave_everything_behind(port: int, token: str) -> None:
    """Have a worker make each kind of file that there is, and go on with some changes in its journal alone."""

    def ask(method: str, path: str, body: object = None) -> int:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            return ask_over(connection, method, path, body, token=token).status

    for instance in ("sales", "support"):
        assert ask("POST", "/session/codechat", {"instance": instance}) == 204
        assert ask("GET", f"/session/codechat/{instance}/pre-key-1") in {200, 404}
        for number in range(3):
            creds = json.dumps({"registrationId": number, "nextPreKeyId": number})
            assert ask("POST", f"/session/codechat/{instance}/creds", {"data": creds}) == 204
        assert ask("POST", f"/session/codechat/{instance}/large", {"data": '"' + "x" * 2**21 + '"'}) == 204
        assert ask("POST", f"/session/codechat/{instance}/pre-key-1", {"data": "1"}) == 204
    assert ask("POST", "/admin/checkpoint") == 204
    assert ask("GET", "/health") == 200
    assert ask("GET", f"{SALES}/creds") == 200
    assert ask("DELETE", "/session/codechat/support") == 200
    assert ask("POST", f"{SALES}/pre-key-1", {"data": "2"}) == 204


def check_modes(paths: list[Path]) -> None:
    assert len(paths) > 30
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
