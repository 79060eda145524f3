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
    """Store a value, as bytes, over whatever the key held. Refused with NoSuchInstance or NoSuchGroup."""

    file: SessionFile
    value: bytes


class Delete(Struct, frozen=True, array_like=True, tag=True):
    """Remove a session file, if it exists."""

    file: SessionFile


class DropInstance(Struct, frozen=True, array_like=True, tag=True):
    """Remove an instance with all its session files, if it exists."""

    group: str
    instance: str


Change: TypeAlias = CreateGroup | CreateInstance | Write | Delete | DropInstance


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

    def read(self, file: SessionFile) -> bytes | None:
        """Return the value of a session file, or None if its key holds nothing.

        Raises NoSuchGroup, NoSuchInstance or StoreUnavailable.
        """

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return what `read` would, if that is known without waiting for anything, or else UNKNOWN.

        Raises NoSuchGroup or NoSuchInstance.
        """

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted. Raises NoSuchGroup."""

    def maintain(self) -> None:
        """Do the store's background work until `close` is called."""

    def close(self) -> None:
        """Finish what is under way, background work included, and let go of the store."""
