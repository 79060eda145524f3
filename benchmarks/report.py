"""What was found: as a table for people, as Markdown, as JSON for programs, and as a plot."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import MIB


@dataclass(frozen=True)
class Comparison:
    """One load, on our worker and on the other one."""

    load: str
    unit: str
    ours: float
    """The median of its runs."""
    other: float | None
    ratio: float | None
    """The median of ours / other, taken pair by pair: machines are noisy, pairs that ran side by side less so."""
    bound: float | None
    """What the ratio must reach."""
    more_is_better: bool
    ours_p99: float
    """The 99th percentile of one call, in milliseconds."""
    other_p99: float | None

    @property
    def holds(self) -> bool | None:
        """Whether the bound is kept; None where there is nothing to say."""
        if self.ratio is None or self.bound is None:
            return None
        return self.ratio >= self.bound if self.more_is_better else self.ratio <= self.bound


@dataclass(frozen=True)
class Finding:
    """One line on growth: a figure of our worker, and what it must be."""

    what: str
    measured: str
    must: str
    holds: bool | None


@dataclass
class Curve:
    """One worker under a load without a pause: a point for each pass."""

    worker: str
    seconds: list[float] = field(default_factory=list)
    pass_milliseconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    """Bytes; empty for a worker at an address."""
    journal: list[int] = field(default_factory=list)
    """Bytes on disk in the store's own folder; empty for a worker at an address."""


@dataclass
class Results:
    """All that one run found."""

    conditions: list[str]
    """What the figures depend on, in words."""
    comparisons: list[Comparison] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)


def compare(
    load: str,
    unit: str,
    ours: Sequence[tuple[float, float]],
    other: Sequence[tuple[float, float]] | None,
    *,
    bound: float | None,
    more_is_better: bool,
) -> Comparison:
    """Make a comparison of runs in turn; each is its figure and the 99th percentile of its calls."""
    return Comparison(
        load=load,
        unit=unit,
        ours=statistics.median(figure for figure, _ in ours),
        other=statistics.median(figure for figure, _ in other) if other else None,
        ratio=statistics.median(a[0] / b[0] for a, b in zip(ours, other, strict=True)) if other else None,
        bound=bound,
        more_is_better=more_is_better,
        ours_p99=statistics.median(p99 for _, p99 in ours),
        other_p99=statistics.median(p99 for _, p99 in other) if other else None,
    )


Table = list[tuple[str, ...]]
"""Rows of cells; the first row is the header."""


def _verdict(holds: bool | None) -> str:
    return {True: "yes", False: "NO", None: ""}[holds]


def _comparison_table(comparisons: Sequence[Comparison]) -> Table:
    rows: Table = [("load", "unit", "ours", "other", "ratio", "must be", "holds", "p99 ms", "other p99")]
    for one in comparisons:
        must = "" if one.holds is None else f"{'>=' if one.more_is_better else '<='} {one.bound:.2f}"
        rows.append(
            (
                one.load,
                one.unit,
                f"{one.ours:,.0f}",
                "" if one.other is None else f"{one.other:,.0f}",
                "" if one.ratio is None else f"{one.ratio:.2f}",
                must,
                _verdict(one.holds),
                f"{one.ours_p99:.2f}",
                "" if one.other_p99 is None else f"{one.other_p99:.2f}",
            )
        )
    return rows


def _finding_table(findings: Sequence[Finding]) -> Table:
    rows: Table = [("growth", "measured", "must be", "holds")]
    rows.extend((one.what, one.measured, one.must, _verdict(one.holds)) for one in findings)
    return rows


def _tables(results: Results) -> list[Table]:
    tables = []
    if results.comparisons:
        tables.append(_comparison_table(results.comparisons))
    if results.findings:
        tables.append(_finding_table(results.findings))
    return tables


def plain_text(results: Results) -> str:
    """Return the tables for a terminal."""
    blocks = []
    for rows in _tables(results):
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, "\n".join(results.conditions)])


def markdown(results: Results) -> str:
    """Return the tables as Markdown."""
    blocks = ["# Benchmarks", "\n".join(f"- {line}" for line in results.conditions)]
    for rows in _tables(results):
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|" + "---|" * len(rows[0]))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def save(results: Results, folder: Path) -> list[Path]:
    """Write `results.md`, `results.json` and `results.svg` into `folder`, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"results.{ending}" for ending in ("md", "json", "svg")]
    paths[0].write_text(markdown(results))
    paths[1].write_text(json.dumps(asdict(results), indent=1) + "\n")
    _plot(results).savefig(paths[2])
    return paths


def _plot(results: Results) -> Figure:
    """Draw the ratios, and below them the curves of the load without a pause."""
    rated = [one for one in results.comparisons if one.ratio is not None]
    panels = [bool(rated), *[bool(results.curves)] * 2]
    count = max(1, sum(panels))
    mpl.use("svg")
    figure = Figure(figsize=(9, 3.6 * count), layout="constrained")
    axes = iter(figure.subplots(count, 1, squeeze=False)[:, 0])
    if rated:
        _plot_ratios(next(axes), rated)
    if results.curves:
        _plot_passes(next(axes), results.curves)
        _plot_sizes(next(axes), results.curves)
    return figure


def _plot_ratios(axes: Axes, comparisons: Sequence[Comparison]) -> None:
    """Bars beyond 1 mean a slower worker, whatever the unit: a rate is turned round."""
    slower = [1 / one.ratio if one.more_is_better else one.ratio for one in comparisons if one.ratio]
    names = [one.load for one in comparisons if one.ratio]
    colours = ["tab:red" if one.holds is False else "tab:blue" for one in comparisons if one.ratio]
    axes.barh(names, slower, color=colours)
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("time, ours / other: 1 is as fast, more is slower (red: over its bound)")


def _plot_passes(axes: Axes, curves: Sequence[Curve]) -> None:
    for curve in curves:
        axes.plot(curve.seconds, curve.pass_milliseconds, label=curve.worker)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("one pass of chat50, ms")
    axes.legend()


def _plot_sizes(axes: Axes, curves: Sequence[Curve]) -> None:
    for curve in curves:
        if curve.memory:
            axes.plot(curve.seconds, [size / MIB for size in curve.memory], label=f"{curve.worker}: memory")
            axes.plot(curve.seconds, [size / MIB for size in curve.journal], label=f"{curve.worker}: journal on disk")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds of chat50 without a pause")
    axes.set_ylabel("MiB")
    axes.legend()
