"""What pytest does for all tests."""

from __future__ import annotations

import pytest

from tests.tools import figures


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured."""
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)
