"""What is asked of a store to be simulated.

A subject opens its store on a machine, and speaks of requests and answers in the words below: all else knows no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import ModuleType
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from sessionworker.errors import WorkerError
from tests.simulation.machine import Machine

# What is asked


class Put(NamedTuple):
    """Store a value."""

    key: str
    value: bytes


class Remove(NamedTuple):
    """Let a key hold nothing."""

    key: str


class Batch(NamedTuple):
    """Changes of one instance, all or none."""

    group: str
    instance: str
    changes: tuple[Put | Remove, ...]


class CreateGroup(NamedTuple):
    """Make a group, if it is missing."""

    group: str


class CreateInstance(NamedTuple):
    """Make an instance and its group, if they are missing."""

    group: str
    instance: str


class DropInstance(NamedTuple):
    """Put an instance aside, if there is one."""

    group: str
    instance: str


class DropGroup(NamedTuple):
    """Put a group with all its instances aside."""

    group: str


class Restore(NamedTuple):
    """Bring a dropped instance back in a group, under a name."""

    group: str
    instance: str
    drop: str
    into: str
    name: str
    replaces: bool = False
    """Whether what has the name gives it up, and is a drop then, in the same step."""


class Purge(NamedTuple):
    """Erase a dropped instance for good."""

    group: str
    instance: str
    drop: str


class Label(NamedTuple):
    """Call an instance something, or nothing."""

    group: str
    instance: str
    label: str


Request: TypeAlias = Batch | CreateGroup | CreateInstance | DropInstance | DropGroup | Restore | Purge | Label

# What is answered


class Refusal(Enum):
    """Why something was refused."""

    MISSING = "there is no such thing"
    TAKEN = "the name is taken"
    FULL = "there is no room"
    UNAVAILABLE = "not now"
    NOT_ALLOWED = "not allowed"


Outcome: TypeAlias = Refusal | None

_REFUSALS = {
    400: Refusal.NOT_ALLOWED,
    404: Refusal.MISSING,
    409: Refusal.TAKEN,
    412: Refusal.NOT_ALLOWED,
    503: Refusal.UNAVAILABLE,
    507: Refusal.FULL,
}


def refusal_of(error: WorkerError) -> Refusal:
    """Return what a store's own error means."""
    return _REFUSALS[error.status]


class Unknown(Enum):
    """What `recall` answers where it would have to wait."""

    UNKNOWN = "unknown"


UNKNOWN: Literal[Unknown.UNKNOWN] = Unknown.UNKNOWN


class VersionSeen(NamedTuple):
    """One version of an instance's `creds`, as a store lists it."""

    version: str
    is_current: bool
    is_deletion: bool


Holds: TypeAlias = tuple[int, int, str]
"""How many session files an instance has, and their bytes; -1 where a store does not tell. And its label."""


class DropSeen(NamedTuple):
    """One dropped instance, as a store lists it."""

    group: str
    instance: str
    drop: str
    holds: Holds = (-1, -1, "")


class Entry(NamedTuple):
    """A request, with what `prepare` has made of it, if it was asked."""

    request: Request
    prepared: Any = None


class Repair(NamedTuple):
    """What a store asked for, as it gave it: only the store knows what it is."""

    what: Any


class Store(Protocol):
    """A store that is open. Every method may raise WorkerError; anything else that it raises is a failure."""

    def commit(self, entries: Sequence[Entry | Repair]) -> list[Outcome]:
        """Carry out requests, in their order; one outcome for each. One task at a time calls this.

        An entry may also be a repair that the store asked for; what is said of it is not looked at.
        """

    def prepare(self, batch: Batch) -> Any:
        """Do what takes long about a batch with large values, in any task, before it is committed."""

    def read(self, group: str, instance: str, key: str) -> bytes | None:
        """Return a value, or None for a key that holds nothing."""

    def recall(self, group: str, instance: str, key: str) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return a value as far as it is known without waiting."""

    def check_creds(self, group: str, instance: str) -> None:
        """Make sure that a read of an instance's creds will not fail."""

    def groups(self) -> list[str]:
        """Return the names of all groups."""

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances."""

    def describe(self, group: str) -> dict[str, Holds]:
        """Return what each instance of a group holds, and is called."""

    def versions(self, group: str, instance: str) -> list[VersionSeen]:
        """Return the versions of an instance's creds, newest first."""

    def read_version(self, group: str, instance: str, version: str) -> bytes:
        """Return the creds of a version."""

    def drops(self) -> list[DropSeen]:
        """Return the dropped instances: of those of one name the newest first, whatever the clock says."""

    def purge(self) -> None:
        """Let go of what was dropped more than `keep_drops_days` ago."""

    def checkpoint(self) -> None:
        """Bring everything to where it stays."""

    def check(self) -> None:
        """Tell whether the store is well."""

    def maintain(self) -> None:
        """Do background work until `close` is called."""

    def close(self) -> None:
        """Finish what is under way, and let go of the store."""

    def wants_restart(self) -> bool:
        """Tell whether the store has said that nothing but a restart helps."""


class Subject(Protocol):
    """A kind of store, and what the simulation must know of it."""

    name: str
    modules: Sequence[ModuleType]
    """Those whose globals `os`, `threading`, `time` and so on are replaced."""
    large_from: int
    """Bytes from which on a value is prepared before it is committed."""
    most_changes: int
    """Changes that one batch may have; 1 for a store that has no batches."""
    most_apart: float
    """Bytes of instances whose files cannot follow from which on all may be refused what needs room."""
    frees_room_when_full: bool
    """Whether deletions and drops must not be refused on a full disk."""
    can_purge_one: bool
    """Whether it takes `Purge`."""
    takes_in: bool
    """Whether the folder of an instance may be put into the store by hand."""
    keep_drops_days: float
    own_bytes: int
    """Bytes that its own files may occupy once a checkpoint went well, besides values, versions and folders."""
    most_bytes: int
    """The same at any time, faults or not."""
    blocks_of_an_instance: int
    """Blocks of 4096 bytes that an instance may occupy besides its files and versions: its folders."""

    def others(self, machine: Machine) -> Mapping[str, object]:
        """Return further globals of the modules that are replaced, by their names."""

    def open(self, machine: Machine, report: Callable[[str], None], ask: Callable[[Any], None]) -> Store:
        """Open the store at ROOT, in a task. Raises StartError.

        `report` takes a line for the operator. `ask` takes a repair that the store wants to have committed; it does not
        wait, and `commit` is given it as a Repair.
        """

    def forget(self) -> None:
        """Let go of the stores that were opened: their machine is off, and nothing of them may reach another."""

    # Where things lie

    def scope_of(self, path: str) -> Scope:
        """Tell what can suffer where a call fails that is about this path."""

    def pattern(self, path: str) -> str:
        """Return a regular expression for a path at ROOT that is told in plain names: it matches where that lies."""

    def folder(self, group: str, instance: str) -> str:
        """Return the path of an instance's folder."""

    def file(self, group: str, instance: str, key: str) -> str:
        """Return the path of a key's file."""

    def versions_folder(self, group: str, instance: str) -> str:
        """Return the path of the folder that holds an instance's versions."""

    def version_in(self, group: str, instance: str, name: str, data: bytes) -> bytes:
        """Return the value of the version whose file has a name and holds these data; them, where it is broken."""


ROOT = "/data"
"""Where the store lies. The folder is there and empty at first."""


class Scope(NamedTuple):
    """What a fault may have an effect on: one instance, one group (no instance), dropped ones, or everything."""

    group: str | None = None
    instance: str | None = None
    only_drops: bool = False


EVERYTHING = Scope()
DROPS = Scope(only_drops=True)
