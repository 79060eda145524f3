"""One history: its steps are carried out, and after each of them the store is held against the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.simulation.clients import Clients
from tests.simulation.committer import MOST_AT_ONCE
from tests.simulation.conditions import Conditions
from tests.simulation.crashes import How
from tests.simulation.inspection import Inspection
from tests.simulation.judging import is_gone
from tests.simulation.machine import Machine
from tests.simulation.model import Model
from tests.simulation.operations import Crash, History, Step
from tests.simulation.records import Failure
from tests.simulation.state import CREDS, Unsure
from tests.simulation.subject import ROOT, Batch, Entry, Put, Refusal, Remove, Subject
from tests.simulation.worker import Worker

SETTLING = 11.0
"""Seconds in which the background work runs twice."""


@dataclass
class Figures:
    """What a history consisted of."""

    operations: int = 0
    crashes: int = 0
    faults: int = 0
    calls: int = 0
    switches: int = 0


class Runner:
    """Carries out one history."""

    def __init__(self, subject: Subject, history: History, tell: Callable[[str], None] | None = None) -> None:
        """Begin with an empty disk. `tell` is told everything, call by call."""
        self._subject = subject
        self._history = history
        self._tell = tell
        self.machine = Machine(history[0].seed if history else 0)
        self.machine.tell = tell
        self.machine.disk.mkdir(ROOT)
        self.machine.disk.root.sync()
        self.model = Model()
        self.worker = Worker(self.machine, subject)
        self.conditions = Conditions(self.machine, subject, self.model)
        self._clients = Clients(self.worker, self.model.purge)
        self._inspection = Inspection(self.worker, self.model, subject, history)
        self._probes = 0
        self._is_late = False
        """Whether nothing is wrong any more, and that was not settled yet."""
        self.figures = Figures()

    def run(self) -> Failure | None:
        """Carry it out; return what the store did that it must not."""
        with self.machine.installed(self._subject.modules, self._subject.others(self.machine)):
            try:
                self._start(Random(0), ())
                for number, step in enumerate(self._history):
                    self._say(f"step {number}: {step}")
                    self._run_step(step)
                self._finish()
            except Failure as failure:
                return failure
            except Unsure:
                return None
            finally:
                self.figures.crashes = self.machine.crashes
                self.figures.faults = self.machine.failed_calls
                self.figures.calls = self.machine.calls
                self.figures.switches = self.machine.points
                self.machine.kill_all()
                self._subject.forget()
        return None

    def _say(self, line: str) -> None:
        if self._tell is not None:
            self._tell(line)

    # Steps

    def _run_step(self, step: Step) -> None:
        machine, worker, conditions = self.machine, self.worker, self.conditions
        random = Random(step.seed)
        machine.random = random
        machine.stretch = step.stretch
        if step.restarts:
            self._restart(random, step)
        else:
            for condition in step.conditions:
                conditions.begin(condition)
        worker.begin_step()
        if step.crash is not None:
            machine.crash_in(step.crash.calls, step.crash.how)
        if step.wakes:
            machine.wake_at = machine.steps + random.randrange(60)
        self.figures.operations += len(step.operations)
        tasks = [
            machine.start(f"client {number}", partial(self._clients.do, operation))
            for number, operation in enumerate(step.operations)
        ]
        worker.run_all("the step", tasks)
        if not machine.is_dead and step.passes:
            worker.pass_time(step.passes)
        self._take_in()
        if step.crash is not None:
            self._crash(step.crash, random)
        elif random.random() < 0.5 and not machine.is_dead:
            self._inspection.glance(step, random, conditions)
            self._take_in()
        self._inspection.check_most()
        if conditions.full is not None:
            self._empty()
        conditions.end_step()
        if not conditions.is_over:
            self._is_late = False
        elif self._is_late or random.random() < 0.5:
            self._is_late = False
            self._settle(random)
        else:
            self._is_late = True  # clients go on at once, before the background work has noticed

    def _take_in(self) -> None:
        """Hold what happened against the model."""
        conditions, worker = self.conditions, self.worker
        conditions.note_failed()
        for batch, refusal in worker.refused_early:
            if not conditions.excuses.allow(batch) and not is_gone(self.model.state, batch):
                raise Failure("stopped", "refused without a reason", f"{batch.group}/{batch.instance}: {refusal.value}")
        self.model.follow(worker.committer.commits, worker.reads, conditions.excuses)
        worker.begin_step()

    # Starts, stops and crashes

    def _restart(self, random: Random, step: Step) -> None:
        """Stop, let happen what happens while the worker is stopped, and start."""
        self.worker.begin_step()
        self.worker.stop()
        self._take_in()
        self.conditions.put_folders_back()
        self.conditions.hands.is_stopped = True
        for condition in step.conditions:
            self.conditions.begin(condition)
        self.conditions.hands.is_stopped = False
        self.conditions.put_folders_back()
        self.model.start()
        self._start(random, ())

    def _crash(self, crash: Crash, random: Random) -> None:
        self._die(crash.how, random)
        self.conditions.put_folders_back()
        self.model.start()
        self._start(random, crash.again)

    def _die(self, how: How, random: Random) -> None:
        self._say(f"  {how}")
        self.worker.forget()
        self.machine.restart_after(how, random)

    def _start(self, random: Random, crashes: tuple[tuple[int, How], ...]) -> None:
        """Start, through crashes while starting, and look at everything."""
        worker, conditions = self.worker, self.conditions
        for calls, how in crashes:
            self.machine.crash_in(calls, how)
            line = worker.start()
            if self.machine.is_dead:
                self._die(how, random)
                continue
            self.machine.crash_in(None)
            if line is None:
                # It started before it came to that. What runs is killed all the same.
                self._die(how, random)
        conditions.note_failed()
        line = worker.start()
        conditions.note_failed()
        if line is not None:
            self._say(f"  the start is refused: {line}")
            excuses = conditions.excuses
            if not (excuses.everything or excuses.is_full or excuses.drops):
                raise Failure("stopped", "a start was refused without a reason", line)
            self.machine.end_process()
            conditions.end_all()
            line = worker.start()
            if line is not None:
                raise Failure("stopped", "a start was refused after all faults were over", line)
        self._inspection.look_at_all(random, conditions)
        self._take_in()

    # When faults are over

    def _settle(self, random: Random) -> None:
        """Nothing is wrong any more: after a while everything must go on, without a restart."""
        worker = self.worker
        self._say("  nothing is wrong any more")
        for _ in range(2):
            worker.pass_time(SETTLING)
        self.conditions.note_failed()
        if worker.store.wants_restart():
            worker.stop()
            self.conditions.note_failed()
            self.model.start()
            line = worker.start()
            if line is not None:
                raise Failure("stopped", "a start was refused after all faults were over", line)
        self.conditions.note_failed()
        self.conditions.settled()
        self._probe()
        self._inspection.look_at_all(random, self.conditions)

    def _probe(self) -> None:
        """Write something to every instance."""
        worker = self.worker
        self._probes += 1
        entries = []
        for group, accounts in sorted(self.model.state.groups.items()):
            for instance, account in sorted(accounts.items()):
                if not account.is_gone:
                    entries.append(Entry(Batch(group, instance, (Put("probe", b"%d" % self._probes),))))
        worker.begin_step()
        for place in range(0, len(entries), MOST_AT_ONCE):
            submit = partial(worker.committer.submit, entries[place : place + MOST_AT_ONCE])
            worker.run_all("the probe", [self.machine.start("probe", submit)])
        self._take_in()
        health = worker.call("the check", partial(worker.ask, worker.store.check))
        if isinstance(health, Refusal):
            raise Failure("stopped", "the store is unwell without a reason", health.value)

    def _empty(self) -> None:
        """On a full disk, delete nearly everything: that must make room."""
        worker = self.worker
        freed = 0
        self._say("  nearly everything is deleted")
        for group, accounts in sorted(self.model.state.groups.items()):
            for instance, account in sorted(accounts.items()):
                keys = [key for key in account.values if key != CREDS and key not in account.broken]
                size = self._subject.most_changes
                freed += sum(self._inspection.blocks_of_file(group, instance, key) for key in keys)
                for place in range(0, len(keys), size):
                    batch = Batch(group, instance, tuple(map(Remove, keys[place : place + size])))
                    submit = partial(worker.committer.submit, [Entry(batch)])
                    worker.run_all("the deletions", [self.machine.start("client", submit)])
        self._take_in()
        for _ in range(3):
            worker.pass_time(SETTLING)
        self.conditions.note_failed()
        if not self.conditions.excuses.everything and not self.conditions.excuses.instances:
            self._inspection.check_room("on a full disk", freed=freed)

    def _finish(self) -> None:
        """End everything that is wrong, and look at everything once more: before a stop and after it."""
        random = Random(1)
        self._say("the end")
        self.conditions.end_all()
        if self.conditions.are_any:
            self._settle(random)
        self.worker.pass_time(SETTLING)
        self._inspection.look_at_all(random, self.conditions, everything=True)
        self._inspection.check_room("at the end")
        self.worker.stop()
        self.model.start()
        self._start(random, ())
        self._inspection.look_at_all(random, self.conditions, everything=True)
        self.worker.stop()
