"""What pytest does for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process import WorkerProcess, install_node_packages
from tests.tools import figures, require


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long storms be asked for."""
    parser.addoption("--full", action="store_true", help="run storms and replays at full length: minutes")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether storms and replays run at full length."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def node_client() -> None:
    """The clients' own code, installed; the test is skipped where there is no Node, and fails for that in CI."""
    require("node")
    require("npm")
    install_node_packages()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker as a process of its own; modules that need none have another fixture of this name."""
    with WorkerProcess(tmp_path / "store") as running:
        yield running
        print(running.output)  # pytest shows it beside a failure


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured."""
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)
