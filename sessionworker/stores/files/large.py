"""Large values: written to a file beside the commits of others, in any thread, and then committed by that file's name.

The file lies in the instance's own folder, which stays open until then: wherever it is moved meanwhile, the file goes
along.
"""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from sessionworker.errors import WorkerError
from sessionworker.names import CREDS
from sessionworker.stores.changes import Batch, Change, Write
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.faults import Faults, reason_of, refusal_for
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.instance import Instance


class LargeWrite(Change, frozen=True):
    """A write whose value is in a file of the instance's own folder already."""

    file_name: str
    size: int
    instance_id: str
    folder: Folder
    """The folder, open: it has to be closed, and where the write is refused, the file to be removed."""


class LargeValues:
    """Prepares batches with large values, and finishes them."""

    def __init__(self, catalogue: Catalogue, faults: Faults, least: int) -> None:
        """Take values of `least` bytes for large ones."""
        self._catalogue = catalogue
        self._faults = faults
        self._least = least
        self.prepared: set[str] = set()
        """Files that batches that were prepared, and are not finished, are about."""

    def prepare(self, batch: Batch) -> Batch:
        """Return the batch to commit in its place; `finish` has to follow. Raises NoSpace or StoreUnavailable."""
        instance = self._catalogue.get(batch.group, batch.instance)
        if not any(map(self._is_large, batch.changes)) or instance is None or not instance.is_adopted:
            return batch
        if instance.refusal is not None:
            raise instance.refusal()
        changes: list[Change] = []  # as far as they came
        try:
            changes.extend(self._write(instance, one) if self._is_large(one) else one for one in batch.changes)
        except OSError as error:
            refusal = refusal_for(error)
            self.finish(Batch(batch.group, batch.instance, tuple(changes)), refusal)
            text = f"A large value of {instance} could not be stored: {reason_of(error)}."
            self._faults.note("staging_errors", "large_value_failed", text, instance)
            raise refusal from None
        return replace(batch, changes=tuple(changes))

    def _is_large(self, change: Change) -> bool:
        return type(change) is Write and len(change.value) >= self._least and change.key != CREDS

    def _write(self, instance: Instance, change: Change) -> LargeWrite:
        value = change.value if isinstance(change, Write) else b""
        folder = self._catalogue.open(instance)
        try:
            file_name = folder.write_large(value, change.key)
            self.prepared.add(file_name)
            return LargeWrite(change.key, file_name, len(value), instance.id, folder)
        except BaseException:
            folder.close()
            raise

    def finish(self, batch: Batch, outcome: WorkerError | None) -> bool:
        """Let go of what a batch that was committed, or refused, had open; tell whether it was a large one."""
        is_large = False
        for change in batch.changes:
            if type(change) is LargeWrite:
                is_large = True
                if outcome is not None:
                    with suppress(OSError):
                        change.folder.remove_large(change.file_name)
                change.folder.close()
                self.prepared.discard(change.file_name)
        return is_large
