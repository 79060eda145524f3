"""What changes as stores grow, days pass, values are large and the worker is stopped.

Most of it needs workers whose process and store are at hand, so it always starts its own. What can be measured at an
address alone is measured on the other worker, too.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import load, stores
from benchmarks.progress import Progress
from benchmarks.report import MIB, Curve, Finding, Results
from benchmarks.stores import GROUP, Layout, instance_name, key_name
from benchmarks.target import Connection, Target, session_value, write_body
from tests.process import WorkerProcess


@dataclass(frozen=True)
class Scale:
    """How large, and how long."""

    million: Layout
    one_instance: Layout
    chat_seconds: int
    large_seconds: int
    requests: int
    """Of each kind, for a latency."""
    starts: int


FULL = Scale(Layout(200, 5_000), Layout(1, 100_000), chat_seconds=600, large_seconds=30, requests=2_000, starts=5)
QUICK = Scale(Layout(20, 5_000), Layout(1, 20_000), chat_seconds=15, large_seconds=5, requests=200, starts=2)

SMALL = Layout(instances=1, keys_each=5_000)
"""What the large stores stand beside: next to empty, with enough in it that no key is read twice."""

LARGE_VALUE_BYTES = 30 * MIB
STOP_CONNECTIONS, STOP_INSTANCES, STOP_LOAD_SECONDS = 64, 16, 5
AT_REST_SECONDS = 10
"""Longer than Node keeps idle sockets."""
MEMORY_SECONDS = 2 * AT_REST_SECONDS + load.START_SECONDS + 3


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
        return WorkerProcess(self.folder / name, *self.options)


def measure(bench: Bench, other: Target | None, results: Results) -> None:
    """Measure all of it, one after another, and add what is found to `results`."""
    for name, layout in (("million", bench.scale.million), ("one-instance", bench.scale.one_instance)):
        results.findings += large_store(bench, name, layout)
    results.findings += memory(bench)
    results.findings += large_values(bench, other)
    results.findings += stop_under_load(bench)
    findings, results.curves = chat(bench, other)
    results.findings += findings


def expected_seconds(scale: Scale, *, other: bool) -> float:
    """Return about how long `measure` takes."""
    layouts = (scale.million, scale.one_instance)
    large_stores = sum(_making(layout) + _starting(scale) + _asking(scale) for layout in layouts)
    addresses = (scale.chat_seconds + scale.large_seconds) * (2 if other else 1)
    return large_stores + MEMORY_SECONDS + STOP_LOAD_SECONDS + addresses


def _making(layout: Layout) -> float:
    return layout.instances * layout.keys_each / 10_000


def _starting(scale: Scale) -> float:
    return scale.starts * 2


def _asking(scale: Scale) -> float:
    return scale.requests / 100


def target_of(worker: WorkerProcess) -> Target:
    """Return a started worker of ours as something to measure."""
    return Target("ours", worker.url, worker.token)


def resident_bytes(pid: int, field: str = "VmRSS") -> int:
    """Return a process' memory as Linux counts it; `VmHWM` is the most it ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def journal_bytes(store: Path) -> int:
    """Return what the store's own folder takes on the disk; files may vanish while it is looked at."""
    total = 0
    for path in (store / ".sessionworker").rglob("*"):
        try:
            total += path.lstat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


# --- large stores ---


def large_store(bench: Bench, name: str, layout: Layout) -> list[Finding]:
    """Compare a worker on a large store with one on a next to empty one, in turn."""
    folder = bench.large_stores / name
    with bench.progress.step(f"making {layout}", _making(layout)):
        for _ in stores.make(folder, layout):
            pass
        for _ in stores.make(bench.folder / f"beside-{name}", SMALL):
            pass
    with WorkerProcess(folder, *bench.options) as large, bench.worker(f"beside-{name}") as small:
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
        text += f"; p99 {_percentile(ours, 0.99):.1f} ms ({_percentile(beside, 0.99):.1f} ms)"
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


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


# --- memory ---


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


# --- small writes beside large values ---


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
    p99 = _percentile(ours, 0.99)
    text = f"{p99:.1f} ms of {len(ours):,} writes; the longest {max(ours):.0f} ms; memory at most {most:.0f} MiB"
    if other:
        with bench.progress.step(f"small writes beside large values on {other.name}", seconds):
            theirs = _small_writes_beside_large(other, seconds)
        text += f" ({other.name}: {_percentile(theirs, 0.99):.1f} ms of {len(theirs):,}, {max(theirs):.0f} ms)"
    return [Finding("small writes beside 30 MiB values: p99", text, "< 50 ms", p99 < 50)]


# --- stopped under full load ---


@dataclass
class Written:
    """What one key may hold: the value acknowledged last, or the one that was under way."""

    acknowledged: str | None = None
    sent: str | None = None


async def _write_until_stopped(target: Target, number: int, keys: dict[str, Written]) -> None:
    """Write one new key after another through one connection, as in a history sync, until the worker closes it."""
    address = urlsplit(target.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    instance = instance_name(number % STOP_INSTANCES)
    try:
        for count in itertools.count():
            path = f"{GROUP}/{instance}/lid-mapping-{number}-{count}"
            value = json.dumps({"count": count, "ratchet": "a" * 1200})
            body = write_body(value)
            head = f"POST /session/{path} HTTP/1.1\r\nHost: worker\r\napikey: {target.token}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            written = keys.setdefault(path, Written())
            written.sent = value
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 204"):
                return
            written.acknowledged = value
    except (asyncio.IncompleteReadError, OSError):
        return
    finally:
        writer.close()


async def _stop_under_load(worker: WorkerProcess, keys: dict[str, Written]) -> tuple[float, int]:
    """Return how many seconds the worker took to end after SIGTERM, and its exit status."""
    writers = [
        asyncio.create_task(_write_until_stopped(target_of(worker), number, keys)) for number in range(STOP_CONNECTIONS)
    ]
    await asyncio.sleep(STOP_LOAD_SECONDS)
    begun = time.monotonic()
    status = await asyncio.to_thread(worker.terminate, 60)
    seconds = time.monotonic() - begun
    await asyncio.wait_for(asyncio.gather(*writers), 30)
    return seconds, status


def stop_under_load(bench: Bench) -> list[Finding]:
    """Send SIGTERM while 64 connections write, and look for everything acknowledged in its plain file."""
    keys: dict[str, Written] = {}
    with bench.worker("stopped") as worker, bench.progress.step("SIGTERM under full load", STOP_LOAD_SECONDS):
        with Connection(target_of(worker)) as connection:
            for number in range(STOP_INSTANCES):
                connection.create(GROUP, instance_name(number))
        seconds, status = asyncio.run(_stop_under_load(worker, keys))
        wrong = 0
        for path, written in keys.items():
            file = worker.store / path
            value = file.read_text() if file.exists() else None
            wrong += value not in (written.acknowledged, written.sent)
    acknowledged = sum(written.acknowledged is not None for written in keys.values())
    return [
        Finding(
            "SIGTERM under full load: exit", f"{seconds:.2f} s, status {status}", "< 5 s", seconds < 5 and not status
        ),
        Finding(
            "SIGTERM under full load: files without what was acknowledged",
            f"{wrong} of {acknowledged:,} keys",
            "0",
            wrong == 0 and acknowledged > 0,
        ),
    ]


# --- days of chat ---


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


def _fifths_in_words(curve: Curve) -> str:
    first, last = _fifths(curve.pass_milliseconds)
    return f"{curve.worker} {last:.0f} / {first:.0f} ms"


def _fifths(values: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last fifth, without the very first value: that one warms up."""
    counted = values[1:] or values
    fifth = max(1, len(counted) // 5)
    return statistics.median(counted[:fifth]), statistics.median(counted[-fifth:])
