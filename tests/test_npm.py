"""The npm package: built, then tested by its own tests, some of them with this worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.forks import forks
from tests.npm_package import PACKAGE, build_package, run_in_package
from tests.postgres.databases import Databases
from tests.postgres.server import Server
from tests.tools import require

TESTS = sorted(path.name for path in (PACKAGE / "test").glob("*.test.mjs"))


@pytest.fixture(scope="module")
def package(node_client: None) -> Iterator[Path]:
    """The package as it is published, from the sources of now; and where its tests have their workers from."""
    require("openssl")
    build_package()
    with forks() as path:
        yield path


def run_test(name: str, package: Path, environment: Mapping[str, str]) -> None:
    words = ("--test", "--test-timeout=240000", "--test-reporter=tap", f"test/{name}")
    run_in_package("node", *words, more={"WORKER_FORKS": str(package), **environment})


@pytest.mark.slow
@pytest.mark.parametrize("name", TESTS)
def test_the_package_keeps_what_its_own_tests_promise(name: str, package: Path, *, full: bool) -> None:
    run_test(name, package, {"FULL": "1"} if full else {})


@pytest.mark.slow
def test_it_does_so_through_three_workers_on_one_database(package: Path, postgres: Server, *, full: bool) -> None:
    with Databases(postgres) as databases, databases.fresh_database() as url:
        for name in ("owners.test.mjs", *(["real.test.mjs", "talk.test.mjs"] if full else [])):
            run_test(name, package, {"WORKER_STORE": url, **({"FULL": "1"} if full else {})})


def test_there_are_tests_of_the_package() -> None:
    assert len(TESTS) > 5
