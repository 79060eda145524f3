"""What a history consists of, as plain data.

Each part has what it needs, and a seed of its own, so that taking others away does not change it.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from tests.simulation.crashes import How
from tests.simulation.faults import Rule
from tests.simulation.subject import CreateGroup, CreateInstance, DropGroup, DropInstance, Label
from tests.simulation.values import Value

# What clients do. Those of one step run at once.


class Change(NamedTuple):
    """One key, and what it shall hold; None for nothing."""

    key: str
    value: Value | None


class Write(NamedTuple):
    """Commit changes of one instance."""

    group: str
    instance: str
    changes: tuple[Change, ...]


class Send(NamedTuple):
    """Have several things committed, one behind the other."""

    entries: tuple[Write | CreateGroup | CreateInstance | DropInstance | DropGroup | Label, ...]


class BringBack(NamedTuple):
    """Look at the list of drops and restore one, under its own name or another, in its group or another."""

    place: float
    """Which one, from 0 (the newest) to 1."""
    name: str | None
    into: str | None = None
    replaces: bool = False
    """Whether what has the name gives it up."""


class LetGo(NamedTuple):
    """Look at the list of drops and purge one; a store that cannot purges those that are old."""

    place: float


class PurgeOld(NamedTuple):
    """Purge the drops that are old enough."""


class MakeCurrent(NamedTuple):
    """Look at the versions of creds and write an older one."""

    group: str
    instance: str
    place: float


class Look(NamedTuple):
    """Read some keys."""

    group: str
    instance: str
    keys: tuple[str, ...]
    recalls: bool


class Check(NamedTuple):
    """Check the creds of an instance and read them, as a client does that connects."""

    group: str
    instance: str


class Tell(NamedTuple):
    """Ask for one of the lists: versions, drops, a description, groups."""

    what: str
    group: str
    instance: str


class Checkpoint(NamedTuple):
    """Ask for a checkpoint."""


Operation: TypeAlias = Send | BringBack | LetGo | PurgeOld | MakeCurrent | Look | Check | Tell | Checkpoint

# What happens to the machine


class Failing(NamedTuple):
    """System calls fail for so many steps."""

    rule: Rule
    steps: int


class Full(NamedTuple):
    """The disk has only so many blocks or inodes left for so many steps."""

    blocks: int
    inodes: int | None
    steps: int
    empties: bool
    """Whether much is deleted at its end, which must make room."""


class Hand(NamedTuple):
    """Somebody changes an instance's folder on the disk, for so many steps or for good."""

    what: str
    group: str
    instance: str
    key: str
    steps: int
    number: int = 0
    """Of the creds that are copied in."""


class SetClock(NamedTuple):
    """The wall clock is set back or forward by so many seconds."""

    seconds: float


Condition: TypeAlias = Failing | Full | Hand | SetClock


class Crash(NamedTuple):
    """The machine dies at a call from now, and perhaps again while it starts."""

    calls: int
    how: How
    again: tuple[tuple[int, How], ...] = ()


class Step(NamedTuple):
    """What happens at once: first the conditions, then all operations beside each other, then time passes."""

    seed: int
    operations: tuple[Operation, ...] = ()
    conditions: tuple[Condition, ...] = ()
    passes: float = 0
    """Seconds."""
    crash: Crash | None = None
    restarts: bool = False
    """Whether the store is stopped and started before; the conditions come in between."""
    wakes: bool = False
    """Whether the background work begins meanwhile."""
    stretch: float = 10
    """System calls and locks from one switch to the next, on average."""


History: TypeAlias = tuple[Step, ...]
