"""The same loads through the npm package, with one request a call, beside one request a key."""

from __future__ import annotations

import time

from benchmarks.load import BOUNDS as SHAPES
from benchmarks.load import Shape, figures_of, pass_seconds, passes
from benchmarks.progress import Progress
from benchmarks.report import Comparison, compare
from benchmarks.target import SETTLE_SECONDS, Target

BOUNDS = {"pairing": 0.15, "history": 0.08, "chat50": 0.55, "burst1000": 0.05, "restart": 0.30}
"""For each shape, what part of the time it may take that it takes with one request a key at the other worker."""


def measure(ours: Target, other: Target | None, *, rounds: int, scale: float, progress: Progress) -> list[Comparison]:
    """Run all shapes through the package, and in turn with one request a key: at the other worker, if there is one.

    Places are exchanged from pair to pair; one pair before them does not count.
    """
    sides = {"package": ours, "client": other or ours}
    runs: dict[str, list[dict[str, Shape]]] = {through: [] for through in sides}
    for number in range(rounds + 1):
        for through in sorted(sides, reverse=number % 2 == 0):
            target = sides[through]
            with progress.step(
                f"loads through the {through} on {target.name}, {number} of {rounds}", pass_seconds(scale)
            ):
                (figures,) = passes(target, tuple(SHAPES), scale, through=through)
                time.sleep(SETTLE_SECONDS)
            if number > 0:  # the first pass warms caches, connections and code
                runs[through].append(figures)
    return [
        compare(
            f"{shape}, through the package",
            "ms",
            figures_of(runs["package"], shape),
            figures_of(runs["client"], shape),
            bound=bound if other else None,
            more_is_better=False,
        )
        for shape, bound in BOUNDS.items()
    ]


def expected_seconds(rounds: int, scale: float) -> float:
    """Return about how long `measure` takes."""
    return 2 * (rounds + 1) * pass_seconds(scale)
