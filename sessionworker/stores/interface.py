"""What a store does, in words that fit any store.

A store keeps groups, the instances of each group, and the session files of each instance. Its state changes only by
`commit`, which takes several entries at once and returns when all of them are durable. One thread at a time calls
`commit`, one runs `maintain`; any number of threads may call the other methods meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from sessionworker.errors import WorkerError
from sessionworker.names import SessionFile
from sessionworker.stores.changes import Batch, Entry, PurgeDrop
from sessionworker.stores.rules.leases import Lease
from sessionworker.wire import (
    DropSummary,
    EncryptionSummary,
    EventSummary,
    InstanceSummary,
    StoreOverview,
    VersionSummary,
)


class Unknown(Enum):
    """Says that memory alone cannot answer."""

    UNKNOWN = "unknown"


UNKNOWN: Literal[Unknown.UNKNOWN] = Unknown.UNKNOWN


Outcome: TypeAlias = WorkerError | Lease | None
"""What an entry came to: the error that refused it; what its owner is told, if the entry has one and made, changed or
asked for an instance that exists; or nothing."""


class AllValues(NamedTuple):
    """All that an instance holds, as of one moment."""

    values: dict[str, bytes]
    """By their keys, which are sorted by their code points."""
    broken: int
    """Keys that hold something which is no value any more, and is left out."""


class Figures(Struct, frozen=True):
    """What a store tells of itself, by names that a store chooses; sizes are in bytes."""

    counts: Mapping[str, int]
    """What went wrong, or was odd, how often since the start."""
    gauges: Mapping[str, float]
    """How much there is now."""


class Load(Struct, frozen=True, gc=False):
    """How much some changes come to."""

    keys: int
    size: int
    """Bytes of their values."""


class Waiting(Protocol):
    """What of a store waits to be brought to where it stays, and who may add to it. Nothing here blocks."""

    @property
    def is_crowded(self) -> bool:
        """Whether so much waits to be brought to where it stays that `admits` has to be asked of each batch."""

    def admits(self, group: str, instance: str, own: Load, ahead: Load) -> bool:
        """Tell whether changes of an instance can be committed without holding up other instances.

        `ahead` was admitted before, and is not committed yet. A commit takes also what is not admitted, and may wait.
        """

    def on_room(self, tell: Callable[[bool], None]) -> None:
        """Have `tell` called, in any thread, when more is admitted than before.

        It is told whether the store has come to the end of a round in which it brings all that waits to where it stays.
        """


class Store(Protocol):
    """A place for session files. Names have been checked by the caller; every method but `recall` may block.

    Those that read raise NoSuchGroup, NoSuchInstance, or StoreUnavailable where it cannot be said what is there.
    """

    @property
    def waiting(self) -> Waiting:
        """What waits."""

    def on_repair(self, ask: Callable[[Batch], None]) -> None:
        """Have `ask` called, in any thread, with a batch that is to be committed in its turn.

        A reader changes nothing. Where it finds something broken, it asks for a repair, under the condition that
        nothing was written meanwhile.
        """

    # Changing

    def prepare(self, batch: Batch) -> Batch:
        """Do what takes long about a batch with large values, in any thread, before its turn to be committed comes.

        Returns the batch to commit in its place; it has to be committed. Raises NoSpace or StoreUnavailable.
        """

    def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Make changes durable, in their order.

        Returns one outcome for each entry. One that was refused has left things as they were, but for who has the
        instance; it does not hold up the others. Who has which instance need not be durable: after a start of a store
        that one worker alone uses nobody has any.
        """

    # Reading

    def read(self, file: SessionFile) -> bytes | None:
        """Return the value of a session file, or None if its key holds nothing."""

    def read_many(self, group: str, instance: str, keys: Sequence[str], most_bytes: int) -> dict[str, bytes | None]:
        """Return what several keys of an instance hold, each as `read` does.

        Of these the first ones, of which the values have so many bytes together at most, or one key with a larger one.

        They are of one moment: no batch is seen in part, unless the instance is written to faster than it can be read.
        """

    def names(self, group: str, instance: str, *, beginning: str, after: str, most: int) -> list[str]:
        """Return the keys of an instance that hold something, begin so, and come after another; at most so many.

        They are sorted by their code points.
        """

    def whole(self, group: str, instance: str, most_bytes: int) -> AllValues:
        """Return all that an instance holds, as `read` does.

        They are of one moment, unless the instance is written to faster than it can be read. Raises InstanceTooLarge
        where the values have more bytes together.
        """

    def recall(self, file: SessionFile) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Return what `read` would, if that is known without waiting for anything, or else UNKNOWN."""

    def check_creds(self, group: str, instance: str) -> None:
        """Make sure that a `read` of an instance's `creds` will not fail, whatever becomes of the store next.

        `creds` that are broken are replaced by the newest good version. Raises StoreUnavailable where there were
        `creds` and none can be had, or where it cannot be told.
        """

    def groups(self) -> list[str]:
        """Return the names of all groups, sorted."""

    def instances(self, group: str) -> list[str]:
        """Return the names of a group's instances, sorted."""

    # For operators

    def describe(self, group: str) -> list[InstanceSummary]:
        """Return what each instance of a group holds, sorted by name."""

    def overview(self) -> StoreOverview:
        """Return all groups and instances at a glance, without counting what they hold."""

    def versions(self, group: str, instance: str) -> list[VersionSummary]:
        """Return the versions of an instance's `creds`, newest first."""

    def read_version(self, group: str, instance: str, version: str) -> bytes:
        """Return the `creds` of a version. Raises NoSuchVersion."""

    def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped and can be brought back, newest first."""

    def drops_before(self, when: int) -> list[PurgeDrop]:
        """Return what erases the instances that were dropped before a time, in milliseconds since 1970."""

    def encryption(self) -> EncryptionSummary:
        """Return with which keys all is encrypted, and how far it has come that there is one alone."""

    def rewrite(self, *, is_wanted: bool) -> None:
        """Have what is not as it would be written now rewritten beside everything else, or not any more."""

    def events(self, after: int) -> list[EventSummary]:
        """Return what happened lately and has a higher number than `after`, oldest first; see `rules.events`."""

    def check(self) -> None:
        """Do as much as tells whether the store works. Raises NoSpace, or StoreUnavailable with the reason."""

    def checkpoint(self) -> None:
        """Bring what was committed to where it stays, so that a copy of it holds everything.

        Raises NoSpace or StoreUnavailable.
        """

    def figures(self) -> Figures:
        """Return what the metrics show. Waits for nothing."""

    def room(self) -> Mapping[str, float]:
        """Return what is left of the place where values lie, by the names of the metrics. Raises StoreUnavailable."""

    # Its life

    def serve(self) -> None:
        """Be about to be asked by clients: once, before the first of them.

        From then on nothing may be copied into the store. Raises StartError where somebody began that meanwhile.
        """

    def maintain(self) -> None:
        """Do the store's background work until `close` is called."""

    def close(self) -> None:
        """Finish what is under way, background work included, and let go of the store."""
