"""Large stores beside a next to empty one."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import stores
from benchmarks.figures import MIB, percentile, resident_bytes
from benchmarks.growth.bench import Bench, Scale, target_of
from benchmarks.report import Finding
from benchmarks.stores import GROUP, Layout, instance_name, key_name
from benchmarks.target import Connection, session_value, write_body
from tests.process import LoadedAnew, WorkerProcess

SMALL = Layout(instances=1, keys_each=5_000)
"""What the large stores stand beside: next to empty, with enough in it that no key is read twice."""


def large_store(bench: Bench, name: str, layout: Layout) -> list[Finding]:
    """Compare a worker on a large store with one on a next to empty one, in turn."""
    folder = bench.large_stores / name
    with bench.progress.step(f"making {layout}", _making(layout)):
        for _ in stores.make(folder, layout):
            pass
        for _ in stores.make(bench.folder / f"beside-{name}", SMALL):
            pass
    with LoadedAnew(folder, *bench.options) as large, bench.worker(f"beside-{name}") as small:
        pair = ((large, layout), (small, SMALL))
        with bench.progress.step(f"starts with {layout}", _starting(bench.scale)):
            starts = [[_restart(worker) for worker, _ in pair] for _ in range(bench.scale.starts)]
        with bench.progress.step(f"latencies with {layout}", _asking(bench.scale)):
            latencies = _latencies(pair, bench.scale.requests)
        memories = [resident_bytes(worker.pid) / MIB for worker, _ in pair]
    large_start, small_start = (statistics.median(side) for side in zip(*starts, strict=True))
    more = memories[0] - memories[1]
    findings = [
        Finding(f"{layout}: start", f"{large_start:.2f} s (small: {small_start:.2f} s)", "<= 1 s", large_start <= 1)
    ]
    for kind, (ours, beside) in latencies.items():
        ratio = statistics.median(ours) / statistics.median(beside)
        text = f"{statistics.median(ours):.2f} ms (small: {statistics.median(beside):.2f} ms), {ratio:.2f} times"
        text += f"; p99 {percentile(ours, 0.99):.1f} ms ({percentile(beside, 0.99):.1f} ms)"
        findings.append(Finding(f"{layout}: {kind}", text, "<= 1.2 times", ratio <= 1.2))
    text = f"{memories[0]:.1f} MiB (small: {memories[1]:.1f} MiB), {more:+.1f} MiB"
    findings.append(Finding(f"{layout}: memory, every instance opened", text, "<= +20 MiB", more <= 20))
    return findings


def _restart(worker: WorkerProcess) -> float:
    worker.terminate()
    worker.start()
    return worker.wait_until_ready()


def _latencies(
    pair: Sequence[tuple[WorkerProcess, Layout]], requests: int, block: int = 50
) -> dict[str, tuple[list[float], list[float]]]:
    """Send the same requests to both workers, a block to one and a block to the other, as two APIs would."""
    chance = random.Random(1)
    body = write_body(session_value())
    kinds: dict[str, Callable[[Connection, str, int], float]] = {
        "write": lambda worker, instance, number: worker.write(f"{instance}/session-bench{number % 200}.0", body),
        "read": lambda worker, instance, number: worker.read(f"{instance}/{key_name(number)}"),
        "read of a missing key": lambda worker, instance, number: worker.miss(f"{instance}/session-none{number}.0"),
    }
    latencies: dict[str, tuple[list[float], list[float]]] = {kind: ([], []) for kind in kinds}
    with Connection(target_of(pair[0][0])) as large, Connection(target_of(pair[1][0])) as small:
        sides = ((large, pair[0][1]), (small, pair[1][1]))
        for number in range(max(layout.instances for _, layout in sides)):
            for connection, layout in sides:
                instance = instance_name(number % layout.instances)
                connection.create(GROUP, instance)
                connection.read(f"{GROUP}/{instance}/creds")
        for kind, ask in kinds.items():
            # Each key once: a second read would be answered from memory, and more often so in the small store.
            chosen = [_choose_keys(worker.store, layout, requests, chance) for worker, layout in pair]
            for begin in range(0, requests, block):
                for side, (connection, _) in enumerate(sides):
                    for instance, number in chosen[side][begin : begin + block]:
                        latencies[kind][side].append(ask(connection, f"{GROUP}/{instance}", number))
    return latencies


def _choose_keys(store: Path, layout: Layout, count: int, chance: random.Random) -> list[tuple[str, int]]:
    """Choose keys of a store, by instance and number, and have the kernel read their files into its memory.

    A small store is there from the start, and a large one never whole: that is the disk's speed, not the worker's.
    """
    numbers = chance.sample(range(layout.instances * layout.keys_each), count)
    chosen = [(instance_name(number // layout.keys_each), number % layout.keys_each) for number in numbers]
    for instance, number in chosen:
        (store / GROUP / instance / key_name(number)).read_bytes()
    return chosen


def expected_seconds(layout: Layout, scale: Scale) -> float:
    """Return about how long `large_store` takes."""
    return _making(layout) + _starting(scale) + _asking(scale)


def _making(layout: Layout) -> float:
    return layout.instances * layout.keys_each / 10_000


def _starting(scale: Scale) -> float:
    return scale.starts * 2


def _asking(scale: Scale) -> float:
    return scale.requests / 100
