"""What the measurements of growth share: how large and how long, and how a worker of ours is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.progress import Progress
from benchmarks.stores import Layout
from benchmarks.target import Target
from tests.process import LoadedAnew, WorkerProcess


@dataclass(frozen=True)
class Scale:
    """How large, and how long."""

    million: Layout
    one_instance: Layout
    operators: Layout
    chat_seconds: int
    large_seconds: int
    requests: int
    """Of each kind, for a latency."""
    starts: int


FULL = Scale(
    Layout(200, 5_000),
    Layout(1, 100_000),
    Layout(5_000, 870),
    chat_seconds=600,
    large_seconds=30,
    requests=2_000,
    starts=5,
)

QUICK = Scale(
    Layout(20, 5_000), Layout(1, 20_000), Layout(100, 870), chat_seconds=15, large_seconds=5, requests=200, starts=2
)


@dataclass
class Bench:
    """What all of these measurements share."""

    folder: Path
    """For stores that are gone afterwards."""
    large_stores: Path
    """For the stores that take minutes to make, and may be kept."""
    options: tuple[str, ...]
    """Of our workers' command lines."""
    scale: Scale
    progress: Progress

    def worker(self, name: str) -> WorkerProcess:
        """Return a worker of ours on a store of its own."""
        return LoadedAnew(self.folder / name, *self.options)


def target_of(worker: WorkerProcess) -> Target:
    """Return a started worker of ours as something to measure."""
    return Target("ours", worker.url, worker.token)
