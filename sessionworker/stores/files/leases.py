"""Who has which instance, in memory. Every method is called by the committer; see `locks`."""

from __future__ import annotations

import time

from sessionworker.errors import HeldElsewhere
from sessionworker.events import Report
from sessionworker.stores.files.faults import Faults
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.rules.leases import Lease, Tenure, let_go, let_in, renamed
from sessionworker.stores.rules.told import lease_ended, owner_changed


class Leases:
    """Lets owners in, one after the other; see `rules.leases`. What that comes to holds for others once it is settled.

    A commit may have to be judged once more, from the beginning: until then all is as it was.
    """

    def __init__(self, faults: Faults, report: Report) -> None:
        """Count and tell with `faults`, and with `report` what is not to be remembered: it may come in thousands."""
        self._faults = faults
        self._report = report
        self._changed: dict[Instance, Tenure] = {}
        self._ended: list[tuple[Instance, Tenure, str]] = []  # by operators
        self._refused = 0

    def let_in(self, instance: Instance, owner: str | None) -> Lease | HeldElsewhere | None:
        """Give an instance to an owner that asks for a change, if it names itself; or return why it is refused."""
        before = self._changed.get(instance, instance.tenure)
        if owner is None or (not owner and before is None):
            return None
        found = let_in(before, owner, time.monotonic())
        if isinstance(found, HeldElsewhere):
            self._refused += 1
            return found
        if found is None:
            return None
        self._changed[instance] = found
        return found.lease

    def take(self, instance: Instance, owner: str | None) -> Lease | HeldElsewhere | None:
        """Do as `let_in` does, for what is no part of a commit's judgement, and settle it."""
        self.forget()
        lease = self.let_in(instance, owner)
        self.settle()
        return lease

    def refuse(self, instance: Instance, owner: str | None) -> HeldElsewhere | None:
        """Return why `take` would refuse an owner, if it would. Whatever else it is refused for gives it no lease."""
        self.forget()
        found = self.let_in(instance, owner)
        if isinstance(found, HeldElsewhere):
            self.settle()
            return found
        self.forget()
        return None

    def rename(self, instance: Instance) -> None:
        """Note that an operator writes what the owner may remember, if there is one: its lease gets another id."""
        before = self._changed.get(instance, instance.tenure)
        if before is not None:
            self._changed[instance] = renamed(before)

    def let_go(self, instance: Instance, owner: str | None, by: str) -> HeldElsewhere | None:
        """Let nobody have an instance any more, as its owner asks, or an operator; or return why that is refused."""
        before = self._changed.get(instance, instance.tenure)
        found = let_go(before, owner, time.monotonic())
        if isinstance(found, HeldElsewhere):
            self._refused += 1
            return found
        if before is not None and found is not None and found is not before:
            self._changed[instance] = found
            if owner is None:
                self._ended.append((instance, before, by))
        return None

    def has_changed(self) -> bool:
        """Tell whether anything is to be settled that a next one depends on."""
        return bool(self._changed)

    def forget(self) -> None:
        """Let all be as it was."""
        self._changed.clear()
        self._ended.clear()
        self._refused = 0

    def settle(self) -> None:
        """Let what was found hold, and tell of it."""
        if not self._changed and not self._refused:
            return
        self._faults.counts["held_elsewhere"] += self._refused
        for instance, tenure in self._changed.items():
            before, instance.tenure = instance.tenure, tenure
            if before is not None and before.owner != tenure.owner:
                self._report(owner_changed(instance.group, instance.name, before.owner, tenure.owner))
        for instance, ended, by in self._ended:
            self._faults.report(lease_ended(instance.group, instance.name, ended.owner, by))
        self.forget()
