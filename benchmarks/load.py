"""The client's own loads, through the real Node client."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from benchmarks.progress import Progress
from benchmarks.report import Comparison, compare
from benchmarks.target import SETTLE_SECONDS, Target
from tests.process import TOKEN_VARIABLE

SCRIPT = Path(__file__).with_name("load.mjs")

BOUNDS = {"pairing": 1.35, "history": 1.35, "chat50": 1.10, "burst1000": 1.20, "restart": 1.20}
"""For each shape, how much longer it may take than on the other worker."""

PASS_SECONDS, START_SECONDS = 8, 1
"""About what one pass over all shapes takes, and before it the start of Node."""


class Shape(TypedDict):
    """One shape's figures, as `load.mjs` prints them; times in milliseconds."""

    milliseconds: float
    calls: int
    p50: float
    p99: float


def passes(
    target: Target, shapes: tuple[str, ...], scale: float, seconds: float = 0, through: str = "client"
) -> Iterator[dict[str, Shape]]:
    """Run the shapes once, or again and again for `seconds`; yields each pass when it is over.

    `through` is `client`, with one request a key, or `package`, which has to be built. Raises RuntimeError when a call
    of the client failed: a worker that refuses is not fast.
    """
    command = ["node", str(SCRIPT), target.url, "--only", ",".join(shapes)]
    command += ["--through", through, "--scale", str(scale), "--seconds", str(seconds)]
    environment = {**os.environ, TOKEN_VARIABLE: target.token}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as node:
        for line in node.stdout or ():
            figures = json.loads(line)
            failures = figures.pop("failures")
            if failures:
                node.kill()
                raise RuntimeError(f"{failures} calls of the client failed on {target.name} ({target.url})")
            yield figures
    if node.returncode != 0:
        raise RuntimeError(f"load.mjs ended with status {node.returncode} on {target.name} ({target.url})")


def measure(ours: Target, other: Target | None, *, rounds: int, scale: float, progress: Progress) -> list[Comparison]:
    """Run all shapes on both workers in turn, after one pass each that does not count."""
    targets = [target for target in (ours, other) if target]
    runs: dict[str, list[dict[str, Shape]]] = {target.name: [] for target in targets}
    for number in range(rounds + 1):
        for target in targets:
            with progress.step(f"client loads on {target.name}, {number} of {rounds}", pass_seconds(scale)):
                (figures,) = passes(target, tuple(BOUNDS), scale)
                time.sleep(SETTLE_SECONDS)
            if number > 0:  # the first pass warms caches, connections and code
                runs[target.name].append(figures)
    return [
        compare(
            shape,
            "ms",
            figures_of(runs[ours.name], shape),
            figures_of(runs[other.name], shape) if other else None,
            bound=bound,
            more_is_better=False,
        )
        for shape, bound in BOUNDS.items()
    ]


def expected_seconds(workers: int, rounds: int, scale: float) -> float:
    """Return about how long `measure` takes."""
    return workers * (rounds + 1) * pass_seconds(scale)


def pass_seconds(scale: float) -> float:
    """Return about how long one pass over all shapes takes, with what is waited after it."""
    return START_SECONDS + PASS_SECONDS * scale + SETTLE_SECONDS


def figures_of(runs: list[dict[str, Shape]], shape: str) -> list[tuple[float, float]]:
    """Return the milliseconds of each run of a shape, and the 99th percentile of its calls."""
    return [(run[shape]["milliseconds"], run[shape]["p99"]) for run in runs]
