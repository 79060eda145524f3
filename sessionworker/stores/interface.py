"""What a store does, in words that fit any store.

A store keeps groups, the instances of each group, and the session files of each instance. Its state changes only by
`commit`, which takes several changes at once and returns when all of them are durable. One thread at a time calls
`commit`, one runs `maintain`; any number of threads may read meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from sessionworker.errors import WorkerError
from sessionworker.names import SessionFile


class CreateGroup(Struct, frozen=True, array_like=True, tag=True):
    """Make a group, if it does not exist."""

    group: str


class CreateInstance(Struct, frozen=True, array_like=True, tag=True):
    """Make an instance, and its group, if they do not exist."""

    group: str
    instance: str


class Write(Struct, frozen=True, array_like=True, tag=True):
    """Store a value over whatever the key held. Refused with NoSuchInstance or NoSuchGroup.

    The value is one JSON text, which the caller has checked: what does not read back as JSON is taken for broken.
    """

    file: SessionFile
    value: bytes


class Delete(Struct, frozen=True, array_like=True, tag=True):
    """Remove a session file, if it exists."""

    file: SessionFile


class DropInstance(Struct, frozen=True, array_like=True, tag=True):
    """Remove an instance with all its session files, if it exists. For a while, `RestoreInstance` brings it back."""

    group: str
    instance: str


class DropGroup(Struct, frozen=True, array_like=True, tag=True):
    """Remove a group with all its instances, each as `DropInstance` does."""

    group: str


class RestoreInstance(Struct, frozen=True, array_like=True, tag=True):
    """Bring back an instance that was dropped, under `name`. Refused with NoSuchDrop, or with NameTaken."""

    group: str
    instance: str
    drop: str
    name: str


class Probe(Struct, frozen=True, array_like=True, tag=True):
    """Change nothing, durably: whoever wants to know whether changes can be made."""


class WriteStaged(Struct, frozen=True, array_like=True, tag=True):
    """Store a large value as `Write` does, after `Store.stage` has put it where its commit costs little."""

    file: SessionFile
    staged: str


Change: TypeAlias = (
    CreateGroup | CreateInstance | Write | WriteStaged | Delete | DropInstance | DropGroup | RestoreInstance | Probe
)


class InstanceSummary(Struct, frozen=True, rename="camel"):
    """What an instance holds."""

    instance: str
    files: int
    bytes: int
    last_write: int
    """Milliseconds since 1970, 0 if nothing was written."""
    types: dict[str, int]
    """How many files there are of each type of key."""


class VersionSummary(Struct, frozen=True, rename="camel"):
    """One version of an instance's `creds`."""

    version: str
    when: int
    """Milliseconds since 1970."""
    identity: str
    """A short hash: the same for two versions of the same identity; empty where the `creds` were deleted."""
    bytes: int
    is_pinned: bool
    """Whether it is kept for good, as the newest of its identity."""
    is_current: bool


class DropSummary(Struct, frozen=True, rename="camel"):
    """An instance that was dropped and can be brought back."""

    group: str
    instance: str
    drop: str
    when: int
    """Milliseconds since 1970."""
    files: int
    bytes: int


class Unknown(Enum):
    """Says that memory alone cannot answer."""

    UNKNOWN = "unknown"


UNKNOWN: Literal[Unknown.UNKNOWN] = Unknown.UNKNOWN


class Store(Protocol):
    """A place for session files. Names have been checked by the caller; every method but `recall` may block."""

    def commit(self, changes: Sequence[Change]) -> list[WorkerError | None]:
        """Make changes durable, in their order.

        Returns one outcome for each change: None, or the error that refused it. A change that was refused has left
        things as they were; it does not hold up the others.
        """

    def stage(self, write: Write) -> Write | WriteStaged:
        """Do what takes long about storing a large value, in any thread, before its turn to be committed comes.

        Returns the change to commit in its place. Raises NoSpace or StoreUnavailable.
        """

    def read(self, file: SessionFile) -> bytes | None:
        """Return the value of a session file, or None if its key holds nothing.

        Raises NoSuchGroup, NoSuchInstance or StoreUnavailable.
        """

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return what `read` would, if that is known without waiting for anything, or else UNKNOWN.

        Raises NoSuchGroup or NoSuchInstance.
        """

    def check_creds(self, group: str, instance: str) -> None:
        """Make sure that a `read` of an instance's `creds` will not fail, whatever the disk does next.

        `creds` that are broken are replaced by the newest good version. Raises NoSuchGroup, NoSuchInstance, or
        StoreUnavailable where there were `creds` and none can be had.
        """

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted. Raises NoSuchGroup."""

    def describe(self, group: str) -> list[InstanceSummary]:
        """Return what each instance of a group holds, sorted by name. Raises NoSuchGroup or StoreUnavailable."""

    def versions(self, group: str, instance: str) -> list[VersionSummary]:
        """Return the versions of an instance's `creds`, newest first. Raises as `read` does."""

    def read_version(self, group: str, instance: str, version: str) -> bytes:
        """Return the `creds` of a version. Raises as `read` does, or NoSuchVersion."""

    def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped and can be brought back, newest first."""

    def purge(self) -> int:
        """Let go of what was dropped long enough ago, and return how many instances that were."""

    def checkpoint(self) -> None:
        """Bring what was committed to where it stays, so that a copy of it holds everything.

        Raises NoSpace or StoreUnavailable.
        """

    def probe(self) -> None:
        """Write something and read it back. Raises StoreUnavailable or NoSpace."""

    def maintain(self) -> None:
        """Do the store's background work until `close` is called."""

    def close(self) -> None:
        """Finish what is under way, background work included, and let go of the store."""
