"""Which figures the page has charts of, and how each is read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from sessionworker.page.charts import area, rows, sparkline
from sessionworker.page.languages import SHORT, UNKNOWN, Speaking
from sessionworker.page.series import STEP_SECONDS, Series, seconds_of_a_point
from sessionworker.web.metrics import Metrics

POINTS = 180
"""Of a chart: one for two minutes."""

SMALL_POINTS = 36
"""Of a small one: one for ten minutes."""


class Figure(NamedTuple):
    """A figure over time."""

    name: str
    title: str
    unit: str
    """One of "ms", "bytes", "count", "rate"."""
    limit: str = ""
    """The gauge that says how much there may be."""


FIGURES = (
    Figure("requests", "Requests a second", "rate"),
    Figure("failures", "Requests that failed, a second", "rate"),
    Figure("changes", "Changes a second", "rate"),
    Figure("slowest_sync", "Slowest sync", "ms"),
    Figure("lag", "How late the worker was", "ms"),
    Figure("calls_under_way", "Calls that wait", "count", "limit_calls_under_way"),
    Figure("unwritten_files", "Files that wait for the disk", "count", "limit_unwritten_files"),
    Figure("journal_bytes", "Journal", "bytes", "limit_journal_bytes"),
    Figure("store_free_bytes", "Free on the disk", "bytes"),
    Figure("connections", "Connections", "count", "limit_connections"),
    Figure("instances", "Instances", "count"),
    Figure("instances_refused", "Instances that are refused", "count"),
)


class Chart(NamedTuple):
    """A figure as the page shows it."""

    title: str
    now: str
    limit: str
    svg: Markup
    rows: Sequence[ShownRow]


class ShownRow(NamedTuple):
    """A line of the table below it."""

    seconds_ago: int
    shown: str


def sample(metrics: Metrics) -> Mapping[str, float | None]:
    """Return what the figures are now. What is "recent" is since this was called before."""
    recent = metrics.take_recent()
    _, gauges = metrics.watched()
    found: dict[str, float | None] = {figure.name: gauges.get(figure.name) for figure in FIGURES}
    slowest = recent.slowest_sync
    return found | {
        "requests": recent.requests / STEP_SECONDS,
        "failures": recent.failures / STEP_SECONDS,
        "changes": recent.changes / STEP_SECONDS,
        "slowest_sync": None if slowest is None else slowest * 1000,
        "lag": recent.lag * 1000,
        "writes_refused": gauges.get("writes_refused"),  # it has no chart: the page says since when
    }


def shown(speaking: Speaking, figure: Figure, value: float | None) -> str:
    """Return a value as people read it."""
    if value is None:
        return UNKNOWN
    if figure.unit == "bytes":
        return speaking.size(value)
    digits = 1 if figure.unit in {"ms", "rate"} and value < SHORT else 0
    return speaking.number(value, digits) + (" ms" if figure.unit == "ms" else "")


def charts(speaking: Speaking, series: Series, gauges: Mapping[str, float]) -> list[Chart]:
    """Return all charts. A figure that this store does not have is left out."""
    found = []
    for figure in FIGURES:
        points = series.points(figure.name, POINTS)
        if figure.name not in gauges and all(point is None for point in points):
            continue
        limit = gauges.get(figure.limit)
        title = str(speaking.say(figure.title))
        known = max((point for point in points if point is not None), default=0)
        near = limit if limit and known > limit / 10 else None  # a line far above shows all else as nothing
        table = [
            ShownRow(row.seconds_ago, shown(speaking, figure, row.value))
            for row in rows(points, seconds_of_a_point(POINTS))
        ]
        found.append(
            Chart(
                figure.title,
                shown(speaking, figure, series.last(figure.name)),
                shown(speaking, figure, limit) if limit else "",
                area(points, title, near),
                table,
            )
        )
    return found


def small(speaking: Speaking, series: Series, name: str) -> Markup:
    """Return a small chart of a figure."""
    title = next(figure.title for figure in FIGURES if figure.name == name)
    return sparkline(series.points(name, SMALL_POINTS), str(speaking.say(title)))
