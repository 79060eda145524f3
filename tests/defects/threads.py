"""Calls that stop at a chosen place, so that what another one does meanwhile is certain."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Event, Thread
from types import FrameType
from typing import Any

from tests.defects.calls import Place, Wanted, anything
from tests.defects.faults import Disk, Stop

PATIENCE = 15.0
"""Seconds after which a call that has not come back is a failure."""

MOMENT = 0.1
"""Seconds after which a call that has not come back is taken to wait for another one."""

CODE = "/sessionworker/stores/"
"""Where the store's code is."""


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 4.0) -> None:
    """Wait until a condition holds, which it must soon."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.005)


class Beside:
    """A call in a thread of its own. When this is made the call is over, or it waits for something."""

    def __init__(self, call: Callable[[], Any], *, seconds: float = MOMENT) -> None:
        self._call = call
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error

    @property
    def is_over(self) -> bool:
        """Whether the call has come back."""
        return not self._thread.is_alive()

    def result(self) -> Any:
        """Wait for the end of the call, and return what it returned or raise what it raised."""
        self._thread.join(PATIENCE)
        assert self.is_over, "a call never came back"
        if self._error is not None:
            raise self._error
        return self._result


class Stopped(Beside):
    """A call in a thread of its own that stops at one of its calls of the disk, by its number among those wanted."""

    def __init__(self, call: Callable[[], Any], disk: Disk, wanted: Wanted = anything, *, at: int = 1) -> None:
        self._stop = Stop(wanted, at)
        super().__init__(lambda: self._stop.watch(call, disk), seconds=0)
        assert self._stop.is_reached.wait(PATIENCE)

    @property
    def where(self) -> Place | None:
        """Where it has stopped, or None if there was no such call."""
        return self._stop.where

    def result(self) -> Any:
        """Let it go on to its end, and return what it returned or raise what it raised."""
        self._stop.may_go_on.set()
        return super().result()


class StoppedAtLine(Beside):
    """A call in a thread of its own that stops before one line of the store's code, by its number."""

    def __init__(self, call: Callable[[], Any], *, at: int) -> None:
        self.has_stopped = False
        self._left = at
        self._is_reached = Event()
        self._may_go_on = Event()
        super().__init__(lambda: self._watch(call), seconds=0)
        assert self._is_reached.wait(PATIENCE)

    def _watch(self, call: Callable[[], Any]) -> Any:
        sys.settrace(self._trace)
        try:
            return call()
        finally:
            sys.settrace(None)
            self._is_reached.set()

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if CODE not in frame.f_code.co_filename:
            return None
        if event == "line":
            self._left -= 1
            if self._left == 0:
                self.has_stopped = True
                self._is_reached.set()
                self._may_go_on.wait(PATIENCE)
        return self._trace

    def result(self) -> Any:
        """Let it go on to its end, and return what it returned or raise what it raised."""
        self._may_go_on.set()
        return super().result()
