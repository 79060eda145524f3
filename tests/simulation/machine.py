"""A machine that a store runs on: a disk, a clock, threads, and what goes wrong with them, all from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from random import Random
from types import ModuleType
from typing import Any

from tests.simulation.crashes import How, after_crash
from tests.simulation.disk import Disk
from tests.simulation.faults import Fault, Rule, paths_of
from tests.simulation.locks import Threading
from tests.simulation.operating import Operating
from tests.simulation.schedule import Crash, Schedule
from tests.simulation.stand_ins import Fcntl, Secrets, Shutil, Time, Uuid

_FLAGS = 3
"""The place of the flags among the arguments of pwritev."""


class Machine(Schedule):
    """Begins with an empty disk. What runs on it must run in tasks, but for what only looks."""

    def __init__(self, seed: int) -> None:
        """Draw everything from a seed."""
        super().__init__(Random(seed))
        self.disk = Disk(self.wall_clock)
        self.ids = Random(seed)
        """Of what the store itself draws."""
        self.faults: list[Fault] = []
        self.failed_calls = 0
        self.crash_at: int | None = None
        self._crash_how: How = "kill"
        self.crashes = 0
        self.os = Operating(self)
        self.threading = Threading(self)
        self.stand_ins: dict[str, object] = {
            "os": self.os,
            "threading": self.threading,
            "time": Time(self),
            "secrets": Secrets(self.ids),
            "uuid": Uuid(self.ids),
            "fcntl": Fcntl(self, lambda: self.disk),
            "shutil": Shutil(self.os),
        }

    @contextmanager
    def installed(self, modules: Sequence[ModuleType], others: Mapping[str, object] | None = None) -> Iterator[None]:
        """Have modules use this machine for a block: where they have a global of such a name, it is replaced.

        `others` are further names, of the store's own.
        """
        replaced: list[tuple[dict[str, Any], str, Any]] = []
        try:
            for module in modules:
                names = vars(module)
                for name, stand_in in {**self.stand_ins, **(others or {})}.items():
                    if name in names:
                        replaced.append((names, name, names[name]))
                        names[name] = stand_in
            yield
        finally:
            for names, name, before in reversed(replaced):
                names[name] = before
            if not self.is_dead:
                self.kill_all()

    # System calls

    @property
    def calls(self) -> int:
        """System calls that were made."""
        return self.steps - self.points

    def attend(self, name: str, act: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Make a system call at which something else may happen, too."""
        if self.is_dead:
            raise Crash
        if self.crash_at is not None and self.steps >= self.crash_at:
            self._crash(name, args)
        is_due = self.is_due()
        is_later = is_due and self.random.random() < 0.5
        if is_due and not is_later:
            self.switch()
        self.plan()
        fault = next((fault for fault in self.faults if fault.strikes(self.disk, name, args, options)), None)
        told = "" if self.tell is None else " ".join(paths_of(self.disk, name, args, options))
        try:
            if fault is None:
                result = act(*args, **options)
            else:
                self.failed_calls += 1
                if self.current is not None and fault.is_doubtful:
                    self.current.injuries += 1
                result = fault.happen(self.disk, name, act, args, options)
        except BaseException as error:
            self._say(f"{name} {told} = {type(error).__name__}{' (made to)' if fault else ''}")
            raise
        self._say(f"{name} {told} = {result!r:.60}")
        if is_later:
            self.switch()
        return result

    def _say(self, line: str) -> None:
        if self.tell is not None:
            self.tell(f"    {self.steps:6} {self.current.name if self.current else '-':14} {line}")

    def plan(self) -> None:
        """Draw the next switch, and work out when there is something to do next."""
        super().plan()
        if self.faults or self.tell:
            self.event = 0
        elif self.crash_at is not None:
            self.event = min(self.event, self.crash_at)

    # What goes wrong

    def add_fault(self, rule: Rule) -> Fault:
        """Let calls fail from now on."""
        fault = Fault(rule)
        self.faults.append(fault)
        self.plan()
        return fault

    def remove_fault(self, fault: Fault) -> None:
        """Let them succeed again."""
        self.faults.remove(fault)

    def crash_in(self, calls: int | None, how: How = "kill") -> None:
        """Crash at a system call from now, or, for None, not any more."""
        self.crash_at = None if calls is None else self.steps + calls
        self._crash_how = how
        self.plan()

    def _crash(self, name: str, args: tuple[Any, ...]) -> None:
        """Die at a system call: before it, or, where it writes and syncs, in the middle of it.

        A process that is killed is not interrupted in a call: it has written and synced then.
        """
        if name == "pwritev" and self.random.random() < 0.5:
            with suppress(OSError):
                self.disk.pwritev(*(args if self._crash_how == "kill" else args[:_FLAGS]))
        self._say(f"{name}: the crash")
        self.is_dead = True
        self.event = 0
        raise Crash

    def restart_after(self, how: How, random: Random) -> None:
        """Be the machine that starts again after a crash."""
        self.crashes += 1
        self.crash_at = None
        self.wake_at = None
        self.kill_all()
        self.disk = after_crash(self.disk, how, random)
        self.os.use(self.disk)
        self.live_again()

    def end_process(self) -> None:
        """Let nothing run, and nothing be open; the machine itself goes on."""
        self.kill_all()
        self.disk = after_crash(self.disk, "kill", self.random)
        self.live_again()
