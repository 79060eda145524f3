"""Six hours of figures: what is kept, what is a gap, and how much of it a chart gets."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from sys import getsizeof

import pytest

from sessionworker.page.series import SAMPLES, STEP_SECONDS, Series, seconds_of_a_point


class Measured:
    """A clock that is set by hand, and what is measured."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.figures: dict[str, float | None] = {}
        self.series = Series(lambda: self.now, self.sample)

    def sample(self) -> Mapping[str, float | None]:
        return dict(self.figures)

    def take(self, *values: float | None, name: str = "queue") -> None:
        """Take one sample a step, each a step after the one before."""
        for value in values:
            self.now += STEP_SECONDS
            self.figures[name] = value
            self.series.take()

    def newest(self, count: int, name: str = "queue") -> list[float | None]:
        return self.series.points(name, SAMPLES)[-count:]


@pytest.fixture
def measured() -> Measured:
    return Measured()


def test_what_was_measured_is_there_in_its_order(measured: Measured) -> None:
    measured.take(1, 5, 2)
    assert measured.series.points("queue", SAMPLES) == [None] * (SAMPLES - 3) + [1, 5, 2]
    assert measured.series.last("queue") == 2


def test_before_the_first_sample_there_is_nothing(measured: Measured) -> None:
    assert measured.series.points("queue", 60) == [None] * 60
    assert measured.series.last("queue") is None


def test_where_no_sample_was_taken_there_is_a_gap(measured: Measured) -> None:
    measured.take(1)
    measured.now += 2 * STEP_SECONDS
    measured.take(2)
    assert measured.newest(5) == [None, 1, None, None, 2]


def test_the_gap_up_to_now_is_one_too(measured: Measured) -> None:
    measured.take(1)
    measured.now += 3 * STEP_SECONDS
    assert measured.newest(4) == [1, None, None, None]
    assert measured.series.last("queue") is None


def test_a_sample_that_is_a_moment_late_is_still_the_last_one(measured: Measured) -> None:
    measured.take(1)
    measured.now += STEP_SECONDS
    assert measured.series.last("queue") == 1


@pytest.mark.parametrize("nothing", [None, nan, float("inf")])
def test_a_figure_that_could_not_be_measured_is_a_gap(measured: Measured, nothing: float | None) -> None:
    measured.take(1, nothing, 3)
    assert measured.newest(3) == [1, None, 3]


def test_a_figure_that_is_missing_from_a_sample_is_a_gap_and_the_others_go_on(measured: Measured) -> None:
    measured.take(1)
    measured.take(7, name="sync")
    del measured.figures["queue"]
    measured.take(8, name="sync")
    assert measured.newest(3) == [1, 1, None]
    assert measured.newest(3, "sync") == [None, 7, 8]


def test_a_second_sample_within_a_step_takes_the_place_of_the_first(measured: Measured) -> None:
    measured.take(1)
    measured.figures["queue"] = 2
    measured.now += STEP_SECONDS / 2
    measured.series.take()
    assert measured.newest(2) == [None, 2]


def test_what_is_older_than_six_hours_goes(measured: Measured) -> None:
    measured.take(*range(SAMPLES + 3))
    assert measured.series.points("queue", SAMPLES) == list(range(3, SAMPLES + 3))


@pytest.mark.parametrize("hours", [6, 7, 1000])
def test_nothing_comes_back_after_a_long_pause(measured: Measured, hours: int) -> None:
    measured.take(*range(SAMPLES))
    measured.now += hours * 3600
    assert measured.series.points("queue", SAMPLES) == [None] * SAMPLES
    measured.take(1)
    assert measured.series.points("queue", SAMPLES) == [None] * (SAMPLES - 1) + [1]


@pytest.mark.parametrize("hours", [0.02, 1, 1000])
def test_when_a_clock_is_set_back_time_goes_on_from_there(measured: Measured, hours: float) -> None:
    measured.take(1, 2)
    measured.now -= hours * 3600
    measured.take(3)
    assert measured.newest(2) == [1, 3]
    measured.take(4, 5)
    assert measured.newest(4) == [1, 3, 4, 5]


def test_of_the_samples_of_one_point_the_largest_is_shown_or_what_is_asked_for(measured: Measured) -> None:
    measured.now = 2_160_000.0 - STEP_SECONDS  # the next sample is the first one of a point, however many points
    measured.take(*range(72))
    assert measured.series.points("queue", 60)[-2:] == [35, 71]
    assert measured.series.points("queue", 60, min)[-2:] == [0, 36]
    assert seconds_of_a_point(60) == 360


def test_a_chart_moves_on_and_does_not_flicker(measured: Measured) -> None:
    """The samples of a point are the same ones at each look, so what is past stays as it was."""
    measured.now = 2_160_000.0 - STEP_SECONDS
    measured.take(*(step * 7 % 31 for step in range(360)))
    before = measured.series.points("queue", 60)
    measured.take(*[0] * 36)
    assert measured.series.points("queue", 60) == [*before[1:], 0]


def test_a_gap_within_a_point_is_passed_over(measured: Measured) -> None:
    measured.now = 2_160_000.0 - STEP_SECONDS
    measured.take(3, None, 9, None)
    assert measured.series.points("queue", 60)[-1] == 9


def test_six_hours_of_twelve_figures_take_about_200_kilobytes(measured: Measured) -> None:
    measured.figures = {f"figure {number}": number for number in range(12)}
    measured.series.take()
    assert SAMPLES * STEP_SECONDS == 6 * 3600
    assert sum(getsizeof(figure) for figure in measured.series._figures.values()) < 215_000
