"""What waits for its files, and who may have more of it wait: nobody so much that others have to wait."""

from __future__ import annotations

from collections.abc import Callable

from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.journal import Journal
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.state import State
from sessionworker.stores.interface import Load

CROWDED = 0.25
"""The share of a limit from which on the files are to follow soon, and it is asked whether a batch is admitted."""


class Waiting:
    """Compares what waits with the limits; see `interface.Waiting`. Any thread may ask."""

    def __init__(self, state: State, journal: Journal, catalogue: Catalogue, locks: Locks, limits: Limits) -> None:
        """Begin with nobody to tell."""
        self.wake: Callable[[], None] = lambda: None
        """Has the files follow soon."""
        self._state = state
        self._journal = journal
        self._catalogue = catalogue
        self._locks = locks
        self._limits = limits
        self._tell: Callable[[bool], None] = lambda _: None

    def on_room(self, tell: Callable[[bool], None]) -> None:
        """Have `tell` called when more is admitted; see `interface.Waiting`."""
        self._tell = tell

    @property
    def is_crowded(self) -> bool:
        """Whether `admits` has to be asked of each batch, and the files are to follow soon; see `interface.Waiting`."""
        return self._is_filled(CROWDED)

    def is_used(self, share: float = 1.0) -> bool:
        """Tell whether as much waits as may wait, or that share of it."""
        return self._is_filled(share) or self._journal.size > self._limits.journal_bytes * share

    def _is_filled(self, share: float) -> bool:
        state, limits = self._state, self._limits
        return state.waiting_bytes > limits.waiting_bytes * share or state.waiting_files > limits.waiting_files * share

    def admits(self, group: str, name: str, own: Load, ahead: Load) -> bool:
        """Tell whether changes of an instance leave others room enough; see `interface.Waiting`."""
        instance = self._catalogue.get(group, name)
        if instance is None or instance.refusal is not None or instance.is_refused:  # it is refused, and told why
            return True
        state, limits = self._state, self._limits
        files, size = state.waiting_files + ahead.keys, state.waiting_bytes + ahead.size
        admitted = (
            _leaves_room(instance.waiting_files + own.keys, limits.waiting_files - files, limits.waiting_files)
            and _leaves_room(instance.waiting_bytes + own.size, limits.waiting_bytes - size, limits.waiting_bytes)
            and _leaves_room(own.size, limits.journal_bytes - self._journal.size - ahead.size, limits.journal_bytes)
        )
        if not admitted:
            self.wake()
        return admitted

    def freed(self, *, is_over: bool = False) -> None:
        """Tell whoever waits that less waits now, or that a checkpoint `is_over`."""
        self._tell(is_over)
        with self._locks.room:
            self._locks.room.notify_all()


def _leaves_room(wanted: int, free: int, most: int) -> bool:
    """Tell whether one instance may have so much waiting: anything while half of all is free, then half of what is.

    So each further instance finds some room, and one that wants little is let in when those that want much are not:
    switches share their buffers among their ports in this way (Choudhury and Hahne, "Dynamic queue length thresholds
    for shared-memory packet switches", 1998).
    """
    return free >= 2 * min(wanted, most // 4)
