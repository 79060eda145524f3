"""The systemd units, held against what they promise; systemd need not run."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from sessionworker.service import DRAIN_SECONDS
from tests.daemon.twistd import wait_until
from tests.deployment.units import (
    DROP_INS,
    INSTALLED_PROGRAMS,
    PROGRAMS,
    RESTIC,
    SERVICE,
    UNITS,
    service_command,
    setting,
    settings_in,
    wait_until_listening,
)
from tests.ports import free_port
from tests.tools import require, show_figure

KINDS = {".service", ".socket", ".timer"}

EXPOSURE_LIMIT = 2.0
"""systemd's own measure, from 0 (nothing left open) to 10; under 2 it says "safe" or "ok"."""


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the units that name the programs of this environment, which `verify` looks for."""
    folder = tmp_path_factory.mktemp("units")
    for unit in (unit for unit in UNITS.iterdir() if unit.suffix in KINDS):
        (folder / unit.name).write_text(unit.read_text().replace(INSTALLED_PROGRAMS, str(PROGRAMS)))
    shutil.copytree(DROP_INS, folder / f"{SERVICE}.d")
    return folder


@pytest.mark.slow
def test_systemd_finds_nothing_to_say_against_the_units(units: Path) -> None:
    for unit in units.glob("*.service"):
        unit.write_text(unit.read_text().replace(RESTIC, require("restic")))
    names = [str(unit) for unit in sorted(units.iterdir()) if unit.is_file()]
    done = subprocess.run(
        [require("systemd-analyze"), "verify", "--man=no", *names], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")


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


def ask(port: int, method: str, path: str, token: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, headers={"apikey": token})
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


@pytest.mark.slow
def test_with_the_drop_ins_it_encrypts_sends_events_has_tokens_by_role_and_reads_them_again_on_a_reload(
    tmp_path: Path,
) -> None:
    files = [SERVICE, *(f"drop-ins/{path.name}" for path in sorted(DROP_INS.iterdir()))]
    assert len(files) == 5
    credentials = [value for file in files for value in settings_in(UNITS / file, "LoadCredential")]
    for name, _, path in (value.partition(":") for value in credentials):
        assert path == f"/etc/sessionworker/{name}"
        (tmp_path / name).write_text(f"this-is-the-{name}\n")
    (tmp_path / "encryption-key").write_text(base64.b64encode(os.urandom(32)).decode())
    (tmp_path / "webhook").write_text("http://127.0.0.1:1/webhook/a-secret-path\n")
    variables = [value for file in files for value in settings_in(UNITS / file, "Environment")]
    given = dict(value.replace("%d", str(tmp_path)).replace("%S", str(tmp_path)).split("=", 1) for value in variables)
    port = free_port()
    command = [*service_command()[:-2], "--listen", f"tcp:{port}:interface=127.0.0.1"]
    with (tmp_path / "log").open("w+") as log:
        service = subprocess.Popen(command, env={**os.environ, **given}, stdout=log, stderr=log)
        try:
            wait_until_listening(port)
            wait_until(lambda: "for operators" in (tmp_path / "log").read_text())
            assert "[webhook] Events are sent to 127.0.0.1, signed." in (tmp_path / "log").read_text()
            for token, status in (("token", 403), ("admin-token", 200), ("view-token", 200), ("encryption-key", 401)):
                assert ask(port, "GET", "/admin/encryption", f"this-is-the-{token}")[0] == status
            assert json.loads(ask(port, "GET", "/admin/encryption", "this-is-the-admin-token")[1])["key"]
            (tmp_path / "view-token").write_text("another-one")
            [reload] = setting(SERVICE, "ExecReload")
            subprocess.run(reload.replace("$MAINPID", str(service.pid)).split(), check=True)
            wait_until(lambda: ask(port, "GET", "/metrics", "another-one")[0] == 200)
            assert ask(port, "GET", "/metrics", "this-is-the-view-token")[0] == 401
            service.send_signal(signal.SIGTERM)
            assert service.wait(20) == 0
        finally:
            service.kill()
            service.wait(10)
            log.seek(0)
            print(log.read())
