"""What was measured in the last six hours, for charts: a figure each ten seconds, and nothing where none was taken."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from math import isfinite, nan
from typing import Self

STEP_SECONDS = 10
"""How far two samples are apart."""

SAMPLES = 6 * 3600 // STEP_SECONDS
"""Samples of a figure that are kept: those of six hours. They take 17 kB."""

Shown = Callable[[Iterable[float]], float]
"""Makes the one number that is shown of the several that fall on one point of a chart."""


class Series:
    """Figures over time. Whoever has it calls `take` every `STEP_SECONDS`; calls that do not come leave gaps.

    Nothing here waits, and ages are told, no time of day. When somebody sets the clock back, time goes on from there.
    """

    def __init__(self, clock: Callable[[], float], sample: Callable[[], Mapping[str, float | None]]) -> None:
        """Begin with nothing. `sample` says what the figures are now: a few, always of the same names."""
        self._clock = clock
        self._sample = sample
        self._figures: dict[str, array[float]] = {}
        self._set_back = 0  # by how many steps
        self._newest = self._step()  # the step of the sample that was taken last

    def copy(self) -> Self:
        """Return it as it is now, for another thread."""
        copied = copy(self)
        copied._figures = {name: figure[:] for name, figure in self._figures.items()}  # noqa: SLF001 - it is one of us
        return copied

    def take(self) -> None:
        """Take a sample. A second one within a step takes the place of the first."""
        sampled = self._sample()
        self._go_on()
        for name, value in sampled.items():
            figure = self._figures.get(name)
            if figure is None:
                figure = self._figures[name] = array("d", [nan]) * SAMPLES
            figure[self._newest % SAMPLES] = nan if value is None else value

    def points(self, name: str, count: int, shown: Shown = max) -> list[float | None]:
        """Return `count` points over the six hours, the newest last; None where nothing was measured.

        The samples of one point are always the same ones, so that a chart moves on and does not flicker. `SAMPLES` is
        a multiple of `count`.
        """
        self._go_on()
        figure = self._figures.get(name)
        if figure is None:
            return [None] * count
        wide = SAMPLES // count
        newest = self._newest // wide
        points = []
        for point in range(newest - count + 1, newest + 1):
            steps = range(max(point * wide, self._newest - SAMPLES + 1), min((point + 1) * wide, self._newest + 1))
            known = [value for step in steps if isfinite(value := figure[step % SAMPLES])]
            points.append(shown(known) if known else None)
        return points

    def last(self, name: str) -> float | None:
        """Return what a figure was at the step before this one or in it, if that was measured."""
        self._go_on()
        figure = self._figures.get(name, array("d"))
        for step in (self._newest, self._newest - 1):
            if figure and isfinite(value := figure[step % SAMPLES]):
                return value
        return None

    def held(self, name: str, least: float) -> int:
        """Return for how many seconds a figure has been so much at least; where it was not measured, as before."""
        self._go_on()
        figure = self._figures.get(name)
        seconds = 0
        for back in range(SAMPLES if figure is not None else 0):
            value = figure[(self._newest - back) % SAMPLES] if figure is not None else nan
            if value < least:
                break
            if isfinite(value):
                seconds = (back + 1) * STEP_SECONDS
        return seconds

    def _step(self) -> int:
        return int(self._clock() // STEP_SECONDS) + self._set_back

    def _go_on(self) -> None:
        """Let what is older than six hours go, and nothing be there for the steps since the last sample."""
        now = self._step()
        if now < self._newest:
            self._set_back += self._newest - now
            now = self._newest
        for step in range(max(self._newest + 1, now - SAMPLES + 1), now + 1):
            for figure in self._figures.values():
                figure[step % SAMPLES] = nan
        self._newest = now


def seconds_of_a_point(count: int) -> int:
    """Return over how many seconds one of `count` points goes."""
    return SAMPLES // count * STEP_SECONDS
