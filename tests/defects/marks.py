"""Which test is for which defect, and which of those are still there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

OPEN: frozenset[str] = frozenset()
"""The defects that are not cured yet: their tests must fail."""

Test = TypeVar("Test", bound=Callable[..., Any])


def defect(mark: str) -> Callable[[Test], Test]:
    """Say which defect a test is for. While it is open the test must fail; `--runxfail` shows what it says then."""
    return pytest.mark.xfail(strict=True, reason=mark) if mark in OPEN else _leave


def _leave(test: Test) -> Test:
    return test
