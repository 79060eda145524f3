"""Raw capacity: as many requests as `wrk` can press through 1, 64 and 512 connections."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import TypedDict

from benchmarks.progress import Progress
from benchmarks.report import Comparison, compare
from benchmarks.target import SETTLE_SECONDS, Connection, Target, session_value, write_body
from tests.process import TOKEN_VARIABLE

SCRIPT = Path(__file__).with_name("sessions.lua")
GROUP, INSTANCE, KEYS = "raw", "busy", 2000

CONNECTIONS = (1, 64, 512)
BOUNDS = {("write", 64): 0.75, ("read", 64): 0.25}
"""What part of the other worker's requests a second ours must serve."""


class Capacity(TypedDict):
    """What `sessions.lua` prints; times in milliseconds."""

    requests_a_second: float
    p50: float
    p99: float
    failures: int


def press(target: Target, direction: str, connections: int, seconds: int) -> Capacity:
    """Run wrk once, on one thread: it needs no more, and leaves the other processors to the worker."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--timeout", "30s", "--script", str(SCRIPT), target.url, "--", direction, GROUP, INSTANCE]
    environment = {**os.environ, TOKEN_VARIABLE: target.token}
    done = subprocess.run(command, env=environment, timeout=seconds + 60, check=True, stdout=subprocess.PIPE, text=True)
    figures: Capacity = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    if figures["failures"]:
        raise RuntimeError(f"{figures['failures']} requests of wrk failed on {target.name} ({target.url})")
    return figures


def measure(ours: Target, other: Target | None, *, rounds: int, seconds: int, progress: Progress) -> list[Comparison]:
    """Press writes and reads through both workers in turn."""
    targets = [target for target in (ours, other) if target]
    body = write_body(session_value())
    for target in targets:
        with Connection(target) as connection:
            connection.create(GROUP, INSTANCE)
            for key in range(KEYS):
                connection.write(f"{GROUP}/{INSTANCE}/session-{key}.0", body)
    comparisons = []
    for direction in ("write", "read"):
        for connections in CONNECTIONS:
            name = f"{direction}, {connections} connection{'s' if connections > 1 else ''}"
            runs: dict[str, list[tuple[float, float]]] = {target.name: [] for target in targets}
            for _ in range(rounds):
                for target in targets:
                    with progress.step(f"wrk on {target.name}: {name}", seconds + SETTLE_SECONDS):
                        figures = press(target, direction, connections, seconds)
                        time.sleep(SETTLE_SECONDS)
                    runs[target.name].append((figures["requests_a_second"], figures["p99"]))
            comparisons.append(
                compare(
                    name,
                    "requests/s",
                    runs[ours.name],
                    runs[other.name] if other else None,
                    bound=BOUNDS.get((direction, connections)),
                    more_is_better=True,
                )
            )
    for target in targets:
        with Connection(target) as connection:
            connection.drop(GROUP, INSTANCE)
    return comparisons


def expected_seconds(workers: int, rounds: int, seconds: int) -> float:
    """Return about how long `measure` takes."""
    return workers * rounds * (seconds + SETTLE_SECONDS) * len(CONNECTIONS) * 2
