"""What pytest does for all tests."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.store_contract")

from tests.tools import figures  # noqa: E402 - the line above must come before what it is about


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long storms be asked for."""
    parser.addoption("--full", action="store_true", help="run storms and replays at full length: minutes")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether storms and replays run at full length."""
    return bool(request.config.getoption("--full"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured."""
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)
