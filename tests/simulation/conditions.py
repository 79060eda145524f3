"""What is wrong with the machine for a while: faults, a full disk, what people did to folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.simulation.faults import Fault
from tests.simulation.hands import Hands
from tests.simulation.machine import Machine
from tests.simulation.model import Model
from tests.simulation.operations import Condition, Failing, Full, Hand, SetClock
from tests.simulation.records import Excuses
from tests.simulation.schedule import SECOND
from tests.simulation.subject import Subject

_MOVES = ("away", "file in its place", "link in its place")


@dataclass
class Window:
    """Something that is wrong, and for how many steps more."""

    condition: Condition
    left: int
    undo: Callable[[], None]


class Conditions:
    """Begins with everything well."""

    def __init__(self, machine: Machine, subject: Subject, model: Model) -> None:
        """Do things to a machine."""
        self._machine = machine
        self._subject = subject
        self.excuses = Excuses(frees_room_when_full=subject.frees_room_when_full, most_apart=subject.most_apart)
        self.hands = Hands(machine, subject, model, self.excuses)
        self._windows: list[Window] = []
        self._faults: list[tuple[Fault, int]] = []
        self.begun = 0
        """How often something went wrong."""

    @property
    def are_any(self) -> bool:
        """Whether something is wrong, or was and was not settled since."""
        return bool(self._windows) or self.excuses.are_any

    @property
    def is_over(self) -> bool:
        """Whether something was wrong, and nothing is any more."""
        return not self._windows and self.excuses.are_any

    @property
    def full(self) -> Full | None:
        """The full disk whose last step this is, if much is to be deleted then."""
        for window in self._windows:
            if isinstance(window.condition, Full) and window.condition.empties and window.left <= 1:
                return window.condition
        return None

    def begin(self, condition: Condition) -> None:
        """Let something be wrong from now on."""
        machine = self._machine
        self.begun += 1
        match condition:
            case Failing(rule, steps):
                path = rule.path and self._subject.pattern(rule.path)
                fault = machine.add_fault(replace(rule, path=path))
                self._faults.append((fault, 0))
                self._windows.append(Window(condition, steps, lambda: machine.remove_fault(fault)))
            case Full(blocks, inodes, steps):
                if machine.disk.blocks is None:
                    machine.disk.blocks = machine.disk.used_blocks + blocks
                    machine.disk.inodes = None if inodes is None else machine.disk.used_inodes + inodes
                    self.excuses.is_full = True
                    self.excuses.are_inodes_full |= inodes is not None
                    self._windows.append(Window(condition, steps, self._make_room))
            case Hand(steps=steps):
                undo = self.hands.do(condition)
                if undo is not None:
                    self._windows.append(Window(condition, steps, undo))
            case SetClock(seconds):
                machine.wall += int(seconds * SECOND)

    def _make_room(self) -> None:
        self._machine.disk.blocks = self._machine.disk.inodes = None

    def note_failed(self) -> None:
        """Note who may be refused something because of calls that failed."""
        for place, (fault, known) in enumerate(self._faults):
            for path in fault.failed[known:]:
                if fault.rule.error:
                    self.excuses.add(self._subject.scope_of(path))
            self._faults[place] = fault, len(fault.failed)

    def end_step(self) -> None:
        """Count a step; what has lasted long enough ends."""
        for window in list(self._windows):
            window.left -= 1
            if window.left <= 0:
                self._end(window)

    def put_folders_back(self) -> None:
        """Before a start: what was moved out of its place comes back. A store cannot know of a folder that is away."""
        for window in list(self._windows):
            if isinstance(window.condition, Hand) and window.condition.what in _MOVES:
                self._end(window)

    def end_all(self) -> None:
        """Let nothing be wrong any more."""
        for window in list(self._windows):
            self._end(window)

    def _end(self, window: Window) -> None:
        self._windows.remove(window)
        window.undo()

    def settled(self) -> None:
        """Nobody may be refused anything any more."""
        self._faults = [(fault, len(fault.failed)) for fault, _ in self._faults if fault in self._machine.faults]
        self.excuses.clear()
