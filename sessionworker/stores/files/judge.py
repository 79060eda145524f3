"""Which batches can be made, and what each of them changes.

Called by the committer with the state lock held. Nothing here asks the disk: what can be known only there was found out
before (see `Catalogue.adopt`), and what follows from a value is worked out here, before the value is acknowledged.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from sessionworker.errors import (
    ConditionFailed,
    CredsNotAllowed,
    HeldElsewhere,
    NoSuchGroup,
    NoSuchInstance,
    StoreUnavailable,
    WorkerError,
)
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
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.large import LargeWrite
from sessionworker.stores.files.leases import Leases
from sessionworker.stores.files.reading import Reading, Since
from sessionworker.stores.files.records import Broken, Gone, Large, NewCreds, Pending, Value
from sessionworker.stores.rules.creds import read_creds
from sessionworker.stores.rules.leases import Lease


class Accepted(Struct, gc=False, eq=False):
    """A batch that can be made, or what else is to be made durable."""

    instance: Instance | None
    changes: list[Pending]
    needs_room: bool
    """Whether more room may be taken than freed."""
    is_change: bool
    """Whether there is anything to do."""
    undo: Restore | None = None
    """What brings older creds back, if that is what it does."""
    failure: WorkerError | None = None
    """Why it was not made after all."""
    lease: Lease | None = None
    """What its owner is told."""
    by: str = ""
    """Where it came from, if it names no owner."""


def _undo_in(batch: Batch) -> Restore | None:
    return next((change for change in batch.changes if isinstance(change, Restore)), None)


class Judge:
    """Judges the batches of one commit, one after the other."""

    def __init__(
        self, catalogue: Catalogue, reading: Reading, leases: Leases, refuse: Callable[[Instance], WorkerError | None]
    ) -> None:
        """Begin a commit. `refuse` tells why an instance takes nothing that needs room now, if it does not."""
        self._catalogue = catalogue
        self._groups = catalogue.groups
        self._reading = reading
        self._leases = leases
        self._refuse = refuse
        self._now = time.time_ns() // 1_000_000
        self.has_creds = False
        """Whether a batch that was judged writes or deletes creds."""
        self._touched: set[Instance] = set()  # by batches that were accepted, and are not applied yet
        self.unknown: dict[Instance, bool] = {}
        """Instances that have to be adopted before anything of them can be judged, and whether they want room for more
        than that."""

    @property
    def now(self) -> int:
        """The time of the commit, in milliseconds since 1970."""
        return self._now

    def judge(self, batch: Batch | ReleaseInstance | Probe) -> Accepted | WorkerError:
        """Return what a batch changes, or the reason for which it is refused."""
        if type(batch) is not Batch:
            return self._release(batch) if type(batch) is ReleaseInstance else Accepted(None, [], True, True)
        group = self._groups.get(batch.group)
        instance = group.instances.get(batch.instance) if group is not None else None
        if instance is None:
            found = self._catalogue.seek(batch.group, batch.instance)
            if not isinstance(found, Instance):
                return self._judge_nobody(batch, found)
            instance = found
        if not instance.is_adopted:
            return self._adopt_before(batch, instance)
        owner = batch.owner
        is_free = instance.tenure is None and not self._leases.has_changed()
        lease = None if is_free and not owner and batch.condition is None else self._let_in(batch, instance)
        if isinstance(lease, WorkerError):
            return lease
        changes: list[Pending] = []
        needs_room = False
        for change in batch.changes:
            if type(change) is Delete:
                if not changes and self._holds_nothing(instance, change.key):
                    continue
            elif not needs_room:
                needs_room = True
                refusal = self._refuse(instance)
                if refusal is not None:
                    return refusal
            if type(change) is Write and change.key != CREDS:  # nearly always
                changes.append(Value(change.key, change.value))
                continue
            pending = self._resolve(instance, change, is_first=not changes and instance not in self._touched)
            if isinstance(pending, WorkerError):
                return pending
            changes.append(pending)
        if changes:
            self._touched.add(instance)
        undo = _undo_in(batch) if self.has_creds else None
        return Accepted(instance, changes, needs_room, bool(changes), undo, None, lease, "" if owner else batch.by)

    def _release(self, release: ReleaseInstance) -> Accepted | WorkerError:
        found = self._catalogue.seek(release.group, release.instance)
        if isinstance(found, Instance):
            return self._leases.let_go(found, release.owner, release.by) or Accepted(found, [], False, False)
        return found

    def _adopt_before(self, batch: Batch, instance: Instance) -> WorkerError:
        if not instance.problem:
            needs_room = any(type(change) is not Delete for change in batch.changes)
            self.unknown[instance] = self.unknown.get(instance, True) and needs_room
        return StoreUnavailable()

    def _let_in(self, batch: Batch, instance: Instance) -> Lease | WorkerError | None:
        """Give an owner its lease, whatever becomes of the batch; or return why it is refused."""
        lease = self._leases.let_in(instance, batch.owner)
        if isinstance(lease, HeldElsewhere):
            return lease
        if batch.condition is not None and not self._holds(batch.condition, instance):
            return ConditionFailed()
        if _undo_in(batch) is not None:
            self._leases.rename(instance)
        return lease

    @staticmethod
    def _judge_nobody(batch: Batch, absence: WorkerError) -> Accepted | WorkerError:
        is_certain = isinstance(absence, NoSuchGroup | NoSuchInstance) and not isinstance(batch.condition, Existing)
        if is_certain and all(type(change) is Delete for change in batch.changes):
            return Accepted(None, [], False, False)
        return absence

    def _holds(self, condition: Unwritten | Existing, instance: Instance) -> bool:
        if isinstance(condition, Existing):
            return True
        return instance not in self._touched and condition.since == Since(instance, instance.writes)

    def _resolve(self, instance: Instance, change: Change, *, is_first: bool) -> Pending | WorkerError:
        """Return what a change comes to, or the reason for which it is refused."""
        if isinstance(change, Write):
            return self._new_creds(instance, change.value)
        if isinstance(change, Delete):
            if change.key != CREDS or (instance.has_no_creds and is_first):  # those were deleted: that is a version
                return Gone(change.key)
            return NewCreds(None, self._next_version(instance))
        if isinstance(change, LargeWrite):
            if change.instance_id != instance.id:
                return StoreUnavailable("The instance was made anew meanwhile. Write the value again.")
            return Large(change.key, change.file_name, change.size)
        if isinstance(change, SetAside):
            return Broken(change.key)
        raise TypeError(change)

    def _holds_nothing(self, instance: Instance, key: str) -> bool:
        """Tell whether a deletion would change nothing, without a doubt."""
        return instance not in self._touched and not self._reading.may_hold(instance, key)

    def _new_creds(self, instance: Instance, value: bytes) -> NewCreds | WorkerError:
        creds = read_creds(value)
        return CredsNotAllowed() if creds is None else NewCreds(value, self._next_version(instance), *creds)

    def _next_version(self, instance: Instance) -> int:
        """Return the time of new creds: always later than that of those before, whatever the clock says."""
        self.has_creds = True
        instance.last_version = max(self._now, instance.last_version + 1)
        return instance.last_version
