"""The simulation finds nothing in the store, nothing in one too simple to be wrong, and each planted fault."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count

import pytest

from tests.simulation.cases import CASES, Case
from tests.simulation.generator import generate
from tests.simulation.operations import History
from tests.simulation.run import Found, find_subject, run_history, shrink_found
from tests.simulation.subject import Subject
from tests.simulation.telling import tell_history
from tests.simulation.toy import PLANTED, ToySubject
from tests.tools import show_figure

SEEDS, SEEDS_IN_CI = 5000, 40
CHUNKS = 4

KEPT = "subject_files:EachAloneSubject"
"""What kept histories are of: each says at which call of the disk something happens."""

PLANTED_KINDS = {
    "no sync of the folder": {"lost"},
    "no sync of the file": {"lost", "stopped"},
    "in place": {"lost", "stopped"},
    "stale": {"lost"},
    "deadlock": {"stuck"},
    "ends": {"stopped"},
    "leaves files": {"stopped"},
}


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as a program: in a process of its own the order of sets is the same each time."""
    program = [sys.executable, "-m", "tests.simulation", *arguments]
    return subprocess.run(program, check=False, capture_output=True, text=True, timeout=1800)


# The store


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_is_lost_stopped_or_stuck(chunk: int, *, full: bool) -> None:
    seeds = SEEDS if full else SEEDS_IN_CI
    ended = simulate("--seeds", str(seeds), "--start", str(1 + chunk * seeds), "--processes", "1", "--shrink", "1")
    print(ended.stdout, ended.stderr)
    show_figure(f"simulation: {ended.stdout.splitlines()[-1]}")
    assert ended.returncode == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.found)
def test_a_history_that_failed_once_does_not_again(case: Case) -> None:
    failure = run_history(find_subject(KEPT), case.history)[0]
    assert failure is None


# The simulation itself


def find(subject: Subject, is_meant: Callable[[str], bool]) -> Found:
    """The first history in which something is found."""
    for seed in count(1):
        history = generate(seed, subject)
        failure = run_history(subject, history)[0]
        if failure is not None and is_meant(failure.kind):
            return Found(seed, (failure.kind, failure.rule, failure.text), history)
    raise AssertionError


def test_nothing_is_found_in_a_store_that_is_too_simple_to_be_wrong() -> None:
    subject = ToySubject()
    for seed in range(1, 101):
        assert run_history(subject, generate(seed, subject))[0] is None, f"seed {seed}"


@pytest.mark.parametrize("planted", PLANTED[1:])
def test_a_planted_fault_is_found_and_made_short(planted: str) -> None:
    subject = ToySubject(planted)
    found = find(subject, PLANTED_KINDS[planted].__contains__)
    short, failure = shrink_found(subject, found, most_tries=300)
    print("\n".join(tell_history(short)))
    assert failure is not None
    assert (failure.kind, failure.rule) == found.failure[:2]
    assert len(short) < len(found.history) or len(short) < 3


def test_a_seed_makes_one_history() -> None:
    def trace(subject: Subject, history: History) -> list[str]:
        lines: list[str] = []
        run_history(subject, history, lines.append)
        return lines

    subject = ToySubject()
    for seed in range(1, 10):
        history = generate(seed, subject)
        assert history == generate(seed, subject)
        assert trace(subject, history) == trace(subject, history)


def test_the_program_ends_with_one_line_and_says_by_its_status_whether_something_was_found() -> None:
    well = simulate("--subject", "toy:ToySubject", "--seeds", "10", "--processes", "2")
    assert well.returncode == 0, well.stderr
    assert well.stdout.splitlines()[-1].startswith("seeds 10, operations ")
    assert well.stdout.splitlines()[-1].endswith(", lost 0, stopped 0, stuck 0")
    told = simulate("--subject", "toy:ToySubject", "--seed", "3", "--trace")
    assert "pwrite" in told.stdout or "write" in told.stdout
    assert os.linesep.join(told.stdout.splitlines()[-1:]) == "nothing was found"
