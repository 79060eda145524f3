"""The systemd units, held against what they promise; systemd need not run."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
from pathlib import Path

import pytest

from sessionworker.service import DRAIN_SECONDS
from tests.deployment.units import (
    INSTALLED_PROGRAMS,
    PROGRAMS,
    SERVICE,
    UNITS,
    service_command,
    setting,
    wait_until_listening,
)
from tests.process import free_port
from tests.tools import require, show_figure

EXPOSURE_LIMIT = 2.0
"""systemd's own measure, from 0 (nothing left open) to 10; under 2 it says "safe" or "ok"."""


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the units that name the programs of this environment, which `verify` looks for."""
    folder = tmp_path_factory.mktemp("units")
    for unit in (unit for unit in UNITS.iterdir() if unit.is_file()):
        (folder / unit.name).write_text(unit.read_text().replace(INSTALLED_PROGRAMS, str(PROGRAMS)))
    return folder


@pytest.mark.slow
def test_systemd_finds_nothing_to_say_against_the_units(units: Path) -> None:
    names = [str(unit) for unit in sorted(units.iterdir())]
    done = subprocess.run(
        [require("systemd-analyze"), "verify", "--man=no", *names], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")))
def test_a_service_leaves_little_open(units: Path, unit: str) -> None:
    done = subprocess.run(
        [require("systemd-analyze"), "security", "--offline=yes", "--no-pager", str(units / unit)],
        check=False,
        capture_output=True,
        text=True,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    show_figure(f"exposure of {unit}, of 10: {found[1]}")
    assert float(found[1]) < EXPOSURE_LIMIT


def test_the_service_has_more_time_to_stop_than_it_takes() -> None:
    (limit,) = setting(SERVICE, "TimeoutStopSec")
    assert int(limit) > DRAIN_SECONDS


def test_the_service_takes_its_token_as_a_credential_and_keeps_its_store_to_itself() -> None:
    assert setting(SERVICE, "LoadCredential") == ["token:/etc/sessionworker/token"]
    assert "GLOBAL_AUTH_TOKEN_FILE=%d/token" in setting(SERVICE, "Environment")
    assert "SESSIONWORKER_STORE=%S/sessionworker" in setting(SERVICE, "Environment")
    assert setting(SERVICE, "StateDirectory") == ["sessionworker"]
    assert setting(SERVICE, "StateDirectoryMode") == ["0700"]


def ask(port: int, method: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.slow
def test_the_service_answers_on_the_socket_that_it_is_given(tmp_path: Path) -> None:
    port = free_port()
    activator = [
        require("systemd-socket-activate"),
        f"--listen=127.0.0.1:{port}",
        "--fdname=sessionworker.socket",  # as systemd itself names it, and Twisted needs a name to be there
        f"--setenv=SESSIONWORKER_STORE={tmp_path / 'store'}",
    ]
    with (tmp_path / "log").open("w+") as log:
        service = subprocess.Popen([*activator, *service_command()], stdout=log, stderr=log)
        try:
            wait_until_listening(port)
            assert ask(port, "OPTIONS", "/ping") == (200, b"pong")
            service.send_signal(signal.SIGTERM)
            assert service.wait(20) == 0
        finally:
            service.kill()
            service.wait(10)
            log.seek(0)
            print(log.read())
