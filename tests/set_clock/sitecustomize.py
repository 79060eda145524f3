# ruff: noqa: INP001 - not a module of a package: Python looks for a file of this name
"""A wall clock that is set by an hour while a file says so: see `full_disk`."""

from __future__ import annotations

import os
import time

SET = os.environ["SET_CLOCK_FLAG"]
"""The file that says, by being there, that the clock was set, and by what it holds, by how many seconds."""

_time = time.time


def _set_time() -> float:
    try:
        with open(SET) as file:  # noqa: PTH123 - pathlib would import half of Python before a worker does
            return _time() + float(file.read())
    except FileNotFoundError:
        return _time()


time.time = _set_time
