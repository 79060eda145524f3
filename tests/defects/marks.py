"""Which test is for which defect, and which of those are still there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

OPEN = frozenset(
    {
        "E1",
        "E2",
        "E3",
        "E4",
        "E5",
        "E6",
        "E7",
        "E8",
        "E9",
        "E10",
        "E11",
        "E12",
        "E13",
        "E14",
        "E16",
        "E17",
        "E18",
        "E20",
        "A1",
        "A2",
        "A3",
        "A4",
        "A6",
        "A7",
        "A8",
        "A9",
        "A10",
        "A11",
        "D6",
        "F",
    }
)
"""The defects that are not cured yet: their tests must fail."""

Test = TypeVar("Test", bound=Callable[..., Any])


def defect(mark: str) -> Callable[[Test], Test]:
    """Say which defect a test is for. While it is open the test must fail; `--runxfail` shows what it says then."""
    return pytest.mark.xfail(strict=True, reason=mark) if mark in OPEN else _leave


def _leave(test: Test) -> Test:
    return test
