"""Charts as SVG: a line of numbers with the area below it, which a page holds as it is.

There is no style in it but classes, so the page's own style sheet says how it looks in the light and in the dark. What
it shows is told to screen readers by its title, and by a table of the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import isfinite
from typing import NamedTuple

from markupsafe import Markup

Points = Sequence[float | None]
"""What is drawn, from left to right and equally far apart; None where nothing was measured."""

WIDTH, HEIGHT = 240, 48
"""Of a chart, in units of its own; how large that is on the page is said by its style sheet."""

LEAST_SHARE = 0.1
"""Of the highest value: over so much a sparkline goes at least."""

_EDGE = 2  # so that no half of a line is cut off

_CHART = Markup(
    '<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    ' preserveAspectRatio="none"><title>{title}</title>{drawn}</svg>'
)
_AREA = Markup('<path class="chart-area" fill="currentColor" fill-opacity="0.15" d="{}"/>')
_LINE = Markup(
    '<path class="chart-line" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"'
    ' stroke-linejoin="round" vector-effect="non-scaling-stroke" d="{}"/>'
)
_LIMIT = Markup(
    '<path class="chart-limit" fill="none" stroke="currentColor" stroke-dasharray="4 4"'
    ' vector-effect="non-scaling-stroke" d="{}"/>'
)


class Row(NamedTuple):
    """A line of the table below a chart."""

    seconds_ago: int
    value: float | None


def sparkline(points: Points, title: str) -> Markup:
    """Draw a small chart that goes from about its lowest value to its highest one: how something moves."""
    known = _known(points)
    lowest, highest = min(known, default=0), max(known, default=1)
    # Or else a disk that lost a thousandth of its room would look as if it were full.
    more = max(0, abs(highest) * LEAST_SHARE - (highest - lowest)) / 2
    return _chart("sparkline", points, title, (lowest - more, highest + more), "")


def area(points: Points, title: str, limit: float | None = None) -> Markup:
    """Draw a chart that begins at 0, with a dashed line at a `limit` if there is one: how much something is."""
    known = [0.0, *_known(points), *([] if limit is None else [limit])]
    bounds = (min(known), max(known) if any(known) else 1.0)
    line = "" if limit is None else _LIMIT.format(f"M0,{_height(limit, bounds)}H{WIDTH}")
    return _chart("area", points, title, bounds, line)


def rows(points: Points, seconds: int, most: int = 12) -> list[Row]:
    """Return the numbers of a chart for a table, the newest first: of each few points that become one row, the largest.

    `seconds` is over how long one point goes.
    """
    wide = -(-len(points) // most) or 1
    found = []
    for end in range(len(points), 0, -wide):
        known = _known(points[max(0, end - wide) : end])
        found.append(Row((len(points) - end) * seconds, max(known, default=None)))
    return found


def _chart(kind: str, points: Points, title: str, bounds: tuple[float, float], line: Markup | str) -> Markup:
    runs = list(_runs(points, bounds))
    bottom = HEIGHT - _EDGE
    areas = "".join(f"M{run[0][0]},{bottom}L{_joined(run)}V{bottom}Z" for run in runs if len(run) > 1)
    # A single point has no length; a line of none with round ends is a dot.
    lines = "".join(f"M{_joined(run)}" if len(run) > 1 else f"M{_joined(run)}h0" for run in runs)
    drawn = Markup().join([_AREA.format(areas) if areas else "", _LINE.format(lines) if lines else "", line])
    return _CHART.format(kind=f"chart {kind}", width=WIDTH, height=HEIGHT, title=title, drawn=drawn)


def _runs(points: Points, bounds: tuple[float, float]) -> Iterator[list[tuple[str, str]]]:
    """Go through the stretches of points between the gaps, as coordinates."""
    between = (WIDTH - 2 * _EDGE) / max(1, len(points) - 1)
    placed = [(_short(_EDGE + at * between), value) for at, value in enumerate(points)]
    for is_known, run in groupby(placed, lambda point: point[1] is not None and isfinite(point[1])):
        if is_known:
            yield [(x, _height(value, bounds)) for x, value in run if value is not None]


def _height(value: float, bounds: tuple[float, float]) -> str:
    """Return where a value stands, from above; in the middle if all are one."""
    lowest, highest = bounds
    share = (value - lowest) / (highest - lowest) if highest > lowest else 0.5
    return _short(HEIGHT - _EDGE - share * (HEIGHT - 2 * _EDGE))


def _short(coordinate: float) -> str:
    return f"{coordinate:.1f}".removesuffix(".0")


def _joined(run: Sequence[tuple[str, str]]) -> str:
    return " ".join(f"{x},{y}" for x, y in run)


def _known(points: Points) -> list[float]:
    return [value for value in points if value is not None and isfinite(value)]
