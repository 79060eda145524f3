"""What an operator asks of a large store, and the writes beside it."""

from __future__ import annotations

import itertools
import statistics
import threading
import time

from benchmarks import stores
from benchmarks.figures import MIB, percentile, resident_bytes
from benchmarks.growth.bench import Bench, Scale, target_of
from benchmarks.report import Finding
from benchmarks.stores import GROUP, instance_name
from benchmarks.target import Connection, Target, session_value, write_body
from tests.process import LoadedAnew

QUESTIONS = {"instances": f"/admin/groups/{GROUP}/instances", "overview": "/admin/overview"}

EVERY_SECONDS = 1.0
"""How often each of them is asked while writes are timed: more often than any page would."""

BLOCK_SECONDS = 4.0
"""For how long writes are timed beside the questions, then without, and so on."""


def at_a_glance(bench: Bench) -> list[Finding]:
    """Ask what all instances hold: the first time ever, after a start, and again and again beside writes."""
    layout, folder = bench.scale.operators, bench.large_stores / "operators"
    with bench.progress.step(f"making {layout}", _making(bench.scale)):
        for _ in stores.make(folder, layout):
            pass
    (folder / ".sessionworker" / "summary").unlink(missing_ok=True)
    with LoadedAnew(folder, *bench.options) as worker, bench.progress.step("operators", _asking(bench.scale)):
        before = resident_bytes(worker.pid) / MIB
        with Connection(target_of(worker)) as connection:
            uncounted = _ask(connection)
            counted_after = _wait_until_counted(connection)
        worker.terminate()
        worker.start()
        worker.wait_until_ready()
        with Connection(target_of(worker)) as connection:
            cold = _ask(connection)
            warm = [_ask(connection) for _ in range(bench.scale.starts * 4)]
        more = resident_bytes(worker.pid) / MIB - before
        beside, alone = _writes(target_of(worker), layout.instances, bench.scale.large_seconds)
    findings = []
    for name in QUESTIONS:
        times = [answers[name] for answers in warm]
        text = f"{statistics.median(times):.0f} ms, at most {max(times):.0f} ms"
        findings.append(Finding(f"{layout}: {name}", text, "< 50 ms", statistics.median(times) < 50))
        text = f"{cold[name]:.0f} ms; {uncounted[name]:.0f} ms where nothing was counted yet"
        most = max(cold[name], uncounted[name])
        findings.append(Finding(f"{layout}: {name} after a start", text, "< 2 s", most < 2000))
    ratio = percentile(beside, 0.99) / percentile(alone, 0.99)
    text = f"p99 {percentile(beside, 0.99):.2f} ms ({percentile(alone, 0.99):.2f} ms without), {ratio:.2f} times"
    findings += [
        Finding(f"{layout}: writes beside both, once a second", text, "<= 1.2 times", ratio <= 1.2),
        Finding(f"{layout}: memory for it", f"{more:+.1f} MiB", "<= +20 MiB", more <= 20),
        Finding(f"{layout}: counted, the first time", f"{counted_after:.0f} s", "within an hour", counted_after < 3600),
    ]
    return findings


def _ask(connection: Connection) -> dict[str, float]:
    """Ask all questions once; return the milliseconds of each."""
    return {name: connection.ask(path)[0] for name, path in QUESTIONS.items()}


def _wait_until_counted(connection: Connection) -> float:
    """Wait until the worker knows what each instance holds; return the seconds."""
    begun = time.monotonic()
    while any(instance["files"] is None for instance in connection.ask(QUESTIONS["instances"])[1]):
        time.sleep(5)
    return time.monotonic() - begun


def _writes(target: Target, instances: int, seconds: float) -> tuple[list[float], list[float]]:
    """Write one after the other, in turns beside the questions and without; return the milliseconds of both."""
    is_asking, is_over = threading.Event(), threading.Event()

    def ask() -> None:
        with Connection(target) as asking:
            while is_asking.wait() and not is_over.is_set():
                for path in QUESTIONS.values():
                    asking.fetch(path)  # to read megabytes of JSON here would hold up the writes that are timed
                time.sleep(EVERY_SECONDS)

    asker = threading.Thread(target=ask)
    asker.start()
    beside: list[float] = []
    alone: list[float] = []
    body = write_body(session_value())
    paths = (f"{GROUP}/{instance_name(number % instances)}/session-bench.0" for number in itertools.count())
    with Connection(target) as connection:
        for _ in range(max(2, round(seconds / BLOCK_SECONDS))):
            for times in (beside, alone):
                is_asking.set() if times is beside else is_asking.clear()
                end = time.monotonic() + BLOCK_SECONDS
                while time.monotonic() < end:
                    times.append(connection.write(next(paths), body))
    is_over.set()
    is_asking.set()
    asker.join()
    return beside, alone


def glancing_seconds(scale: Scale) -> float:
    """Return about how long `at_a_glance` takes."""
    return _making(scale) + _asking(scale)


def _making(scale: Scale) -> float:
    return scale.operators.instances * scale.operators.keys_each / 8_000


def _asking(scale: Scale) -> float:
    return scale.operators.instances / 20 + 2 * scale.large_seconds + 10
