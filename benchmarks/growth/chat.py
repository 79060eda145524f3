"""Days of chat."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import load
from benchmarks.figures import MIB, resident_bytes
from benchmarks.growth.bench import Bench, target_of
from benchmarks.report import Curve, Finding
from benchmarks.target import Target
from tests.process import WorkerProcess


def chat(bench: Bench, other: Target | None) -> tuple[list[Finding], list[Curve]]:
    """Run chat50 without a pause, and watch whether anything grows."""
    seconds = bench.scale.chat_seconds
    with bench.worker("chat") as worker:
        with bench.progress.step("chat50 without a pause on ours", seconds):
            ours = _chat_curve(target_of(worker), seconds, worker)
        worker.terminate()
        left = journal_bytes(worker.store)
    curves = [ours]
    if other:
        with bench.progress.step(f"chat50 without a pause on {other.name}", seconds):
            curves.append(_chat_curve(other, seconds, None))
    first, last = _fifths(ours.pass_milliseconds)
    memory_first, memory_last = _fifths(ours.memory)
    name = f"chat50 for {seconds} s"
    return [
        Finding(
            f"{name}: the last fifth of the passes beside the first",
            ", ".join(_fifths_in_words(curve) for curve in curves),
            "<= 1.1 times",
            last <= 1.1 * first,
        ),
        Finding(
            f"{name}: memory",
            f"{memory_first / MIB:.1f}, then {memory_last / MIB:.1f} MiB; at most {max(ours.memory) / MIB:.1f} MiB",
            "bounded",
            memory_last <= memory_first + 10 * MIB,
        ),
        Finding(
            f"{name}: journal on disk",
            f"at most {max(ours.journal) / MIB:.1f} MiB; {left / MIB:.1f} MiB after a clean stop",
            "bounded",
            None,
        ),
    ], curves


def _chat_curve(target: Target, seconds: float, worker: WorkerProcess | None) -> Curve:
    curve = Curve(target.name)
    begun = time.monotonic()
    for figures in load.passes(target, ("chat50",), 1, seconds):
        curve.seconds.append(time.monotonic() - begun)
        curve.pass_milliseconds.append(figures["chat50"]["milliseconds"])
        if worker:
            curve.memory.append(resident_bytes(worker.pid))
            curve.journal.append(journal_bytes(worker.store))
    return curve


def journal_bytes(store: Path) -> int:
    """Return what the store's own folder takes on the disk; files may vanish while it is looked at."""
    total = 0
    for path in (store / ".sessionworker").rglob("*"):
        try:
            total += path.lstat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def _fifths_in_words(curve: Curve) -> str:
    first, last = _fifths(curve.pass_milliseconds)
    return f"{curve.worker} {last:.0f} / {first:.0f} ms"


def _fifths(values: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last fifth, without the very first value: that one warms up."""
    counted = values[1:] or values
    fifth = max(1, len(counted) // 5)
    return statistics.median(counted[:fifth]), statistics.median(counted[-fifth:])
