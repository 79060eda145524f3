"""What tests of several kinds share."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

figures: list[str] = []
"""What tests measured, shown at the end of the run."""


def show_figure(text: str) -> None:
    """Show a measured figure at the end of the run, also when all tests pass."""
    figures.append(text)


OLDEST = {"node": 20}
"""The oldest major version of a program that will do."""


def require(program: str) -> str:
    """Return the path of a program that a test needs.

    Where it is missing the test is skipped with a line that says so; where `CI` is set, it fails: there a skip would
    hide that something is not tested.
    """
    path = shutil.which(program) or shutil.which(program, path=Path(sys.executable).parent)
    if path is None or (program in OLDEST and _major_version(path) < OLDEST[program]):
        version = f" {OLDEST[program]} or newer" if program in OLDEST else ""
        miss(f"this test needs the program '{program}'{version}, which is not installed here")
    return path


def require_root() -> None:
    """See that the tests are run by root, where a test takes other users. As with `require`."""
    if os.geteuid() != 0:
        miss("this test needs root, to become another user")


def miss(message: str) -> NoReturn:
    """Skip a test for want of something, with a line that says of what; where `CI` is set, fail it."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@cache
def _major_version(path: str) -> int:
    said = subprocess.run([path, "--version"], check=False, capture_output=True, text=True).stdout
    number = re.search(r"\d+", said)
    return int(number[0]) if number else 0
