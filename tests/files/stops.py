"""Calls that stop before chosen lines or instructions of the store's code, and others that overtake them there.

Nothing depends on the system's mood: a call stops where it is told to, by counting; and one that overtakes it is waited
for until it is over, or until it waits for a lock, which the locks tell (`Locks` here takes the place of the store's).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from sessionworker.stores.files import locks, store

PATIENCE = 20.0
"""Seconds after which a call that has not come back is a failure."""

_CODE = f"{Path(store.__file__).parent}/"
_waiting = threading.local()


class _Lock:
    """A lock that tells the call that has to wait for it."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def acquire(self) -> None:
        if not self._lock.acquire(blocking=False):
            tell = getattr(_waiting, "tell", None)
            if tell is not None:
                tell()
            assert self._lock.acquire(timeout=PATIENCE), "waited in vain for a lock"


class Locks(locks.Locks):
    """The locks of one store, which tell who has to wait for them."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("checkpoint", "memory", "state", "moves", "reserve", "events"):
            setattr(self, name, _Lock(getattr(self, name)))


class Overtaking:
    """A call in a thread of its own. When this is made, it is over, or it waits for a lock that somebody holds."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._result: Any = None
        self._error: BaseException | None = None
        self._has_settled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._has_settled.wait(PATIENCE), "a call neither came back nor waited for a lock"

    def _run(self) -> None:
        _waiting.tell = self._has_settled.set
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error
        finally:
            self._has_settled.set()

    @property
    def is_over(self) -> bool:
        """Whether it has come back."""
        return not self._thread.is_alive()

    def result(self) -> Any:
        """Wait for its end, and return what it returned or raise what it raised."""
        self._thread.join(PATIENCE)
        assert self.is_over, "a call never came back"
        if self._error is not None:
            raise self._error
        return self._result


class Stopped:
    """A call in a thread of its own that stops before some lines, or instructions, of the store's code.

    They are counted from 1, in the order in which the call comes to them. With `modules`, those of these alone count.
    """

    def __init__(
        self, call: Callable[[], Any], *stops: int, by_instruction: bool = False, modules: tuple[str, ...] = ()
    ) -> None:
        self.stops = 0
        """How often it has stopped so far."""
        self.where = ""
        """Where it has stopped last."""
        self._call = call
        self._at = frozenset(stops)
        self._last = max(stops)
        self._passed = 0
        self._by_instruction = by_instruction
        self._modules = tuple(f"{_CODE}{module}.py" for module in modules)
        self._result: Any = None
        self._error: BaseException | None = None
        self._has_stopped = threading.Semaphore(0)
        self._may_go_on = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._wait()

    def _wait(self) -> None:
        assert self._has_stopped.acquire(timeout=PATIENCE), f"a call did not come to its next stop after {self.where}"

    def _run(self) -> None:
        sys.settrace(self._trace)
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error
        finally:
            sys.settrace(None)
            self._has_stopped.release()

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        path = frame.f_code.co_filename
        if not path.startswith(_CODE) or (self._modules and path not in self._modules):
            return None
        frame.f_trace_opcodes = self._by_instruction
        if event == ("opcode" if self._by_instruction else "line"):
            self._passed += 1
            if self._passed in self._at:
                self.stops += 1
                self.where = f"{Path(path).name}, line {frame.f_lineno}"
                self._has_stopped.release()
                assert self._may_go_on.acquire(timeout=PATIENCE), "nobody let it go on"
            if self._passed >= self._last:
                sys.settrace(None)
        return self._trace

    def go_on(self) -> None:
        """Let it go on to its next stop, or to its end."""
        self._may_go_on.release()
        self._wait()

    def result(self) -> Any:
        """Let it go on to its end, and return what it returned or raise what it raised."""
        self._may_go_on.release(len(self._at))
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), f"a call never came back that had stopped at {self.where}"
        if self._error is not None:
            raise self._error
        return self._result
