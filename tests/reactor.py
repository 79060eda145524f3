"""A reactor without sockets, in which time passes when the test says so."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue

from twisted.internet.task import Clock

LONGEST_WAIT = 20.0
"""Seconds after which a thread that does not answer is a failure."""


class Reactor(Clock):
    """A clock that moves by hand, and takes calls from threads."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: SimpleQueue[tuple[Callable[..., object], tuple[object, ...]]] = SimpleQueue()

    def callFromThread(self, callable: Callable[..., object], *args: object) -> None:  # noqa: A002 - its name
        self._calls.put((callable, args))

    @property
    def is_quiet(self) -> bool:
        """Whether no thread asked for anything that was not run yet."""
        return self._calls.empty()

    def run_one_call(self) -> None:
        """Run what a thread asked for next, waiting for it if need be."""
        function, arguments = self._calls.get(timeout=LONGEST_WAIT)
        function(*arguments)
