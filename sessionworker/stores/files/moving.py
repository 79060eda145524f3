"""Moving a folder that is an instance's, or has instances in it: one rename, durable, or taken back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sessionworker.disk import stands_in
from sessionworker.errors import WorkerError
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.faults import refusal_for
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import Places


class Moving:
    """Moves folders. Every method is called by the committer."""

    def __init__(self, places: Places, catalogue: Catalogue, locks: Locks) -> None:
        """Move folders of the store at `places`."""
        self._places = places
        self._catalogue = catalogue
        self._locks = locks

    def move(self, instances: Sequence[Instance], old: str, new: str) -> WorkerError | None:
        """Move a folder, durably, and note where the instances in it are now.

        Raises OSError where things are as they were. Where they could not be taken back, the folder is where it was to
        be, but whoever asked must not count on it: returns the reason.
        """
        identity = self._places.identity(old)
        try:
            self._rename(instances, old, new)
            self._places.sync_above(new, old)
            self._places.trust(old, new)
        except OSError as error:
            for instance in instances:  # nothing of it is committed before it is known to be durable where it lies
                self._catalogue.disown(instance)
            if self._is_taken_back(instances, old, new):
                self._places.doubt(old, new, identity)
                raise
            self._places.doubt(new, old, identity)
            return refusal_for(error)
        return None

    def _is_taken_back(self, instances: Sequence[Instance], old: str, new: str) -> bool:
        """Move a folder back, and tell whether it is where it was, whatever was said of the calls."""
        with suppress(OSError):
            if not stands_in(old, self._places.root):
                self._rename(instances, new, old)
        try:
            is_back = stands_in(old, self._places.root)
        except OSError:
            is_back = all(instance.path.startswith(old) for instance in instances)  # as far as is known
        self._note(instances, *((new, old) if is_back else (old, new)))
        return is_back

    def _rename(self, instances: Sequence[Instance], old: str, new: str) -> None:
        with self._locks.moves:
            self._places.move(old, new)
            self._note(instances, old, new)

    @staticmethod
    def _note(instances: Sequence[Instance], old: str, new: str) -> None:
        for instance in instances:
            if instance.path == old or instance.path.startswith(f"{old}/"):
                instance.path = new + instance.path[len(old) :]
