"""What `make test-fast` runs starts no program, and what it leaves out by name is there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import SLOW_NAMES
from tests.warm import Forked

TESTS = Path(__file__).parent


def test_a_test_that_is_not_marked_as_slow_can_start_no_program() -> None:
    with pytest.raises(pytest.fail.Exception, match="mark it"):
        subprocess.run(["true"], check=True)  # noqa: S607 - it does not come to that


def test_nor_can_it_fork_one() -> None:
    with pytest.raises(pytest.fail.Exception, match="mark it"):
        Forked(1, 1)


@pytest.mark.slow
def test_a_test_that_is_marked_as_slow_can() -> None:
    subprocess.run(["true"], check=True)  # noqa: S607 - wherever it is


@pytest.mark.parametrize("name", SLOW_NAMES)
def test_every_name_of_a_slow_test_is_one_that_there_is(name: str) -> None:
    parts = name.split("::")
    place = parts.pop(0) if len(parts) > 1 else ""
    modules = [path for path in TESTS.rglob("*.py") if "node_modules" not in path.parts and path.name != "conftest.py"]
    texts = [path.read_text() for path in modules]
    assert not place or (TESTS.parent / place).is_file()
    assert all(any(part in text for text in texts) for part in parts)
