"""What the tests of the page share: the browser, and where their bodies run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.page.browser import Browser
from tests.tools import require

SHELL = "chromium-headless-shell"
"""Chromium without what is around a page, which nobody looks at here: pages are the same in it, in half the time."""


@pytest.fixture(scope="session")
def browser(*, full: bool) -> Iterator[Browser]:
    """A Chromium for all tests of this process; they are skipped where there is none, and fail for that in CI.

    With `--full` it is the whole one, as an operator has it.
    """
    running = Browser(require("chromium" if full or shutil.which(SHELL) is None else SHELL))
    yield running
    running.close()


@pytest.fixture
def at_length() -> None:
    """Asked for by tests that run with `--full` alone: a browser takes its time."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs with `--full` alone."""
    if not config.getoption("--full"):
        long = [item for item in items if "at_length" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that asks for the browser in the browser's thread."""
    if "browser" not in pyfuncitem.fixturenames:
        return None
    asked = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    browser = pyfuncitem.funcargs["browser"]
    assert isinstance(browser, Browser)
    browser.run(pyfuncitem.obj, **asked)
    return True
