"""Plants faults in a copy of the tree, one at a time, and runs the tests that should notice."""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.mutations import (
    archiving,
    commanding,
    copying,
    failing,
    holding,
    hooking,
    keeping,
    labelling,
    labels_travelling,
    leasing,
    machine,
    moving,
    moving_in,
    moving_in_servers,
    moving_out,
    offloading,
    opening_reports,
    picturing,
    recovering,
    replacing,
    saying,
    sealing,
    sealing_rows,
    serving,
    signing_in,
    storing,
    telling,
)
from tests.mutations.fault import Fault

REPOSITORY = Path(__file__).parents[2]
NODE_MODULES = Path("tests/node/node_modules")

FAULTS: tuple[Fault, ...] = (
    *storing.FAULTS,
    *recovering.FAULTS,
    *keeping.FAULTS,
    *holding.FAULTS,
    *leasing.FAULTS,
    *labelling.FAULTS,
    *labels_travelling.FAULTS,
    *moving.FAULTS,
    *moving_in.FAULTS,
    *moving_in_servers.FAULTS,
    *moving_out.FAULTS,
    *replacing.FAULTS,
    *archiving.FAULTS,
    *offloading.FAULTS,
    *serving.FAULTS,
    *signing_in.FAULTS,
    *machine.FAULTS,
    *saying.FAULTS,
    *telling.FAULTS,
    *picturing.FAULTS,
    *opening_reports.FAULTS,
    *sealing.FAULTS,
    *sealing_rows.FAULTS,
    *failing.FAULTS,
    *commanding.FAULTS,
    *copying.FAULTS,
    *hooking.FAULTS,
)

LONGEST = 60.0
"""Seconds after which a run with a fault counts as one that hangs."""

LONGEST_WITHOUT = 900.0
"""Seconds that all tests together may take without a fault."""

HANGS = "hangs"

PASSED, FAILED = 0, 1
"""What pytest and the simulation end with; any other status says that they did not do what was asked."""

_failed_test = re.compile(r"^(?:FAILED|ERROR) \S*?::(?:\w+::)*(\w+)", re.MULTILINE)
_found = re.compile(r"^\d+ times (\w+: .*)$", re.MULTILINE)
_simulated = re.compile(r"^seeds \d+, operations \d+", re.MULTILINE)


class MutationError(Exception):
    """The program cannot go on, so that nothing is said of what the tests notice."""


class Outcome(NamedTuple):
    """What became of a fault."""

    fault: Fault
    noticed_by: str
    """The first test that failed, or what else noticed; empty where nothing did."""
    seconds: float


class Copy:
    """A copy of the tree, in which faults are planted and tests run."""

    def __init__(self, folder: Path) -> None:
        """Copy what belongs to the tree into `folder`. Raises MutationError where the tests would run another one."""
        self._tree = folder / "tree"
        self._temporary = folder / "files"
        self._longest = LONGEST_WITHOUT
        for name in _listed_files():
            place = self._tree / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, place)
        if (REPOSITORY / NODE_MODULES).is_dir():
            (self._tree / NODE_MODULES).symlink_to(REPOSITORY / NODE_MODULES)
        imported = self._run("-c", "import sessionworker; print(sessionworker.__file__)").stdout.strip()
        if not Path(imported).is_relative_to(self._tree):
            raise MutationError(f"The tests would run {imported}, and not the copy of it in which faults are planted.")

    @contextmanager
    def planted(self, fault: Fault) -> Iterator[None]:
        """Plant a fault for a block. Raises MutationError if that is not possible any more."""
        path = self._tree / fault.file
        source = path.read_text()
        path.write_text(changed(source, fault))
        self._longest = LONGEST
        try:
            yield
        finally:
            self._longest = LONGEST_WITHOUT
            path.write_text(source)

    def check(self, faults: Iterable[Fault]) -> None:
        """Raise MutationError if some faults cannot be planted, with a line for each."""
        problems = []
        for fault in faults:
            try:
                changed((self._tree / fault.file).read_text(), fault)
            except (MutationError, FileNotFoundError) as problem:
                problems.append(str(problem))
        if problems:
            raise MutationError("\n".join(problems))

    def look(self, tests: Iterable[str], seeds: int) -> str:
        """Run tests, and so many histories of the simulation; return what failed first, or nothing."""
        tests = tuple(dict.fromkeys(tests))
        noticed = self._look_by_tests(tests) if tests else ""
        return noticed or (self._look_by_simulation(seeds) if seeds else "")

    def _look_by_tests(self, tests: Sequence[str]) -> str:
        options = ("-x", "-q", "-pno:cacheprovider", "-pno:randomly", "--tb=no", f"--basetemp={self._temporary}")
        try:
            ended = self._run("-m", "pytest", *options, *tests)
        except subprocess.TimeoutExpired:
            return HANGS
        if ended.returncode == PASSED:
            return ""
        failed = _failed_test.search(ended.stdout)
        if ended.returncode != FAILED or failed is None:
            raise MutationError(f"The tests {', '.join(tests)} could not be run:\n{ended.stdout}{ended.stderr}")
        return failed[1]

    def _look_by_simulation(self, seeds: int) -> str:
        options = ("--seeds", str(seeds), "--start", "1", "--processes", "1", "--shrink", "0")
        try:
            ended = self._run("-m", "tests.simulation", *options)
        except subprocess.TimeoutExpired:
            return HANGS
        found = _found.search(ended.stdout)
        if ended.returncode not in {PASSED, FAILED} or _simulated.search(ended.stdout) is None:
            raise MutationError(f"The simulation could not be run:\n{ended.stdout}{ended.stderr}")
        return f"simulation, {found[1]}" if found is not None else ""

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy. Raises TimeoutExpired; what it started is ended then, too."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(self._tree),  # before the packages that are installed, of which this one may be one
            "PYTHONDONTWRITEBYTECODE": "1",  # two faults of one second and one length would have one cached file
            "PYTHONHASHSEED": "0",
        }
        with subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self._tree,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, errors = process.communicate(timeout=self._longest)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def changed(source: str, fault: Fault) -> str:
    """Return a file with a fault in it. Raises MutationError if that is not possible any more."""
    times = source.count(fault.old)
    if times != 1:
        raise MutationError(f"'{fault.name}' cannot be planted: its text stands {times} times in {fault.file}.")
    new = source.replace(fault.old, fault.new)
    try:
        if ast.dump(ast.parse(new)) == ast.dump(ast.parse(source)):
            raise MutationError(f"'{fault.name}' changes nothing in {fault.file}.")
    except SyntaxError as error:
        raise MutationError(f"'{fault.name}' makes no program of {fault.file}: {error}.") from None
    return new


def _listed_files() -> list[str]:
    """Return the files of the tree, those that are new included, those that git was told to ignore left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - wherever it is
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


def chosen(names: Sequence[str]) -> list[Fault]:
    """Return the faults whose names hold one of these texts; all, if there are none. Raises MutationError."""
    for name in names:
        if not any(name in fault.name for fault in FAULTS):
            raise MutationError(f"There is no fault whose name holds '{name}'.")
    return [fault for fault in FAULTS if not names or any(name in fault.name for name in names)]


def look_at_all(copy: Copy, faults: Sequence[Fault]) -> Iterator[Outcome]:
    """Plant one fault after the other, and see what notices."""
    for place, fault in enumerate(faults, start=1):
        begun = time.monotonic()
        with copy.planted(fault):
            noticed_by = copy.look(fault.tests, fault.seeds)
        outcome = Outcome(fault, noticed_by, time.monotonic() - begun)
        said = f"noticed by {noticed_by}" if noticed_by else "NOT NOTICED"
        print(f"{place}/{len(faults)} {fault.name}: {said} ({outcome.seconds:.1f} s)", flush=True)
        yield outcome


def table(outcomes: Iterable[Outcome]) -> str:
    """Return what became of the faults, in Markdown."""
    rows = [
        f"| {fault.name} | {fault.file} | {noticed_by or '**not noticed**'} | {seconds:.1f} |"
        for fault, noticed_by, seconds in outcomes
    ]
    return "\n".join(["| fault | file | noticed by | seconds |", "|---|---|---|---:|", *rows])


def run(faults: Sequence[Fault]) -> list[Outcome]:
    """Plant faults in a copy of the tree that is gone afterwards. Raises MutationError."""
    with TemporaryDirectory(prefix="mutations-") as folder:
        copy = Copy(Path(folder))
        copy.check(faults)
        print("Without a fault:", end=" ", flush=True)
        failed = copy.look((test for fault in faults for test in fault.tests), max(fault.seeds for fault in faults))
        if failed:
            raise MutationError(f"something fails already, {failed}, so nobody could tell what notices a fault.")
        print("everything passes.", flush=True)
        return list(look_at_all(copy, faults))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it as a program."""
    parser = argparse.ArgumentParser("python -m tests.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a part of the names of the faults that are planted")
    options = parser.parse_args(arguments)
    try:
        outcomes = run(chosen(options.names))
    except MutationError as error:
        print(error)
        return 2
    noticed = sum(1 for outcome in outcomes if outcome.noticed_by)
    print(table(outcomes))
    print(f"mutations {len(outcomes)}, noticed {noticed}, not noticed {len(outcomes) - noticed}")
    return 0 if noticed == len(outcomes) else 1
