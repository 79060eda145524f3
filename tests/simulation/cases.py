"""Histories that failed once, and must not again. `--seed N --literal` prints one, made short, as it stands here."""

from __future__ import annotations

from typing import NamedTuple

from tests.simulation.operations import History


class Case(NamedTuple):
    """A history, and what it found."""

    found: str
    history: History


CASES: tuple[Case, ...] = ()
