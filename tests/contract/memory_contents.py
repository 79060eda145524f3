"""What the store in dictionaries holds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sessionworker.errors import HeldElsewhere, StoreUnavailable, WorkerError
from sessionworker.names import type_of_key
from sessionworker.stores.changes import Batch, Restore, Unwritten
from sessionworker.stores.interface import Load
from sessionworker.stores.rules.events import RecentEvents
from sessionworker.stores.rules.leases import Lease, Tenure, let_go, let_in, renamed
from sessionworker.stores.rules.versions import Version, pinned
from sessionworker.wire import DropSummary, InstanceSummary, VersionSummary


@dataclass(eq=False)
class Instance:
    """What an instance holds."""

    values: Mapping[str, bytes] = field(default_factory=dict)
    versions: Mapping[Version, bytes | None] = field(default_factory=dict)
    """By what they are called; None for a deletion."""
    last_write: int = 0
    writes: int = 0
    problem: str = ""
    """Why it is refused, if it is."""
    label: str = ""

    @property
    def unwritten(self) -> Unwritten:
        """The condition that it is written to no more."""
        return Unwritten((self, self.writes))

    def sum_up(self) -> tuple[int, int]:
        """Return how many session files it has, and their bytes."""
        return len(self.values), sum(map(len, self.values.values()))

    def told_as(self, name: str) -> InstanceSummary:
        """Return what is told of one with a name."""
        types = dict(Counter(map(type_of_key, self.values)))
        return InstanceSummary(name, *self.sum_up(), self.last_write, types, label=self.label)

    def dropped_as(self, group: str, name: str, drop: str) -> DropSummary:
        """Return what is told of one that was dropped."""
        return DropSummary(group, name, drop, int(drop.partition("-")[0]), *self.sum_up(), label=self.label)


class Tenures:
    """Who has which instance: it ends with the store."""

    def __init__(self) -> None:
        self._tenures: dict[Instance, Tenure] = {}

    def let_in(self, instance: Instance, owner: str | None) -> Lease | WorkerError | None:
        found = None if owner is None else let_in(self._tenures.get(instance), owner, time.monotonic())
        if instance.problem and not isinstance(found, HeldElsewhere):
            return StoreUnavailable()
        return self._put(instance, found) or (found.lease if isinstance(found, Tenure) else None)

    def let_in_for(self, instance: Instance, batch: Batch) -> Lease | WorkerError | None:
        if instance in self._tenures and any(isinstance(change, Restore) for change in batch.changes):
            self._tenures[instance] = renamed(self._tenures[instance])
        return self.let_in(instance, batch.owner)

    def let_go(self, instance: Instance, owner: str | None) -> HeldElsewhere | None:
        return self._put(instance, let_go(self._tenures.get(instance), owner, time.monotonic()))

    def _put(self, instance: Instance, found: Tenure | HeldElsewhere | None) -> HeldElsewhere | None:
        if isinstance(found, HeldElsewhere):
            return found
        if found is not None:
            self._tenures[instance] = found
        return None

    def has(self, instance: Instance) -> bool:
        """Tell whether somebody has an instance."""
        return instance in self._tenures and self._tenures[instance].is_live(time.monotonic())

    def end(self, instance: Instance) -> None:
        self._tenures.pop(instance, None)

    def forget(self) -> None:
        """Forget them all, as a store does that is opened again."""
        self._tenures.clear()


@dataclass
class Contents:
    """What a store holds: it outlives the store, as a disk does."""

    groups: dict[str, dict[str, Instance]] = field(default_factory=dict)
    drops: dict[tuple[str, str, str], Instance] = field(default_factory=dict)
    """By the names that they had, and what the drop is called; oldest first."""
    aside: list[bytes] = field(default_factory=list)
    """Values that were broken."""
    last_drop: int = 0
    events: RecentEvents = field(default_factory=RecentEvents)


class NothingWaits:
    """What waits in a store in which all is in its place at once; see `interface.Waiting`."""

    is_crowded = False

    def admits(self, _group: str, _instance: str, _own: Load, _ahead: Load) -> bool:
        return True

    def on_room(self, tell: Callable[[bool], None]) -> None:
        pass


def fitting(values: dict[str, bytes | None], most_bytes: int) -> dict[str, bytes | None]:
    """Return the first values that have so many bytes together, one at least."""
    fitting = dict(values)
    while len(fitting) > 1 and sum(len(value or b"") for value in fitting.values()) > most_bytes:
        fitting.popitem()
    return fitting


def is_settled(versions: Mapping[Version, bytes | None]) -> bool:
    """Tell whether there should be no `creds`."""
    return not versions or max(versions).is_deletion


def now() -> int:
    """Return the time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def summaries_of(kept: Mapping[Version, bytes | None]) -> list[VersionSummary]:
    """Return what is told of versions, newest first."""
    newest, stay = max(kept, default=None), pinned(kept)
    return [
        VersionSummary(
            version.file_name,
            version.when,
            "" if version.is_deletion else version.identity,
            len(value or b""),
            is_pinned=version in stay,
            is_current=version == newest,
        )
        for version, value in sorted(kept.items(), reverse=True)
    ]
