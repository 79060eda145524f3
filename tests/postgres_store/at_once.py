"""Several cases of a test at once: nearly all of their time is waited, for limits that the store has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

MOST_AT_ONCE = 6
"""Cases: dozens of stores that connect in one moment wait for that longer than they may, on a busy machine."""


def at_once(cases: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Run some of them at a time, in threads; return what they came to, by their names.

    Each comes to its end, also where others fail. What failed is raised together, each with its name as a note.
    """
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        running = {name: pool.submit(case) for name, case in cases.items()}
    failures = []
    for name, one in running.items():
        if (error := one.exception()) is not None:
            error.add_note(f"That was: {name}")
            failures.append(error)
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} of {len(cases)} failed", failures)
    return {name: one.result() for name, one in running.items()}
