"""The background's work, which outlives whatever happens to it, and commits that wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sessionworker.errors import StoreUnavailable, WorkerError
from sessionworker.stores.files.checkpoints import Checkpoints
from sessionworker.stores.files.erasing import Erasing
from sessionworker.stores.files.faults import Faults, reason_of
from sessionworker.stores.files.journal import Journal
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.rewriting import Rewriting
from sessionworker.stores.files.tallies import Tallies
from sessionworker.stores.files.waiting import Waiting

COUNT_SECONDS, COUNT_EVERY = 0.02, 0.2
"""For how long instances are counted beside everything else, and how long not."""

REWRITE_SECONDS, REWRITE_EVERY = 0.02, 0.02
"""For how long files are rewritten beside everything else, and how long not; longer each time that it was in vain."""

WAIT_SECONDS = 0.05
"""After which a commit that waits for room looks again, if nobody tells it."""


class Background:
    """Runs a checkpoint every few seconds, or sooner when much waits."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        erasing: Erasing,
        tallies: Tallies,
        rewriting: Rewriting,
        waiting: Waiting,
        journal: Journal,
        locks: Locks,
        faults: Faults,
        limits: Limits,
    ) -> None:
        """Begin with nobody who does the work; `maintain` is called for that."""
        self._checkpoints = checkpoints
        self._erasing = erasing
        self._tallies = tallies
        self._rewriting = rewriting
        self._waiting = waiting
        waiting.wake = self.wake
        self._journal = journal
        self._locks = locks
        self._faults = faults
        self._limits = limits
        self._wake = threading.Event()
        self._is_closing = False
        self._is_maintained = False
        self._runs = 0
        self.observe: Callable[[float], None] = lambda _: None
        """Told how many seconds each checkpoint took."""
        self.problem = ""
        """What is the matter with the background's work; empty where nothing is."""

    def wake(self) -> None:
        """Have a checkpoint run soon."""
        self._wake.set()

    def maintain(self) -> None:
        """Do the work until `close` is called."""
        self._is_maintained = True
        try:
            while not self._is_closing:
                self._wait()
                self._wake.clear()
                if not self._is_closing:
                    self.try_checkpoint()
        finally:
            self._is_maintained = False
            if not self._is_closing:
                self.problem = "the background's work has ended"

    def _wait(self) -> None:
        """Wait for the next checkpoint; meanwhile what was purged is erased, a few files at a time."""
        begun, emptied = time.monotonic(), len(self._erasing.emptied)
        self._try_erasing(again=True)
        while not self._wake.is_set() and self._erasing.is_needed:
            self._try_erasing(again=False)
            if time.monotonic() - begun > self._limits.lag_seconds:
                return
        if len(self._erasing.emptied) > emptied:  # their folders can go now
            return
        while self._tallies.is_needed and not self._wake.wait(COUNT_EVERY):
            self._try(lambda: self._tallies.go_on(COUNT_SECONDS))
            if time.monotonic() - begun > self._limits.lag_seconds:
                return
        while self._rewriting.is_running and not self._wake.wait(self._pause):
            self._try(lambda: self._rewriting.go_on(REWRITE_SECONDS))
            if time.monotonic() - begun > self._limits.lag_seconds:
                return
        self._wake.wait(self._limits.lag_seconds)

    @property
    def _pause(self) -> float:
        return min(REWRITE_EVERY * 2.0**self._rewriting.idle, self._limits.lag_seconds)

    def _try_erasing(self, *, again: bool) -> None:
        self._try(lambda: self._erasing.go_on(again=again))

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the background survives all
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._faults.note(
            "background_errors",
            "background_failed",
            f"The background's work failed: {reason_of(error)}. It goes on.",
        )

    def try_checkpoint(self) -> WorkerError | None:
        """Run a checkpoint if one is needed, whatever may happen; return why it did not do all that it is for."""
        try:
            self._checkpoints.put_back()
            if self._checkpoints.is_needed or self._journal.size > self._checkpoints.due_at:
                begun = time.perf_counter()
                self._checkpoints.run()
                self.observe(time.perf_counter() - begun)
            self._checkpoints.keep_ready()
            self._checkpoints.write_down()
        except Exception as error:  # noqa: BLE001 - the background survives all, and is not well then
            self.problem = f"the background's work failed: {reason_of(error)}"
            self._failed(error)
            return StoreUnavailable()
        finally:
            self._runs += 1
            self._waiting.freed(is_over=True)
        self.problem = ""
        refusal = self._checkpoints.refusal
        return refusal() if refusal is not None else None

    def close(self) -> None:
        """Have `maintain` end, and nobody wait any more."""
        self._is_closing = True
        self._wake.set()

    def finish(self) -> bool:
        """Run the last checkpoint, whatever may happen; tell whether all that was committed is in the files."""
        try:
            if self._checkpoints.is_needed or not self._journal.is_empty:
                self._checkpoints.run(is_last=True)
        except Exception as error:  # noqa: BLE001 - what is not in the files is in the journal
            self._faults.note(
                "background_errors", "background_failed", f"The last checkpoint failed: {reason_of(error)}."
            )
        return self._journal.is_empty

    def wait_for_room(self) -> bool:
        """Wait for the files to follow, not longer than that can help; tell whether less waits than may."""
        begun = self._runs
        while self._waiting.is_used() and not self._is_closing:
            if not self._is_maintained:
                self.try_checkpoint()
                break
            if self._runs > begun + 1:  # one has run that began after this
                break
            self._wake.set()
            with self._locks.room:
                self._locks.room.wait(WAIT_SECONDS)
        return not self._waiting.is_used()
