"""Who has which instance, in memory. Every method is called by the committer; see `locks`."""

from __future__ import annotations

import time

from sessionworker.errors import HeldElsewhere
from sessionworker.events import Event, Report
from sessionworker.stores.files.faults import Faults
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.rules.leases import Lease, let_go, let_in


class Leases:
    """Lets owners in; see `rules.leases`."""

    def __init__(self, faults: Faults, report: Report) -> None:
        """Tell with `faults`, and with `report` what is not to be remembered: it may come in thousands."""
        self._faults = faults
        self._report = report

    def let_in(self, instance: Instance, owner: str | None) -> Lease | HeldElsewhere | None:
        """Give an instance to an owner that asks for a change, if it names itself; or return why it is refused."""
        before = instance.tenure
        if owner is None or (not owner and before is None):
            return None
        found = let_in(before, owner, time.monotonic())
        if isinstance(found, HeldElsewhere):
            return found
        if found is None:
            return None
        instance.tenure = found
        if before is not None and before.owner != owner:
            text = f"Owner {owner!r} has {instance} now. Before, it was {before.owner!r}."
            self._report(Event("owner_changed", text, instance.group, instance.name, level="info"))
        return found.lease

    def let_go(self, instance: Instance, owner: str | None, by: str) -> HeldElsewhere | None:
        """Let nobody have an instance any more, as its owner asks, or an operator; or return why that is refused."""
        before = instance.tenure
        found = let_go(before, owner, time.monotonic())
        if isinstance(found, HeldElsewhere):
            return found
        instance.tenure = found
        if owner is None and before is not None and before is not found:
            text = f"The lease of {instance} was ended, as {by or 'an operator'} asked. Owner {before.owner!r} had it."
            self._faults.say("lease_ended", text, instance, level="info", by=by)
        return None
