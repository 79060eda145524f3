"""Small writes beside large values."""

from __future__ import annotations

import json
import multiprocessing
import time
from multiprocessing.synchronize import Event

from benchmarks.figures import MIB, percentile, resident_bytes
from benchmarks.growth.bench import Bench, target_of
from benchmarks.report import Finding
from benchmarks.stores import GROUP
from benchmarks.target import Connection, Target, session_value, write_body

LARGE_VALUE_BYTES = 30 * MIB


def large_value() -> str:
    """Return a JSON text of 30 MiB, like the app state of a very large account."""
    entry = "m" * 500
    entries = LARGE_VALUE_BYTES // (len(entry) + 20)
    return json.dumps({"indexValueMap": {f"{number:012}": entry for number in range(entries)}})


def _exchange_large_values(target: Target, begun: Event, over: Event) -> None:
    """Write and read a large value, again and again: a process of its own, so as not to hold up who measures."""
    body = write_body(large_value())
    with Connection(target) as connection:
        connection.create(GROUP, "large")
        while not over.is_set():
            connection.write(f"{GROUP}/large/app-state-sync-version-regular", body)
            connection.read(f"{GROUP}/large/app-state-sync-version-regular")
            begun.set()


def _small_writes_beside_large(target: Target, seconds: float) -> list[float]:
    """Return the milliseconds of small writes, one after another, while large values come and go."""
    spawning = multiprocessing.get_context("spawn")
    begun, over = spawning.Event(), spawning.Event()
    neighbour = spawning.Process(target=_exchange_large_values, args=(target, begun, over), daemon=True)
    body = write_body(session_value())
    latencies: list[float] = []
    with Connection(target) as connection:
        connection.create(GROUP, "small")
        neighbour.start()
        deadline = time.monotonic() + 60
        while not begun.wait(0.1):
            if time.monotonic() > deadline or not neighbour.is_alive():
                raise RuntimeError(f"no large value could be written and read on {target.name} within a minute")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            latencies.append(connection.write(f"{GROUP}/small/session-{len(latencies) % 200}.0", body))
        over.set()
        neighbour.join(60)
        if neighbour.exitcode != 0:
            raise RuntimeError(f"the large values failed on {target.name}")
        for instance in ("small", "large"):
            connection.drop(GROUP, instance)
    return latencies


def large_values(bench: Bench, other: Target | None) -> list[Finding]:
    """Measure small writes while 30 MiB values are written and read."""
    seconds = bench.scale.large_seconds
    with bench.worker("large-values") as worker:
        with bench.progress.step("small writes beside large values on ours", seconds):
            ours = _small_writes_beside_large(target_of(worker), seconds)
        most = resident_bytes(worker.pid, "VmHWM") / MIB
    p99 = percentile(ours, 0.99)
    text = f"{p99:.1f} ms of {len(ours):,} writes; the longest {max(ours):.0f} ms; memory at most {most:.0f} MiB"
    if other:
        with bench.progress.step(f"small writes beside large values on {other.name}", seconds):
            theirs = _small_writes_beside_large(other, seconds)
        text += f" ({other.name}: {percentile(theirs, 0.99):.1f} ms of {len(theirs):,}, {max(theirs):.0f} ms)"
    return [Finding("small writes beside 30 MiB values: p99", text, "< 50 ms", p99 < 50)]
