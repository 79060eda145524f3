"""The worker's memory, at rest and after a burst."""

from __future__ import annotations

import time

from benchmarks import load
from benchmarks.figures import MIB, resident_bytes
from benchmarks.growth.bench import Bench, target_of
from benchmarks.report import Finding

AT_REST_SECONDS = 10
"""Longer than Node keeps idle sockets."""

MEMORY_SECONDS = 2 * AT_REST_SECONDS + load.START_SECONDS + 3


def memory(bench: Bench) -> list[Finding]:
    """Look at the worker's memory at rest, after a thousand reads at once, and a while later."""
    with bench.worker("memory") as worker, bench.progress.step("memory", MEMORY_SECONDS):
        time.sleep(AT_REST_SECONDS)
        rest = resident_bytes(worker.pid) / MIB
        for _ in load.passes(target_of(worker), ("burst1000",), 1):
            pass
        after = resident_bytes(worker.pid) / MIB
        time.sleep(AT_REST_SECONDS)
        later = resident_bytes(worker.pid) / MIB
        most = resident_bytes(worker.pid, "VmHWM") / MIB
    return [
        Finding("memory at rest", f"{rest:.1f} MiB", "< 80 MiB", rest < 80),
        Finding("memory after burst1000", f"{after:.1f} MiB, at most {most:.1f} MiB", "< 80 MiB", after < 80),
        Finding(f"memory {AT_REST_SECONDS} s later", f"{later:.1f} MiB", "within 10 MiB of rest", later <= rest + 10),
    ]
