"""What is planted, and what may notice it."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A change of the code that breaks a promise."""

    name: str
    """What is wrong then, in words that no other fault has."""
    file: str
    """Where it is planted."""
    old: str
    """Text that stands there exactly once, and goes."""
    new: str
    """What takes its place."""
    tests: tuple[str, ...] = ()
    """What pytest is given to notice it: folders, files, or tests in them."""
    seeds: int = 0
    """So many histories of the simulation are to notice it, if no test does."""
