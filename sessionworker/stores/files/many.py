"""Several keys of one instance at once: their values as of one moment, and what there is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from heapq import nsmallest

from sessionworker.names import CREDS
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.creds import CredsReading
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.reading import Reading, Since
from sessionworker.stores.interface import UNKNOWN

MOST_TRIES = 10
"""How often values are read beside commits of the same instance, until there is none; then they are of no one moment,
and each is as it was when it was read."""


class ManyKeys:
    """Reads several session files of an instance, in any number of threads."""

    def __init__(self, catalogue: Catalogue, reading: Reading, creds: CredsReading) -> None:
        """Read by `reading`, and `creds` by `creds`."""
        self._catalogue = catalogue
        self._reading = reading
        self._creds = creds

    def read(self, instance: Instance, keys: Sequence[str], most_bytes: int) -> dict[str, bytes | None]:
        """Return what the first keys hold that have so many bytes together, one at least; as of one moment.

        Raises OSError, and StoreUnavailable for `creds` that are none.
        """
        values: dict[str, bytes | None] = {}
        for _ in range(MOST_TRIES):
            writes = instance.writes
            values.clear()  # or both were in memory for a while
            values = self._read(instance, keys, most_bytes)
            is_changing = instance.is_changing  # asked first: it ends after `writes` has gone up
            if not is_changing and instance.writes == writes:
                break
        return values

    def _read(self, instance: Instance, keys: Sequence[str], most_bytes: int) -> dict[str, bytes | None]:
        since = Since(instance, instance.writes)  # before their values are looked at
        recalled = {key: self._reading.recall(instance, key) for key in keys}
        is_any_unknown = any(value is UNKNOWN for value in recalled.values())
        values: dict[str, bytes | None] = {}
        size = 0
        with self._catalogue.open(instance) if is_any_unknown else nullcontext() as folder:
            for key, known in recalled.items():
                if known is not UNKNOWN:
                    value = known
                elif folder is None or key == CREDS:
                    value = self._creds.read(instance)
                else:
                    value = self._reading.read_in(folder, since, key)
                size += len(value or b"")
                if size > most_bytes and values:
                    break
                values[key] = value
        return values

    def names(self, instance: Instance, beginning: str, after: str, most: int) -> list[str]:
        """Return the keys that begin so and come after another in the order of their code points. Raises OSError."""
        unsaved, saving = instance.unsaved.copy(), instance.saving.copy()  # in the direction in which values move
        with self._catalogue.open(instance) as folder:
            keys = {key for name in folder.names() if (key := folder.key_of(name)) is not None}
        for key, value in {**saving, **unsaved}.items():
            (keys.discard if value is None else keys.add)(key)
        return nsmallest(most, (key for key in keys if key.startswith(beginning) and key > after))
