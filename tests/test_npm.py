"""The npm package: built, then tested by its own tests, some of them with this worker."""

from __future__ import annotations

import pytest

from tests.npm_package import PACKAGE, build_package, run_in_package
from tests.tools import require

TESTS = sorted(path.name for path in (PACKAGE / "test").glob("*.test.mjs"))


@pytest.fixture(scope="module")
def package(node_client: None) -> None:
    """The package as it is published, from the sources of now."""
    require("openssl")
    build_package()


@pytest.mark.slow
@pytest.mark.parametrize("name", TESTS)
def test_the_package_keeps_what_its_own_tests_promise(name: str, package: None) -> None:
    run_in_package("node", "--test", "--test-timeout=240000", "--test-reporter=tap", f"test/{name}")


def test_there_are_tests_of_the_package() -> None:
    assert len(TESTS) > 5
