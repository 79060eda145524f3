"""The systemd units, as their text has it, and what they start."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.process import REPOSITORY

UNITS = REPOSITORY / "deploy"

SERVICE = "sessionworker.service"

DROP_INS = UNITS / "drop-ins"
"""What is put beside the service by those who want it."""

INSTALLED_PROGRAMS = "/opt/sessionworker/bin"

PROGRAMS = Path(sys.executable).parent

RESTIC = "/usr/bin/restic"
"""Where the units have Debian's."""


def setting(unit: str, name: str) -> list[str]:
    """Return the values that a unit gives a setting, in their order."""
    return settings_in(UNITS / unit, name)


def settings_in(file: Path, name: str) -> list[str]:
    lines = file.read_text().splitlines()
    return [line.partition("=")[2] for line in lines if line.partition("=")[0] == name]


def service_command() -> list[str]:
    (command,) = setting(SERVICE, "ExecStart")
    return command.replace(INSTALLED_PROGRAMS, str(PROGRAMS)).split()


def wait_until_listening(port: int) -> None:
    """Wait until something listens, without connecting to it: the first connection starts what is activated."""
    entry = f":{port:04X} 00000000:0000 0A"
    for _ in range(200):
        if entry in Path("/proc/net/tcp").read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on port {port}")
