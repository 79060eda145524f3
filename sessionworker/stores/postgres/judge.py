"""Which batches can be made, and what each of them changes. All that is asked of the database was asked before."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sessionworker.errors import (
    ConditionFailed,
    CredsNotAllowed,
    HeldElsewhere,
    NoSuchGroup,
    NoSuchInstance,
    WorkerError,
)
from sessionworker.events import Event
from sessionworker.names import CREDS
from sessionworker.stores.changes import (
    Batch,
    Change,
    Delete,
    Existing,
    Probe,
    ReleaseInstance,
    Restore,
    SetAside,
    Unwritten,
    Write,
)
from sessionworker.stores.interface import Outcome
from sessionworker.stores.postgres.held import Held, Moment, not_its_own
from sessionworker.stores.rules.creds import Creds, Oddity, find_oddities, read_creds
from sessionworker.stores.rules.leases import Lease, let_go, let_in, renamed
from sessionworker.stores.rules.told import lease_ended, odd_creds, owner_changed, version_restored
from sessionworker.stores.rules.versions import Keep, to_keep, version_of


class Judge:
    """Judges the entries of one transaction, one after the other, and notes what is to be told once it is durable."""

    def __init__(
        self,
        instances: Mapping[tuple[str, str], Held],
        has_group: Callable[[str], bool],
        moment: Moment,
        keep: Keep,
    ) -> None:
        """Judge by the rows that are locked; `has_group` tells whether there is a group where no instance is."""
        self._instances = instances
        self._has_group = has_group
        self._moment = moment
        self._keep = keep
        self.events: list[Event] = []
        self.reports: list[Event] = []
        """What is told, and not remembered: it may come in thousands."""
        self.odd = dict.fromkeys(Oddity, 0)
        self.refused = 0
        """How many were refused because another owner has the instance."""

    def judge(self, entry: Batch | ReleaseInstance | Probe) -> Outcome:
        """Return what an entry comes to, and note what it changes."""
        if isinstance(entry, Probe):
            return None
        held = self._instances.get((entry.group, entry.instance))
        if held is None:
            return self._judge_nobody(entry)
        if not held.is_proven:
            return not_its_own()
        if isinstance(entry, ReleaseInstance):
            return self._release(entry, held)
        return self._judge(entry, held)

    def _judge_nobody(self, entry: Batch | ReleaseInstance) -> WorkerError | None:
        only_deletes = isinstance(entry, Batch) and all(isinstance(change, Delete) for change in entry.changes)
        if only_deletes and not (isinstance(entry, Batch) and isinstance(entry.condition, Existing)):
            return None
        return NoSuchInstance() if self._has_group(entry.group) else NoSuchGroup()

    # Batches

    def _judge(self, batch: Batch, held: Held) -> Outcome:
        lease = self.let_in(held, batch.owner)
        if isinstance(lease, HeldElsewhere):
            return lease
        condition = batch.condition
        if isinstance(condition, Unwritten) and condition.since != held.since:
            return ConditionFailed()
        undo = next((change for change in batch.changes if isinstance(change, Restore)), None)
        if undo is not None and held.tenure is not None:
            held.tenure, held.is_touched = renamed(held.tenure), True
        made = _Made(held, self._moment.now)
        for change in batch.changes:
            refusal = made.add(change)
            if refusal is not None:
                return refusal
        if made.is_change:
            self._tell_of_creds(held, made, undo)
            made.apply(self._keep)
        return held.tenure.lease if lease is not None and held.tenure is not None else lease

    def _tell_of_creds(self, held: Held, made: _Made, undo: Restore | None) -> None:
        if undo is not None:
            self.events.append(version_restored(held.group, held.name, undo.by))
            return
        for oddity in find_oddities(creds for creds in (held.creds, *made.new_creds) if creds is not None):
            self.odd[oddity] += 1
            self.events.append(odd_creds(held.group, held.name, oddity))

    # Owners

    def let_in(self, held: Held, owner: str | None) -> Lease | HeldElsewhere | None:
        """Give an instance to an owner that asks for a change, if it names itself; or return why it is refused."""
        if owner is None or (not owner and held.tenure is None):
            return None
        found = let_in(held.tenure, owner, self._moment.seconds)
        if isinstance(found, HeldElsewhere):
            self.refused += 1
            return found
        if found is None:
            return None
        if held.tenure is not None and held.tenure.owner != found.owner:
            self.reports.append(owner_changed(held.group, held.name, held.tenure.owner, found.owner))
        held.tenure, held.is_touched = found, True
        return found.lease

    def _release(self, release: ReleaseInstance, held: Held) -> WorkerError | None:
        before = held.tenure
        found = let_go(before, release.owner, self._moment.seconds)
        if isinstance(found, HeldElsewhere):
            self.refused += 1
            return found
        if before is not None and found is not None and found is not before:
            held.tenure, held.is_touched = found, True
            if release.owner is None:
                self.events.append(lease_ended(held.group, held.name, before.owner, release.by))
        return None


class _Made:
    """What one batch changes, until it is known that nothing in it is refused."""

    def __init__(self, held: Held, now: int) -> None:
        self._held = held
        self._now = now
        self._values: dict[str, bytes | None] = {}
        self._aside: list[str] = []
        self._has_creds = held.has_creds
        self.new_creds: list[Creds | None] = []
        self._creds: list[bytes | None] = []

    @property
    def is_change(self) -> bool:
        return bool(self._values or self._aside)

    def add(self, change: Change) -> WorkerError | None:
        if isinstance(change, SetAside):
            self._aside.append(change.key)
        elif change.key == CREDS:
            return self._add_creds(change.value if isinstance(change, Write) else None)
        elif isinstance(change, Write):
            self._values[change.key] = change.value
        elif isinstance(change, Delete):
            self._values[change.key] = None
        else:
            raise TypeError(change)
        return None

    def _add_creds(self, value: bytes | None) -> WorkerError | None:
        creds = read_creds(value) if value is not None else None
        if value is not None and creds is None:
            return CredsNotAllowed()
        if value is None and not self._has_creds:
            return None  # they were deleted, which is a version
        self._values[CREDS] = value
        self._has_creds = value is not None
        self.new_creds.append(creds)
        self._creds.append(value)
        return None

    def apply(self, keep: Keep) -> None:
        held = self._held
        held.values |= self._values
        held.aside += self._aside
        held.writes += 1
        held.last_write = self._now
        held.has_creds = self._has_creds
        held.is_touched = True
        for creds, value in zip(self.new_creds, self._creds, strict=True):
            held.last_version = max(self._now, held.last_version + 1)
            held.versions[version_of(held.last_version, 0, creds)] = value
        if self.new_creds:
            kept = to_keep(list(held.versions), keep)
            held.versions = {version: value for version, value in held.versions.items() if version in kept}
