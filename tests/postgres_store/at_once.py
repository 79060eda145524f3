"""Several cases of a test at once: nearly all of their time is waited, for limits that the store has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(cases: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Run each in a thread of its own; return what they came to, by their names.

    Each comes to its end, also where others fail. What failed is raised together, each with its name as a note.
    """
    with ThreadPoolExecutor(len(cases)) as pool:
        running = {name: pool.submit(case) for name, case in cases.items()}
    failures = []
    for name, one in running.items():
        if (error := one.exception()) is not None:
            error.add_note(f"That was: {name}")
            failures.append(error)
    if failures:
        raise BaseExceptionGroup(f"{len(failures)} of {len(cases)} failed", failures)
    return {name: one.result() for name, one in running.items()}
