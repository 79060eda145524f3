"""What another client of the worker sees meanwhile: single writes at a fixed rate, each timed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Self

from msgspec import Struct

from benchmarks.figures import percentile
from tests.process import NodeProgram, WorkerProcess

SCRIPT = Path(__file__).with_name("steady.mjs")

RATE = 50
"""Writes a second."""


class Seen(Struct, frozen=True):
    """What that client saw for a while; times in milliseconds."""

    latencies: list[float]

    def at(self, share: float) -> float:
        """Return a percentile."""
        return percentile(self.latencies, share)


class Beside:
    """That client. As a context manager it writes from the beginning to the end of the block."""

    def __init__(self, worker: WorkerProcess, rate: int = RATE) -> None:
        """Start it; its first seconds, in which Node compiles what runs often, are no part of anything."""
        self._node = NodeProgram(SCRIPT, worker.url, worker.token, str(rate))

    def __enter__(self) -> Self:
        self._node.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._node.__exit__(*exception)

    def look(self) -> Seen:
        """Return what it saw since this was called before. Raises RuntimeError if a write of it failed."""
        self._node.go_on()
        found = self._node.result()
        if found["failures"]:
            raise RuntimeError(f"{found['failures']} writes beside it failed")
        return Seen(found["latencies"])

    def look_for(self, seconds: float) -> Seen:
        """Return what it sees from now on, for so long."""
        self.look()
        time.sleep(seconds)
        return self.look()
