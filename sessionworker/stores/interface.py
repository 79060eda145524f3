"""What a store does, in words that fit any store.

A store keeps groups, the instances of each group, and the session files of each instance. Its state changes only by
`commit`, which takes several changes at once and returns when all of them are durable. One thread at a time calls
`commit`; any number of threads may read meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from sessionworker.errors import WorkerError
from sessionworker.names import SessionFile


@dataclass(frozen=True, slots=True)
class CreateGroup:
    """Make a group, if it does not exist."""

    group: str


@dataclass(frozen=True, slots=True)
class CreateInstance:
    """Make an instance, and its group, if they do not exist."""

    group: str
    instance: str


@dataclass(frozen=True, slots=True)
class Write:
    """Store a value, as bytes, over whatever the key held. Refused with NoSuchInstance or NoSuchGroup."""

    file: SessionFile
    value: bytes


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a session file, if it exists."""

    file: SessionFile


@dataclass(frozen=True, slots=True)
class DropInstance:
    """Remove an instance with all its session files, if it exists."""

    group: str
    instance: str


Change: TypeAlias = CreateGroup | CreateInstance | Write | Delete | DropInstance


class Store(Protocol):
    """A place for session files. Every method blocks; names have been checked by the caller."""

    def commit(self, changes: Sequence[Change]) -> list[WorkerError | None]:
        """Make changes durable, in their order.

        Returns one outcome for each change: None, or the error that refused it. A change that was refused has left
        things as they were; it does not hold up the others.
        """

    def read(self, file: SessionFile) -> bytes | None:
        """Return the value of a session file, or None if its key holds nothing.

        Raises NoSuchGroup, NoSuchInstance or StoreUnavailable.
        """

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted. Raises NoSuchGroup."""

    def close(self) -> None:
        """Finish what is under way and let go of the store."""
