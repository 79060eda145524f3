"""Erasing what was purged: its files go a few at a time, beside everything else; its empty folder goes later.

As long as the journal may hold something of an instance, its empty folder tells that it was purged and not lost.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from itertools import islice

from sessionworker.disk import emptying, opened_folder
from sessionworker.stores.files.faults import Faults, reason_of
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import PURGED, Places

AT_ONCE = 500
"""Files that are removed before something else may be done."""


class Erasing:
    """Empties the folder of what was purged. Any thread may ask for it; one at a time does it."""

    def __init__(self, places: Places, locks: Locks, faults: Faults, limits: Limits) -> None:
        """Begin with what may be there from before the start."""
        self._limits = limits
        self._places = places
        self._locks = locks
        self._faults = faults
        self._removing: Iterator[None] | None = None
        self._purges = 1
        self._begun = 0
        self._has_failed = False
        self._is_closed = False
        self._said: set[str] = set()
        self.emptied: dict[str, None] = {}
        """The names of folders that are empty, and wait for the journal."""

    def note(self) -> None:
        """Note that something was purged."""
        self._purges += 1

    @property
    def is_needed(self) -> bool:
        """Whether there is something to erase, as far as is known."""
        return self._removing is not None or self._begun != self._purges

    def go_on(self, *, again: bool = False) -> None:
        """Remove some files, if nobody else does so now; `again` tries those, too, that could not be removed."""
        if not self._locks.erasing.acquire(blocking=False):
            return
        try:
            if self._is_closed:
                return
            if self._removing is None and (self._begun != self._purges or (again and self._has_failed)):
                self._begun, self._has_failed = self._purges, False
                self._removing = self._remove_all()
            if self._removing is not None and len(list(islice(self._removing, AT_ONCE))) < AT_ONCE:
                self._removing = None
        finally:
            self._locks.erasing.release()

    def _remove_all(self) -> Iterator[None]:
        try:
            with opened_folder(PURGED, self._places.root) as purged:
                names = os.listdir(purged)
        except OSError as error:
            self._say(PURGED, error)
            return
        for name in names:
            if name not in self.emptied:
                try:
                    yield from self._remove(name)
                except OSError as error:  # the others can go all the same
                    self._say(f"{PURGED}/{name}", error)
                else:
                    self._said.discard(f"{PURGED}/{name}")
        self._said.discard(PURGED)

    def _remove(self, name: str) -> Iterator[None]:
        with opened_folder(PURGED, self._places.root) as purged:
            try:
                with opened_folder(name, purged) as folder:
                    yield from emptying(folder)
            except NotADirectoryError:  # 0.1.0 left it
                os.unlink(name, dir_fd=purged)
            else:
                self.emptied[name] = None

    def _say(self, path: str, error: OSError) -> None:
        self._has_failed = True
        self._faults.counts["checkpoint_errors"] += 1
        if path not in self._said:
            self._said.add(path)
            self._faults.say(
                "purge_failed",
                f"What was purged could not be erased, in the folder {path} of the store: {reason_of(error)}. "
                f"It is tried again every {self._limits.lag_seconds:g} s.",
            )

    def close(self) -> None:
        """Let go of what is open; what is left goes after the next start."""
        with self._locks.erasing:
            if isinstance(self._removing, Generator):
                self._removing.close()
            self._removing, self._is_closed = None, True

    def forget(self, names: list[str]) -> None:
        """Remove the folders of instances of which the journal holds nothing any more. Raises OSError."""
        with opened_folder(PURGED, self._places.root) as purged:
            for name in names:
                os.rmdir(name, dir_fd=purged)
                self.emptied.pop(name, None)
            if names and self._places.is_synced:
                os.fsync(purged)
