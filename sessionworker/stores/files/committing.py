"""A commit: what is to be changed is judged, made durable, and then shown to readers. Done by the committer alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from sessionworker.errors import NoSpace, StoreUnavailable, WorkerError
from sessionworker.stores.changes import Batch, CatalogueChange, Entry, Probe, PurgeDrop, ReleaseInstance
from sessionworker.stores.files.faults import reason_of, refusal_for
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.judge import Accepted, Judge
from sessionworker.stores.files.parts import Parts
from sessionworker.stores.files.records import NewCreds, Part, encode
from sessionworker.stores.interface import Outcome
from sessionworker.stores.rules.creds import Oddity, find_oddities
from sessionworker.stores.rules.peers import Peers
from sessionworker.stores.rules.told import odd_creds, version_restored, written_in_turns

Judged: TypeAlias = Batch | ReleaseInstance | Probe


class Committing:
    """Commits entries. See the module."""

    def __init__(self, parts: Parts, observe_sync: Callable[[float, int], None]) -> None:
        """Commit to the store of these parts; `observe_sync` takes the seconds and the changes of each append."""
        self._parts = parts
        self._state_lock = parts.locks.state
        self._observe_sync = observe_sync
        self._said: set[Instance] = set()
        self._is_crowded = False
        self.last_at = 0
        """The time of the last commit, in milliseconds since 1970; 0 before the first."""

    @property
    def refuses_writes(self) -> bool:
        """Whether the writes of all instances are refused, or would be."""
        parts = self._parts
        is_short = parts.journal.spares.is_short and parts.journal.spares.missing() > 0
        return self._is_crowded or is_short or parts.state.apart_bytes > parts.limits.apart_bytes

    def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Make changes durable, in their order; see `interface.Store`."""
        background, waiting = self._parts.background, self._parts.waiting
        self._is_crowded = waiting.is_used() and not background.wait_for_room()
        outcomes: list[Outcome] = []
        batches: list[Judged] = []  # that come one after the other: they are one record
        for entry in entries:
            if type(entry) is Batch or type(entry) is Probe or type(entry) is ReleaseInstance:
                batches.append(entry)
                continue
            if batches:
                outcomes += self._commit(batches)
                batches = []
            outcomes.append(self._move(entry))  # type: ignore[arg-type]  # mypy does not see what is left of the union
        if batches:
            outcomes += self._commit(batches)
        if waiting.is_crowded or waiting.is_used(0.75) or self._parts.journal.size > self._parts.checkpoints.due_at:
            background.wake()
        return outcomes

    # Which groups and instances there are

    def _move(self, change: CatalogueChange) -> Outcome:
        try:
            outcome = self._parts.moves.make(change)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this change's alone
            text = f"A group or an instance could not be made, moved or erased: {reason_of(error)}."
            self._parts.faults.note("catalogue_errors", "catalogue_failed", text)
            return refusal_for(error)
        if isinstance(change, PurgeDrop):
            self._parts.erasing.note()
            self._parts.background.wake()
        return outcome

    # Batches

    def _commit(self, batches: Sequence[Judged]) -> list[Outcome]:
        tried: dict[Instance, bool] = {}
        while True:
            with self._state_lock:
                self._parts.leases.forget()
                judge = Judge(self._parts.catalogue, self._parts.reading, self._parts.leases, self._refusal)
                verdicts = [judge.judge(batch) for batch in batches]
                unknown = {one: needs for one, needs in judge.unknown.items() if one not in tried}
                if not unknown:
                    self._parts.leases.settle()
                    self._make([one for one in verdicts if type(one) is Accepted and one.is_change], judge)
                    break
            for instance, needs_room in unknown.items():  # asks the disk, so not with the lock held
                self._adopt(instance, may_lend=not needs_room)
            tried |= unknown
        outcomes = [one.failure or one.lease if isinstance(one, Accepted) else one for one in verdicts]
        if self._parts.large.prepared:
            self._finish_large(batches, outcomes)
        return outcomes

    def _finish_large(self, batches: Sequence[Judged], outcomes: Sequence[Outcome]) -> None:
        for batch, outcome in zip(batches, outcomes, strict=True):
            refusal = outcome if isinstance(outcome, WorkerError) else None
            if type(batch) is Batch and self._parts.large.finish(batch, refusal):
                self._parts.background.wake()  # it may have taken another's place, whose room is free then

    def _adopt(self, instance: Instance, *, may_lend: bool) -> None:
        """See that an instance's folder is there and has an id, before something of it is committed."""
        try:
            if may_lend:
                self._parts.reserve.with_room(lambda: self._parts.adopting.adopt(instance))
            else:
                self._parts.adopting.adopt(instance)
        except OSError as error:
            self._parts.faults.counts["catalogue_errors"] += 1
            if instance not in self._said:
                self._said.add(instance)
                text = f"The folder of {instance} cannot be used: {reason_of(error)}."
                self._parts.faults.say("folder_unusable", text, instance)
        else:
            self._said.discard(instance)

    def _refusal(self, instance: Instance) -> WorkerError | None:
        """Return the reason for which an instance takes nothing that needs room now, if there is one."""
        if instance.refusal is not None:
            return instance.refusal()
        state = self._parts.state
        held = sum(one.waiting_bytes for one in self._parts.catalogue.held.values())  # it takes no writes
        if state.apart_bytes - held > self._parts.limits.apart_bytes:
            return next((apart.refusal() for apart in state.apart if apart.refusal is not None), None)
        return (self._parts.checkpoints.refusal or StoreUnavailable)() if self._is_crowded else None

    def _make(self, accepted: list[Accepted], judge: Judge) -> None:
        """Make accepted changes durable, and apply them."""
        if not accepted:
            return
        self.last_at = now = judge.now
        failure = self._append(accepted, now)
        if failure is not None:
            for one in accepted:
                one.failure = failure
            freeing = [one for one in accepted if not one.needs_room]
            if not isinstance(failure, NoSpace) or len(freeing) in {0, len(accepted)}:
                return
            accepted = freeing  # which have the reserve
            failure = self._append(accepted, now)
        for one in accepted:
            one.failure = failure
            if failure is None and one.instance is not None:
                if judge.has_creds:
                    self._look_at(one.instance, one)
                self._parts.state.apply(one.instance, one.changes, now)
                if one.by:
                    self._watch(one.instance, one.by)

    def _watch(self, instance: Instance, by: str) -> None:
        """Tell of two that write an instance in turns."""
        peers = instance.peers
        if peers is None:
            instance.peers = peers = Peers()
        in_turns = peers.wrote(by, time.monotonic())
        if in_turns:
            event = written_in_turns(instance.group, instance.name, in_turns)
            self._parts.faults.count("written_in_turns", event)

    def _look_at(self, instance: Instance, accepted: Accepted) -> None:
        """Count and report what is odd about new creds."""
        if accepted.undo is not None:
            self._parts.faults.report(version_restored(instance.group, instance.name, accepted.undo.by))
            return
        new = [change.creds for change in accepted.changes if type(change) is NewCreds]
        for oddity in find_oddities(creds for creds in (instance.creds, *new) if creds is not None):
            self._parts.faults.count(_COUNTS[oddity], odd_creds(instance.group, instance.name, oddity))

    def _append(self, accepted: list[Accepted], now: int) -> WorkerError | None:
        """Write a record for all of them; return why that failed, if it did. Then nothing of it stays."""
        parts = [
            Part(one.instance.id, one.instance.path, one.changes, now) for one in accepted if one.instance is not None
        ]
        begun = time.perf_counter()
        try:
            self._parts.journal.append(encode(parts), frees_room=not any(one.needs_room for one in accepted))
        except OSError as error:
            text = f"The journal could not be written: {reason_of(error)}."
            self._parts.faults.note("journal_errors", "journal_failed", text)
            return refusal_for(error)
        self._observe_sync(time.perf_counter() - begun, len(accepted))
        return None


_COUNTS = {Oddity.ANOTHER_IDENTITY: "identity_changes", Oddity.OUT_OF_ORDER: "creds_out_of_order"}
