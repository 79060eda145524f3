"""A checkpoint: what was committed is brought into the files, one instance after another, and the journal let go.

An instance whose files cannot follow, for whatever reason, is set apart: its writes are refused, what was acknowledged
stays in memory and in the journal, and it is tried again with each checkpoint. The others do not notice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from sessionworker.errors import WorkerError
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.copies import Copies
from sessionworker.stores.files.erasing import Erasing
from sessionworker.stores.files.events import Events
from sessionworker.stores.files.faults import Faults, reason_of, refusal_for
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.journal import Journal
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.records import Part, Pending, encode
from sessionworker.stores.files.reserve import Reserve
from sessionworker.stores.files.saving import Saving
from sessionworker.stores.files.state import State
from sessionworker.stores.files.tallies import Tallies

KEYS_AT_ONCE = 16
"""Keys that are written to the journal once more with one record; commits come between two of them."""

MOST_NAMED = 3
"""Instances that are named in the log one by one; of more only their number is said."""


class Checkpoints:
    """Runs checkpoints. Called by the checkpointer alone, but for what says otherwise."""

    def __init__(
        self,
        catalogue: Catalogue,
        state: State,
        journal: Journal,
        reserve: Reserve,
        saving: Saving,
        copies: Copies,
        locks: Locks,
        faults: Faults,
        limits: Limits,
        erasing: Erasing,
        tallies: Tallies,
        events: Events,
    ) -> None:
        """Save by `saving`."""
        self._tallies = tallies
        self._events = events
        self._catalogue = catalogue
        self._state = state
        self._journal = journal
        self._reserve = reserve
        self._saving = saving
        self._copies = copies
        self._locks = locks
        self._faults = faults
        self._limits = limits
        self._erasing = erasing
        self.refusal: type[WorkerError] | None = None
        """Why the last one did not bring everything into the files, if it did not."""
        self.due_at = limits.checkpoint_bytes
        """Bytes in the journal at which the next one is to begin at once."""
        self.whole_at = 0
        """When one last brought everything into the files, in milliseconds since 1970; 0 before the first."""
        self.is_closed = False
        self._said: set[str] = set()

    @property
    def is_needed(self) -> bool:
        """Whether a checkpoint would have something to do. Any thread may ask."""
        return bool(
            self._state.to_save or self._journal.closed or self._journal.spares.missing() or self._erasing.emptied
        )

    def run(self, *, is_last: bool = False) -> None:
        """Run one, the last one where nothing is committed any more.

        What it could not do is in `refusal`, and in the log; it raises what nobody foresaw.
        """
        with self._locks.checkpoint:
            if self.is_closed:
                return
            self.refusal = None
            held = self._catalogue.held  # the next start has to see that they were purged
            erased = [name for name in self._erasing.emptied if name.partition("-")[0] not in held]
            with self._locks.state:
                is_worth_it = self._is_worth_it(self._journal.size, self._limits.checkpoint_bytes // 2)
                is_rotated = is_last or (is_worth_it and self._journal.may_rotate)
                if is_rotated:
                    self._journal.rotate()
                closed = self._journal.closed
                dropped = list(self._catalogue.dropped.values())
                instances = self._state.begin_checkpoint()
            self._save_all(instances)
            self._attempt("The journal could not be let go", lambda: self._let_go(closed), is_vital=True)
            if is_rotated and not self._journal.closed:
                self._attempt("What was erased could not be forgotten", lambda: self._erasing.forget(erased))
                self._forget_dropped(dropped)
            self._attempt("The journal's reserve could not be filled", self._reserve.refill)
            self.due_at = self._journal.size + self._limits.checkpoint_bytes
            if self.refusal is None:
                self.whole_at = time.time_ns() // 1_000_000

    def put_back(self) -> None:
        """See that what failed moves took along is where it is taken to be: until then it may be in no list."""
        self._catalogue.put_back()

    def write_down(self, *, is_last: bool = False) -> None:
        """Write down what makes the next start know more: what happened lately, and what the instances hold."""
        with self._locks.checkpoint:
            if not self.is_closed:
                self._try_to_note("What happened lately", self._events.save)
                self._try_to_note("What the instances hold", lambda: self._tallies.save(is_last=is_last))

    def write_all_down(self) -> None:
        """Write down all of that anew, as it would be written now. Raises OSError."""
        self._events.save(again=True)
        self._tallies.save(is_last=True, again=True)

    def _try_to_note(self, what: str, action: Callable[[], None]) -> None:
        """Write something down that only the next start needs; say so once if that fails, whatever the reason is."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - nobody's values depend on it
            if what not in self._said:
                self._said.add(what)
                text = f"{what} could not be written down for the next start: {reason_of(error)}. It is tried again."
                self._faults.say("notes_failed", text, level="warn")
        else:
            self._said.discard(what)

    def keep_ready(self) -> None:
        """Fill another segment for commits if few are ready."""
        with self._locks.checkpoint, suppress(OSError):  # it was said, if the reserve itself is missing
            if not self.is_closed and self._journal.spares.is_low:
                self._reserve.refill(more=1)

    def _attempt(self, what: str, action: Callable[[], None], *, is_vital: bool = False) -> None:
        """Do something that may fail by itself; say so when it begins to."""
        try:
            action()
        except OSError as error:
            if is_vital:
                self.refusal = type(refusal_for(error))
            self._faults.counts["checkpoint_errors"] += 1
            if what not in self._said:
                self._said.add(what)
                self._faults.say(
                    "checkpoint_failed",
                    f"{what}: {reason_of(error)}. It is tried again every {self._limits.lag_seconds:g} s.",
                )
        else:
            self._said.discard(what)

    # Instances

    def _save_all(self, instances: list[Instance]) -> None:
        failed: list[tuple[Instance, Exception]] = []
        follow_again: list[Instance] = []
        for place, instance in enumerate(instances):
            was_apart = instance.refusal is not None
            try:
                error = self._save(instance)
            except BaseException:  # what nobody foresaw must not have the others forgotten
                with self._locks.state:
                    self._state.to_save.update(dict.fromkeys(instances[place:]))
                raise
            if error is not None:
                self.refusal = type(refusal_for(error))
                self._faults.counts["checkpoint_errors"] += 1
                if not was_apart:
                    failed.append((instance, error))
            elif was_apart:
                follow_again.append(instance)
        self._say_failed(failed)
        for which, one in _named(follow_again):
            text = f"The files of {which} follow the journal again. Writes are accepted."
            self._faults.say("files_follow_again", text, one, level="info")

    def _save(self, instance: Instance) -> Exception | None:
        """Save one instance, or set it apart and return the reason."""
        try:
            with self._catalogue.open(instance) as folder:
                tally = self._saving.save(instance, folder)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this instance's alone
            with self._locks.state:
                if instance.is_purged:
                    return None
                self._state.failed(instance, type(refusal_for(error)))
            return error
        with self._locks.memory:  # while `saving` still holds it: no commit has to wait for this
            for key, value in instance.saving.items():
                self._copies.keep(instance, key, value if isinstance(value, bytes) else None)
        with self._locks.memory, self._locks.state:
            if not instance.is_purged:
                self._state.saved(instance, tally)
                self._tallies.is_changed = True
                if not instance.is_adopted:  # it was dropped, or is not in use yet
                    self._state.forget_names(instance)
        return None

    def _say_failed(self, failed: list[tuple[Instance, Exception]]) -> None:
        for reason in dict.fromkeys(reason_of(error) for _, error in failed):
            for which, instance in _named([one for one, error in failed if reason_of(error) == reason]):
                self._faults.say(
                    "files_stuck",
                    f"The files of {which} cannot follow the journal: {reason}. What was acknowledged is kept in the "
                    "journal. Only their writes are refused until it works again; it is tried every "
                    f"{self._limits.lag_seconds:g} s.",
                    instance,
                )

    # The journal

    def _let_go(self, closed: int) -> None:
        """Let go of segments; what is nowhere else is written down once more. Raises OSError."""
        with self._locks.state:
            apart = list(self._state.apart)
            size = sum(instance.journal_bytes for instance in apart)
        if apart and closed:
            fits = size < self._journal.room
            is_worth_it = self._is_worth_it(self._journal.closed_size, self._limits.checkpoint_bytes // 4)
            if not is_worth_it and not (fits and self._journal.spares.missing()):
                return
            if not fits:
                self._reserve.refill(
                    more=2 * size // self._journal.segment_size + 2
                )  # or some would be written in vain
            for instance in apart:
                self._append_again(instance)
        self._journal.release(closed)

    def _is_worth_it(self, size: int, least: int) -> bool:
        """Tell whether so much of the journal can go that what is nowhere else is worth writing down once more."""
        return not self._state.apart or size > 2 * self._state.apart_bytes + least

    def _append_again(self, instance: Instance) -> None:
        with self._locks.state:
            keys = list({**instance.saving, **instance.unsaved})
            self._append(instance, self._state.pending(instance))
        while keys:
            some, keys = keys[:KEYS_AT_ONCE], keys[KEYS_AT_ONCE:]
            with self._locks.state:  # what is committed between two records comes after the first and before the second
                self._append(instance, self._state.pending(instance, some))

    def _append(self, instance: Instance, pending: list[Pending]) -> None:
        if pending:
            record = encode([Part(instance.id, instance.path, pending, instance.last_write)])
            self._journal.append(record, frees_room=True)

    def _forget_dropped(self, dropped: list[Instance]) -> None:
        """Forget instances that were dropped before the journal was begun anew."""
        with self._locks.state:
            for instance in dropped:
                if instance.is_saved and self._catalogue.dropped.get(instance.path) is instance:
                    self._tallies.dropped(instance)
                    self._catalogue.forget(instance)


def _named(instances: list[Instance]) -> Iterator[tuple[str, Instance | None]]:
    """Yield what to call some instances in events, and which one each is about."""
    if len(instances) > MOST_NAMED:
        yield f"{len(instances)} instances", None
    else:
        for instance in instances:
            yield str(instance), instance
