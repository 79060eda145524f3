"""What a store needs of `threading`, for tasks of a Schedule. Every lock is a point to switch at, before and behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Self

from tests.simulation.schedule import Schedule, Stuck, Task


class Lock:
    """As threading.Lock."""

    is_reentrant = False

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._owner: Task | None = None
        self._depth = 0
        self._waiters: list[Task] = []

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        schedule = self._schedule
        schedule.pause()
        task = schedule.current
        if task is None:
            raise Stuck("who is no task takes a lock")
        if self._owner is task and self.is_reentrant:
            self._depth += 1
            return True
        while self._owner is not None:
            if self._owner is task and timeout < 0 and blocking:
                raise Stuck(f"{task.name} waits for a lock that it holds")
            if not blocking or not schedule.block(self._waiters, timeout if timeout >= 0 else None):
                return False
        self._owner = task
        self._depth = 1
        return True

    def release(self) -> None:
        schedule = self._schedule
        if schedule.is_dead:
            return
        if self._owner is None or (self.is_reentrant and self._owner is not schedule.current):
            raise RuntimeError("release unlocked lock")
        self._depth -= 1
        if self._depth:
            return
        self._owner = None
        while self._waiters:
            schedule.wake(self._waiters[0])
        schedule.pause()

    def locked(self) -> bool:
        return self._owner is not None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


class RLock(Lock):
    """As threading.RLock."""

    is_reentrant = True

    def _is_owned(self) -> bool:
        return self._owner is self._schedule.current


class Condition:
    """As threading.Condition."""

    def __init__(self, schedule: Schedule, lock: Lock | None = None) -> None:
        self._schedule = schedule
        self._lock = lock or RLock(schedule)
        self._tickets: list[Event] = []  # of those who wait, first come first
        self.acquire = self._lock.acquire
        self.release = self._lock.release

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.__exit__(*exception)

    def wait(self, timeout: float | None = None) -> bool:
        lock = self._lock
        task = self._schedule.current
        if lock._owner is not task:
            raise RuntimeError("cannot wait on un-acquired lock")
        depth, lock._depth = lock._depth, 1
        # Into the line first: whoever takes the lock from here on may notify.
        ticket = Event(self._schedule)
        self._tickets.append(ticket)
        lock.release()
        is_notified = ticket.wait(timeout)
        if ticket in self._tickets:
            self._tickets.remove(ticket)
        lock.acquire()
        lock._depth = depth
        return is_notified

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        end = None if timeout is None else self._schedule.now + int(timeout * 10**9)
        while not predicate():
            rest = None if end is None else (end - self._schedule.now) / 10**9
            if rest is not None and rest <= 0:
                return predicate()
            self.wait(rest)
        return True

    def notify(self, n: int = 1) -> None:
        if self._lock._owner is not self._schedule.current:
            raise RuntimeError("cannot notify on un-acquired lock")
        for ticket in self._tickets[:n]:
            self._tickets.remove(ticket)
            ticket.set()

    def notify_all(self) -> None:
        self.notify(len(self._tickets))


class Event:
    """As threading.Event."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._is_set = False
        self._waiters: list[Task] = []

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        while self._waiters:
            self._schedule.wake(self._waiters[0])
        self._schedule.pause()

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        self._schedule.pause()
        if not self._is_set:
            self._schedule.block(self._waiters, timeout)
        return self._is_set


class Semaphore:
    """As threading.Semaphore."""

    def __init__(self, schedule: Schedule, value: int = 1) -> None:
        self._schedule = schedule
        self._value = value
        self._waiters: list[Task] = []

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        self._schedule.pause()
        while self._value == 0:
            if not blocking or not self._schedule.block(self._waiters, timeout):
                return False
        self._value -= 1
        return True

    def release(self, n: int = 1) -> None:
        self._value += n
        while self._waiters:
            self._schedule.wake(self._waiters[0])
        if not self._schedule.is_dead:
            self._schedule.pause()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


class Threading:
    """Stands in for the module `threading`."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        for kind in (Lock, RLock, Condition, Event, Semaphore):
            setattr(self, kind.__name__, partial(kind, schedule))
        self.BoundedSemaphore = partial(Semaphore, schedule)

    def current_thread(self) -> Any:
        return self._schedule.current

    def get_ident(self) -> int:
        return self._schedule.current.number if self._schedule.current else 0

    def local(self) -> Any:
        return _Local(self._schedule)


class _Local:
    """As threading.local."""

    def __init__(self, schedule: Schedule) -> None:
        object.__setattr__(self, "_schedule", schedule)
        object.__setattr__(self, "_of", {})

    def _mine(self) -> dict[str, Any]:
        found: dict[str, Any] = self._of.setdefault(self._schedule.current, {})
        return found

    def __getattr__(self, name: str) -> Any:
        try:
            return self._mine()[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._mine()[name] = value

    def __delattr__(self, name: str) -> None:
        if self._mine().pop(name, self) is self:
            raise AttributeError(name)
