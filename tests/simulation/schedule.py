"""Threads that are greenlets: who goes on at each point is drawn from a seed, and so is when time passes.

A point is a lock or a system call. Between two points nothing else runs, as if all threads but one stood still.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

SECOND = 10**9
POINT = 500_000
"""Nanoseconds that go by from one point to the next: a commit, with its sync, takes more than a millisecond."""

BEGINNING = 1_700_000_000 * SECOND
"""What the wall clock says at first."""


class Crash(BaseException):
    """The machine is dead, and whoever ran on it with it. No store's `except Exception` holds it up."""


class Stuck(Exception):
    """Nobody can go on, or somebody goes on for ever."""


class Task:
    """Something that runs as a thread would."""

    __slots__ = (
        "deadline",
        "error",
        "greenlet",
        "injuries",
        "is_done",
        "is_late",
        "name",
        "number",
        "result",
        "waiters",
    )

    def __init__(self, name: str, number: int) -> None:
        """Begin without a greenlet; see Schedule.start."""
        self.name = name
        self.number = number
        self.greenlet: Any = None
        self.is_done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.waiters: list[Task] | None = None
        """The line that it waits in."""
        self.deadline: int | None = None
        self.is_late = False
        """Whether its deadline came before what it waited for."""
        self.injuries = 0
        """How many of its system calls were made to fail."""


class Schedule:
    """Runs tasks until something is done. The greenlet that calls `run` is none of them."""

    def __init__(self, random: Random) -> None:
        """Draw from `random`, which may be changed at any time."""
        self.random = random
        self.steps = 0
        """Points that were passed: a clock that never stops."""
        self.points = 0
        """Those of them that are no system calls."""
        self.event = 0
        """The step at which there is something else to do than to go on."""
        self.stretch = 10.0
        """Steps from one switch to the next, on average."""
        self.switch_at = 0
        self.wake_at: int | None = None
        self.limit = 0
        self.passed = 0
        """Nanoseconds that were let pass, besides those of the steps."""
        self.wall = 0
        """Nanoseconds by which the wall clock is ahead."""
        self.ready: list[Task] = []
        self.sleeping: list[Task] = []
        self.tasks: list[Task] = []
        self.current: Task | None = None
        self.is_dead = False
        self.tell: Callable[[str], None] | None = None
        self._hub: Any = None
        self._numbers = 0
        self._problem: Stuck | None = None

    @property
    def now(self) -> int:
        """Nanoseconds on a clock that nobody sets."""
        return self.passed + self.steps * POINT

    def wall_clock(self) -> int:
        """Nanoseconds since 1970, as far as the machine knows."""
        return BEGINNING + self.wall + self.passed + self.steps * POINT

    # Tasks

    def start(self, name: str, function: Callable[[], Any]) -> Task:
        """Have something run from now on."""
        self._numbers += 1
        task = Task(name, self._numbers)

        def body() -> None:
            try:
                task.result = function()
            except Crash:
                pass
            except BaseException as error:  # noqa: BLE001 - it is looked at by whoever started it
                task.error = error
            task.is_done = True
            if task in self.ready:
                self.ready.remove(task)

        task.greenlet = greenlet(body)
        self.tasks.append(task)
        self.ready.append(task)
        return task

    def kill_all(self) -> None:
        """Have the machine die, and everything that runs on it."""
        self.is_dead = True
        self.event = 0
        self._hub = getcurrent()
        for task in self.tasks:
            if not task.is_done and task.greenlet:  # one that did not begin is false
                self.current = task
                task.greenlet.parent = self._hub  # who kills may be another than who let it run
                task.greenlet.throw(Crash)
                assert task.is_done, f"{task.name} outlived its machine"
            task.is_done = True
            task.greenlet = None
        self.current = None
        self.tasks, self.ready, self.sleeping = [], [], []

    def live_again(self) -> None:
        """Let the machine start once more, with nothing running."""
        self.is_dead = False
        self.plan()

    # Points

    def pause(self) -> None:
        """Be at a point where others may go on. Raises Crash on a dead machine."""
        self.steps += 1
        self.points += 1
        if self.steps >= self.event:
            if self.is_dead:
                raise Crash
            if self.is_due():
                self.switch()
            self.plan()

    def is_due(self) -> bool:
        """Do what is due but for a switch, and tell whether that is, too."""
        if self.steps >= self.limit and self.current is not None:
            self._problem = Stuck(f"{self.current.name} and others went on for {self.steps} steps")
            self._hub.switch()
        if self.wake_at is not None and self.steps >= self.wake_at:
            self.wake_at = None
            self._let_pass(None)
        return self.steps >= self.switch_at

    def plan(self) -> None:
        """Draw the next switch."""
        if self.steps >= self.switch_at:
            self.switch_at = self.steps + 1 + int(-log(1 - self.random.random()) * self.stretch)
        self.event = min(self.switch_at, self.limit)
        if self.wake_at is not None:
            self.event = min(self.event, self.wake_at)

    def switch(self) -> None:
        """Let somebody else go on, if anybody can."""
        if self.current is not None and len(self.ready) > 1:
            self._hub.switch()
            if self.is_dead:
                raise Crash

    def block(self, waiters: list[Task], timeout: float | None = None) -> bool:
        """Wait in a line until `wake` is called for it, or, with a timeout, until it is over. Tell which it was."""
        task = self.current
        if task is None:
            raise Stuck("who is no task waits for one")
        self.ready.remove(task)
        waiters.append(task)
        task.waiters = waiters
        task.is_late = False
        if timeout is not None:
            task.deadline = self.now + int(timeout * SECOND)
            self.sleeping.append(task)
        self._hub.switch()
        if self.is_dead:
            raise Crash
        return not task.is_late

    def wake(self, task: Task) -> None:
        """Let a task go on that waits in a line."""
        if task.waiters is None:
            return
        task.waiters.remove(task)
        task.waiters = None
        if task.deadline is not None:
            task.deadline = None
            self.sleeping.remove(task)
        self.ready.append(task)

    # Running

    def run(self, is_done: Callable[[], bool], *, steps: int, seconds: float) -> None:
        """Let tasks go on until something is done; waits end when nobody else can go on.

        Raises Stuck if it does not come to that: nobody can go on, or more than so many steps or seconds went by.
        """
        self.limit = self.steps + steps
        self.tasks = [task for task in self.tasks if not task.is_done]
        self.plan()
        end = self.now + int(seconds * SECOND)
        while not is_done() and not self.is_dead:
            if self.ready:
                self._go_on()
            elif not self._let_pass(None):
                raise Stuck(f"nobody can go on: {', '.join(task.name for task in self.tasks if not task.is_done)}")
            if self.now > end:
                raise Stuck(f"it took more than {seconds:g} s")

    def pass_time(self, seconds: float, *, steps: int) -> None:
        """Let so much time pass, and let everybody go on who can."""
        self.limit = self.steps + steps
        self.plan()
        end = self.now + int(seconds * SECOND)
        while not self.is_dead:
            if self.ready:
                self._go_on()
            elif not self._let_pass(end):
                self.passed += max(0, end - self.now)
                return

    def _go_on(self) -> None:
        self._hub = getcurrent()
        ready = self.ready
        task = ready[int(self.random.random() * len(ready))]
        self.current = task
        task.greenlet.parent = self._hub
        task.greenlet.switch()
        self.current = None
        if self._problem is not None:
            problem, self._problem = self._problem, None
            raise problem

    def _let_pass(self, end: int | None) -> bool:
        """Let time pass until the next deadline, if there is one before `end`."""
        if not self.sleeping:
            return False
        task = min(self.sleeping, key=lambda sleeper: (sleeper.deadline or 0, sleeper.number))
        deadline = task.deadline or 0
        if end is not None and deadline > end:
            return False
        self.passed += max(0, deadline - self.now)
        self.wake(task)
        task.is_late = True
        return True
