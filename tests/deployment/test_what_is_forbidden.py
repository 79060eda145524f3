"""What the units and the image forbid the worker, it does not need."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.deployment.units import SERVICE, service_command, setting, wait_until_listening
from tests.ports import free_port
from tests.tools import require

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The store of a worker that served a while and was stopped, and every system call that it made."""
    folder = tmp_path_factory.mktemp("trace")
    subprocess.run([*service_command()[:1], "sessionworker", "--help"], check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    token = folder / "token"
    token.write_text("the-token")
    traced = subprocess.Popen(
        [
            *(require("strace"), "-D", "-f", "-qq", "-e", "signal=none", "-o", str(folder / "calls")),
            *service_command()[:-2],
            *("--listen", f"tcp:{port}:interface=127.0.0.1"),
            *("--store", str(folder / "store"), "--token-file", str(token)),
        ],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until_listening(port)
        headers = {"apikey": "the-token", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for method, path, body, status in (
            ("POST", "/session", '{"group": "codechat"}', 204),
            ("POST", "/session/codechat", '{"instance": "sales"}', 204),
            ("POST", "/session/codechat/sales/creds", '{"data": "{}"}', 204),
            ("GET", "/session/codechat/sales/creds", None, 200),
            ("GET", "/session/codechat/list-instances", None, 200),
            ("DELETE", "/session/codechat/sales/creds", None, 200),
            ("DELETE", "/session/codechat/sales", None, 200),
        ):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            assert response.status == status
        connection.close()
        traced.send_signal(signal.SIGTERM)
        assert traced.wait(20) == 0
    finally:
        traced.kill()
        traced.wait(10)
    return folder / "store", (folder / "calls").read_text().splitlines()


def allowed_calls() -> set[str]:
    """Return the system calls that the service's SystemCallFilter lines leave."""
    groups: dict[str, set[str]] = {}
    listing = subprocess.run(
        [require("systemd-analyze"), "syscall-filter", "--no-pager"], check=True, capture_output=True, text=True
    ).stdout
    for line in listing.splitlines():
        if line.startswith("@"):
            group = groups.setdefault(line, set())
        elif line.strip() and not line.strip().startswith("#"):
            group.add(line.strip())

    def members(name: str) -> set[str]:
        return set().union(*(members(member) for member in groups[name])) if name in groups else {name}

    allowed: set[str] = set()
    for line in setting(SERVICE, "SystemCallFilter"):
        named = set().union(*(members(name) for name in line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed | members("@default")


def test_the_service_may_make_every_system_call_that_it_makes(trace: tuple[Path, list[str]]) -> None:
    _, lines = trace
    made = {found[1] for line in lines if (found := re.match(r"\d+ +(\w+)\(", line))}
    assert made >= {"openat", "accept4", "futex"}, "this is not a worker's trace"
    # systemd always allows the start of the program; ncurses, where Python loads it, asks once more for the rights of
    # its own user before it opens a file, and goes on without.
    assert made - allowed_calls() - {"execve", "setfsuid", "setfsgid"} == set()


def test_the_worker_makes_no_memory_that_is_written_and_then_run(trace: tuple[Path, list[str]]) -> None:
    assert setting(SERVICE, "MemoryDenyWriteExecute") == ["yes"]
    _, lines = trace
    assert [line for line in lines if re.search(r"mprotect\(.*PROT_EXEC|mmap\(.*PROT_WRITE\|PROT_EXEC", line)] == []


def test_the_worker_opens_no_file_for_writing_outside_its_store(trace: tuple[Path, list[str]]) -> None:
    store, lines = trace
    opened = [found[1] for line in lines if (found := re.search(r'openat\(.*?"([^"]*)", O_(?:WRONLY|RDWR)', line))]
    outside = {path for path in opened if not path.startswith(f"{store}/") and path != "/dev/null"}
    assert opened
    # A file opened beside an open folder has a bare name: those folders are the store's.
    assert {path for path in outside if path.startswith("/") or ".." in path.split("/")} == set()
