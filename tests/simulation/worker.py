"""A store at work on a machine: it is started and stopped, one task commits what comes, others read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeVar

from sessionworker.errors import StartError, WorkerError
from tests.simulation.committer import Committer
from tests.simulation.machine import Machine
from tests.simulation.records import Failure, Read
from tests.simulation.schedule import Stuck, Task
from tests.simulation.subject import (
    Batch,
    Entry,
    Outcome,
    Put,
    Refusal,
    Store,
    Subject,
    Unknown,
    refusal_of,
)

STEPS = 100_000
"""Points after which something that has not ended is stuck."""

SECONDS = 200.0
"""Simulated seconds after which it is."""

T = TypeVar("T")


class Worker:
    """The store, and what it was asked in the step that goes on."""

    def __init__(self, machine: Machine, subject: Subject) -> None:
        """Begin with a worker that is not started."""
        self.machine = machine
        self.subject = subject
        self.reports: list[str] = []
        self.committer = Committer(machine)
        self.reads: list[Read] = []
        self.refused_early: list[tuple[Batch, Refusal]] = []
        """Batches that were refused before they came to be committed."""
        self._store: Store | None = None
        self._background: list[Task] = []

    @property
    def store(self) -> Store:
        """The open store."""
        assert self._store is not None
        return self._store

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._store is not None

    def begin_step(self) -> None:
        """Forget what was asked before."""
        self.committer.begin_step()
        self.reads, self.refused_early = [], []

    # Starting and stopping

    def start(self) -> str | None:
        """Open the store; return None, or the line which says why it cannot be.

        If the machine dies meanwhile, `machine.is_dead` is true then.
        """
        machine = self.machine
        task = machine.start("start", lambda: self.subject.open(machine, self._report, self.committer.ask))
        self._run("the start", lambda: task.is_done)
        if machine.is_dead:
            return None
        if isinstance(task.error, StartError):
            line = str(task.error)
            if "\n" in line:
                raise Failure("stopped", "a start must say in one line why not", line)
            return line
        self._raise_error(task, "the start")
        self._store = task.result
        self._background = [
            machine.start("maintain", self.store.maintain),
            machine.start("commit", partial(self.committer.work, self.store)),
        ]
        return None

    def stop(self) -> None:
        """Close the store, once what was to be committed is, and let nothing run any more."""
        self._run("the last commits", lambda: self.committer.is_idle)
        self.committer.end()
        task = self.machine.start("stop", self.store.close)
        maintain = self._background[0]
        self._run("the stop", lambda: task.is_done and maintain.is_done)
        if self.machine.is_dead:
            return
        self._raise_error(task, "the stop")
        self.check_background()
        self.forget()
        paths = [self.machine.disk.path_of(each.node) for each in self.machine.disk.descriptors.values()]
        self.machine.end_process()
        if paths:
            raise Failure("stopped", "something is open after the stop", ", ".join(paths))

    def forget(self) -> None:
        """Know that the store is gone, with all that ran."""
        self._store = None
        self._background = []
        self.committer.forget()

    def check_background(self) -> None:
        """Raise Failure where a thread of the background has ended for another reason than the stop."""
        for task in self._background:
            if task.is_done and task.error is not None:
                self._raise_error(task, f"the thread '{task.name}'")

    def check_alive(self) -> None:
        """Raise Failure where a thread of the background has ended at all."""
        self.check_background()
        for task in self._background:
            if task.is_done:
                raise Failure("stopped", "the background work has ended", f"the thread '{task.name}'")

    def _report(self, line: str) -> None:
        self.reports.append(line)
        if self.machine.tell is not None:
            self.machine.tell(f"           the store reports: {line}")

    # Running

    def _run(self, what: str, is_done: Callable[[], bool]) -> None:
        try:
            self.machine.run(is_done, steps=STEPS, seconds=SECONDS)
        except Stuck as error:
            self.check_background()
            raise Failure("stuck", "no end", f"{what}: {error}") from None

    def run_all(self, what: str, tasks: list[Task]) -> None:
        """Let tasks run until all are done, and nothing waits to be committed; or until the machine dies."""
        self._run(what, lambda: self.committer.is_idle and all(task.is_done for task in tasks))
        if not self.machine.is_dead:
            for task in tasks:
                self._raise_error(task, task.name)
            self.check_alive()

    def call(self, what: str, function: Callable[[], T]) -> T:
        """Do something in a task of its own, and return what it returns."""
        task = self.machine.start(what, function)
        self._run(what, lambda: task.is_done)
        self._raise_error(task, what)
        result: T = task.result
        return result

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and the background work be done."""
        try:
            self.machine.pass_time(seconds, steps=STEPS)
        except Stuck as error:
            raise Failure("stuck", "no end", f"while time passes: {error}") from None
        if not self.machine.is_dead:
            self.check_alive()

    def _raise_error(self, task: Task, what: str) -> None:
        error = task.error
        if error is None:
            return
        if isinstance(error, Failure | AssertionError):
            raise error
        if isinstance(error, Stuck):
            raise Failure("stuck", "no end", f"{what}: {error}")
        raise Failure("stopped", f"unforeseen {type(error).__name__}", f"{what}: {error}") from error

    # What clients do

    def send(self, batches: list[Batch | Any]) -> list[Outcome]:
        """Have requests committed as the worker does: what is large is prepared first. In a task."""
        entries = []
        began: int | None = None
        for request in batches:
            if isinstance(request, Batch) and self._is_large(request):
                began = self.committer.ended if began is None else began
                try:
                    entries.append(Entry(request, self.store.prepare(request)))
                except WorkerError as error:
                    self._note_refused(request, refusal_of(error), began)
            else:
                entries.append(Entry(request))
        return self.committer.submit(entries, began) if entries else []

    def _is_large(self, batch: Batch) -> bool:
        return any(isinstance(each, Put) and len(each.value) >= self.subject.large_from for each in batch.changes)

    def _note_refused(self, batch: Batch, refusal: Refusal, began: int) -> None:
        """Note that a batch was refused before it came to be committed: as something that is read, it has a while."""
        if refusal is Refusal.MISSING:
            self.reads.append(
                Read("check", batch.group, batch.instance, "", refusal, begin=began, end=len(self.committer.commits))
            )
        else:
            self.refused_early.append((batch, refusal))

    def read(
        self, what: Literal["read", "recall", "check", "read after check"], group: str, instance: str, key: str = ""
    ) -> bytes | Refusal | None:
        """Read something, and note what came of it. In a task."""
        begin = self.committer.ended
        result: bytes | Refusal | None = None
        try:
            match what:
                case "recall":
                    recalled = self.store.recall(group, instance, key)
                    if isinstance(recalled, Unknown):
                        return None
                    result = recalled
                case "check":
                    self.store.check_creds(group, instance)
                case _:
                    result = self.store.read(group, instance, key)
        except WorkerError as error:
            result = refusal_of(error)
        self.reads.append(Read(what, group, instance, key, result, begin=begin, end=len(self.committer.commits)))
        return result

    def ask(self, question: Callable[[], T]) -> T | Refusal:
        """Ask something whose answer is looked at elsewhere, or not at all."""
        try:
            return question()
        except WorkerError as error:
            return refusal_of(error)
