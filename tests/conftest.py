"""What pytest does for all tests."""

from __future__ import annotations

import faulthandler
import gc
import os
import re
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sessionworker.web import throttle
from tests.alone import Place, in_the_room
from tests.node_packages import install_node_packages
from tests.postgres.room import Room, fast_folder
from tests.postgres.server import Server
from tests.process import WITHOUT_PAGE, WorkerProcess
from tests.tools import figures, require
from tests.warm import Forked

os.environ |= WITHOUT_PAGE  # for what tests start in other ways

SLOW_FIXTURES = {"browser", "full", "node_client", "postgres", "telling_locks"}
"""Who asks for one of them can last for minutes, runs a program, or tries each place where two threads may meet."""

SLOW_NAMES = (
    # The contract in the narrowest room, with the dictionaries that stores are held against, at length, and in two of
    # the four states of a store in which most of it is asked for
    "tests/contract/test_file_store.py::TestFileStoreInLittleRoom::",
    "tests/contract/test_memory_store.py::TestMemoryStore::",
    "::test_any_story_ends_as_it_would_in_dictionaries",
    "when settled",
    "when opened again",
    # A fault at each call of the disk
    "tests/files/test_file_faults.py::",
    "::test_a_start_at_which_a_call_fails_says_so_or_starts_and_the_next_one_has_everything",
    "::test_its_writes_alone_are_refused_and_the_rest_goes_on",
    # The simulation itself, rather than the store in it
    "tests/simulation/test_machine.py::",
    "::test_it_does_what_a_real_file_system_does",
    "::test_nothing_is_found_in_a_store_that_is_too_simple_to_be_wrong",
    "::test_a_planted_fault_is_found_and_made_short",
    "::test_the_program_ends_with_one_line_and_says_by_its_status_whether_something_was_found",
)
"""What the names of other slow tests hold, besides those that are marked where they stand."""

FIGURE = "figure"

PLACE = pytest.StashKey[Place]()
"""Of a test that runs."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what is slow by what it asks for, or by its name."""
    assert isinstance(item, pytest.Function)
    if not SLOW_FIXTURES.isdisjoint(item.fixturenames) or any(name in item.nodeid for name in SLOW_NAMES):
        item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Let the collector of cycles pass over the tests themselves: to look at thousands of them again takes its time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let a test run that may run now, and see that one which is not marked as slow starts no program."""
    is_alone = item.get_closest_marker("alone") is not None
    with in_the_room(alone=is_alone) as place, limited(item.config), pytest.MonkeyPatch.context() as patch:
        item.stash[PLACE] = place
        if item.get_closest_marker("slow") is None:
            patch.setattr(subprocess.Popen, "__init__", refuse_programs)
            patch.setattr(Forked, "__init__", refuse_programs)
        return (yield)


@contextmanager
def limited(config: pytest.Config) -> Iterator[None]:
    """Let what does not end fail, some time before its process would be ended for it, and it begun in another one.

    What waits in the reactor is not reached so.
    """

    def fail(*_: object) -> None:
        pytest.fail("This test does not come to an end.")

    seconds = 0 if config.getoption("--full") else 0.8 * float(config.getini("faulthandler_timeout") or 0)
    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let storms at full length take their time: pytest itself has just begun to count."""
    if item.config.getoption("--full"):
        faulthandler.cancel_dump_traceback_later()


def refuse_programs(*_: object, **__: object) -> None:
    """Fail in the place of starting a program."""
    pytest.fail("This test starts a program: mark it with pytest.mark.slow.")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long storms be asked for."""
    parser.addoption("--full", action="store_true", help="run storms and replays at full length: minutes")


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of the test's own: in memory, as `make test-fast` has all, for what needs no disk and would wait for it.

    One on a disk stays for a while, as pytest has it; one in memory is gone after the test.
    """
    needs_disk = request.node.get_closest_marker("slow") and not request.node.nodeid.startswith("tests/contract/")
    memory = None if needs_disk else fast_folder()
    if memory is None:
        yield tmp_path_factory.mktemp(re.sub(r"\W", "_", request.node.name)[:30])
        return
    with TemporaryDirectory(prefix="sessionworker-test-", dir=memory, ignore_cleanup_errors=True) as folder:
        path = Path(folder, "test")
        path.mkdir(0o700)
        yield path


@pytest.fixture
def alone(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[None]]:
    """For the part of a test that measures time: no other test runs meanwhile, in no process."""
    place: Place = request.node.stash[PLACE]
    return place.alone


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL for all tests of this process that do it no harm; the others make one of their own in its room."""
    with Room() as room, Server(room) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test's report carry what it measured: it is read in another process, if several run tests."""
    report = yield
    report.user_properties += [(FIGURE, text) for text in figures]
    figures.clear()
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    properties = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    if measured := [text for name, text in properties if name == FIGURE]:
        terminalreporter.section("figures")
        for figure in measured:
            terminalreporter.line(figure)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers in the test's own process answer wrong tokens at once, however many there are."""
    monkeypatch.setattr(throttle, "AT_ONCE", 10**6)
