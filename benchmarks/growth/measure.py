"""All of it, one after another."""

from __future__ import annotations

from benchmarks.growth import large_stores
from benchmarks.growth.at_a_glance import at_a_glance, glancing_seconds
from benchmarks.growth.bench import Bench, Scale
from benchmarks.growth.chat import chat
from benchmarks.growth.large_values import large_values
from benchmarks.growth.memory import MEMORY_SECONDS, memory
from benchmarks.growth.stopping import STOP_LOAD_SECONDS, stop_under_load
from benchmarks.report import Results
from benchmarks.target import Target


def measure(bench: Bench, other: Target | None, results: Results) -> None:
    """Measure all of it, one after another, and add what is found to `results`."""
    for name, layout in (("million", bench.scale.million), ("one-instance", bench.scale.one_instance)):
        results.findings += large_stores.large_store(bench, name, layout)
    results.findings += at_a_glance(bench)
    results.findings += memory(bench)
    results.findings += large_values(bench, other)
    results.findings += stop_under_load(bench)
    findings, results.curves = chat(bench, other)
    results.findings += findings


def expected_seconds(scale: Scale, *, other: bool) -> float:
    """Return about how long `measure` takes."""
    layouts = (scale.million, scale.one_instance)
    stores = sum(large_stores.expected_seconds(layout, scale) for layout in layouts)
    addresses = (scale.chat_seconds + scale.large_seconds) * (2 if other else 1)
    return stores + glancing_seconds(scale) + MEMORY_SECONDS + STOP_LOAD_SECONDS + addresses
