"""The same as for plain files holds for sealed ones: with one key, while a store is sealed, and while keys change."""

from __future__ import annotations

import pytest

from tests.simulation.generator import generate
from tests.simulation.run import find_subject, run_history
from tests.simulation.test_simulation import simulate
from tests.tools import show_figure

SEEDS, SEEDS_IN_CI = 4000, 50

SOME = (112, 113, 125, 126, 129, 130)
TURNING = "subject_sealed:TurningSubject"

SUBJECTS = ("SealedSubject", "MixedSubject", "TurningSubject")


@pytest.mark.slow
@pytest.mark.parametrize("subject", SUBJECTS)
def test_nothing_is_lost_stopped_or_stuck(subject: str, *, full: bool) -> None:
    seeds = SEEDS if full else SEEDS_IN_CI
    options = ("--seeds", str(seeds), "--processes", "1", "--shrink", "1")
    ended = simulate(*options, "--subject", f"subject_sealed:{subject}")
    print(ended.stdout, ended.stderr)
    show_figure(f"simulation of {subject}: {ended.stdout.splitlines()[-1]}")
    assert ended.returncode == 0


def test_a_history_does_not_depend_on_those_before_it() -> None:
    # Of the first three the last one leaves a rewriting in its midst.
    subject = find_subject(TURNING)
    figures = [run_history(subject, generate(seed, subject))[1] for seed in SOME]
    others = [find_subject(TURNING) for _ in SOME]
    alone = [run_history(other, generate(seed, other))[1] for seed, other in zip(SOME, others, strict=True)]
    assert figures == alone
