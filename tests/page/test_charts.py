"""Charts: what is drawn, what is said to who cannot see it, and what a strict policy of the content leaves of them."""

from __future__ import annotations

import re
from math import inf, nan
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from sessionworker.page.charts import HEIGHT, WIDTH, Points, Row, area, rows, sparkline

KINDS = [sparkline, area]

numbers = st.none() | st.sampled_from([nan, inf, -inf, 1e12]) | st.floats(-100, 100)


def parsed(chart: Markup) -> ET.Element:
    return ET.fromstring(chart)  # noqa: S314 - our own


def path(chart: Markup, name: str) -> str:
    """Return what one of the paths goes through; empty if it is not there."""
    found = parsed(chart).find(f"path[@class='chart-{name}']")
    return "" if found is None else found.attrib["d"]


def points_of(chart: Markup) -> list[tuple[float, float]]:
    found = re.findall(r"(-?[\d.]+),(-?[\d.]+)", path(chart, "line"))
    return [(float(x), float(y)) for x, y in found]


@pytest.mark.parametrize("draw", KINDS)
def test_it_is_a_picture_with_a_title(draw: type) -> None:
    chart = parsed(draw([1, 2], "Sync p99, the last 6 hours"))
    assert chart.attrib["role"] == "img"
    assert chart[0].tag == "title"
    assert chart[0].text == "Sync p99, the last 6 hours"


@pytest.mark.parametrize("draw", KINDS)
def test_its_title_is_text_whatever_is_in_it(draw: type) -> None:
    hostile = "</title><script>alert(\"&amp;')</script>"
    chart = draw([1, 2], hostile)
    assert isinstance(chart, Markup)
    assert parsed(chart)[0].text == hostile
    assert "<script" not in chart


@given(st.lists(numbers, max_size=30), st.none() | st.floats(-100, 100))
def test_whatever_the_numbers_it_is_well_formed_and_within_its_bounds_and_has_no_style(
    points: list[float | None], limit: float | None
) -> None:
    for chart in (sparkline(points, "title"), area(points, "title", limit)):
        assert not re.search(r"style|nan|inf|<script|\bon\w+=|url\(", chart)
        parsed(chart)
        for x, y in points_of(chart):
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT


def test_an_area_begins_at_nought_and_a_sparkline_at_its_lowest_value() -> None:
    assert [y for _, y in points_of(area([50, 100], "title"))] == [24, 2]
    assert [y for _, y in points_of(sparkline([50, 100], "title"))] == [46, 2]


def test_the_points_go_from_one_side_to_the_other() -> None:
    assert [x for x, _ in points_of(area([1, 1, 1], "title"))] == [2, 120, 238]


def test_nought_alone_lies_on_the_ground_and_one_value_alone_in_the_middle() -> None:
    assert {y for _, y in points_of(area([0, 0, 0], "title"))} == {46}
    assert {y for _, y in points_of(sparkline([7, 7, 7], "title"))} == {24}


def test_what_hardly_moves_does_not_look_as_if_it_fell_to_nothing() -> None:
    heights = [y for _, y in points_of(sparkline([1000, 999, 998], "title"))]
    assert 23 < heights[0] < heights[1] < heights[2] < 25


@pytest.mark.parametrize("draw", KINDS)
@pytest.mark.parametrize("nothing", [None, nan])
def test_a_gap_is_not_drawn(draw: type, nothing: float | None) -> None:
    chart = draw([1, 2, nothing, 3, 4], "title")
    assert path(chart, "line").count("M") == 2
    assert path(chart, "area").count("Z") == 2
    assert len(points_of(chart)) == 4


@pytest.mark.parametrize("draw", KINDS)
def test_a_single_point_between_gaps_is_a_dot(draw: type) -> None:
    chart = draw([None, 5, None], "title")
    assert path(chart, "line").startswith("M120,")
    assert path(chart, "line").endswith("h0")
    assert path(chart, "area") == ""


@pytest.mark.parametrize("draw", KINDS)
@pytest.mark.parametrize("points", [[], [None, None]])
def test_without_any_number_only_the_title_is_there(draw: type, points: Points) -> None:
    assert [part.tag for part in parsed(draw(points, "title"))] == ["title"]


def test_a_limit_is_a_line_in_the_picture_also_above_all_values() -> None:
    assert path(area([50, 100], "title", 50), "limit") == f"M0,24H{WIDTH}"
    chart = area([50, 100], "title", 200)
    assert path(chart, "limit") == f"M0,2H{WIDTH}"
    assert [y for _, y in points_of(chart)] == [35, 24]
    assert path(area([1], "title"), "limit") == ""


def test_a_chart_of_a_page_is_small() -> None:
    assert len(area([index * 37 % 101 for index in range(180)], "title", 100)) < 5_000


def test_a_table_has_the_newest_number_first_and_the_largest_of_each_few() -> None:
    assert rows([1, 2, 3], 360) == [Row(0, 3), Row(360, 2), Row(720, 1)]
    assert rows([5, 1, None, 2, 9, 3], 10, most=3) == [Row(0, 9), Row(20, 2), Row(40, 5)]
    assert rows([4, 5, 1], 10, most=2) == [Row(0, 5), Row(20, 4)]
    assert rows([None, nan], 10, most=1) == [Row(0, None)]
    assert rows([], 10) == []


@given(st.lists(st.integers(0, 9), min_size=1, max_size=200), st.integers(1, 20))
def test_a_table_is_as_short_as_asked_for_and_has_the_peak(points: list[float], most: int) -> None:
    table = rows(points, 10, most)
    assert len(table) <= most
    assert max(row.value or 0 for row in table) == max(points)
    assert table[0].seconds_ago == 0
