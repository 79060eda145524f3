"""The same as for plain files holds for sealed ones: with one key, while a store is sealed, and while keys change."""

from __future__ import annotations

import pytest

from tests.simulation.test_simulation import simulate
from tests.tools import show_figure

SEEDS, SEEDS_IN_CI = 4000, 200

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
