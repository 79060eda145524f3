"""Several keys of one instance at once: their values as of one moment, and what there is."""

from __future__ import annotations

from collections.abc import Sequence
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

    def read(self, instance: Instance, keys: Sequence[str]) -> dict[str, bytes | None]:
        """Return what keys hold, as of one moment. Raises OSError, and StoreUnavailable for `creds` that are none."""
        values: dict[str, bytes | None] = {}
        for _ in range(MOST_TRIES):
            writes = instance.writes
            values = self._read(instance, keys)
            is_changing = instance.is_changing  # asked first: it ends after `writes` has gone up
            if not is_changing and instance.writes == writes:
                break
        return values

    def _read(self, instance: Instance, keys: Sequence[str]) -> dict[str, bytes | None]:
        since = Since(instance, instance.writes)  # before their values are looked at
        recalled = {key: self._reading.recall(instance, key) for key in keys}
        unknown = [key for key, value in recalled.items() if value is UNKNOWN]
        values = {key: None if value is UNKNOWN else value for key, value in recalled.items()}
        if unknown:
            with self._catalogue.open(instance) as folder:
                values |= {key: self._reading.read_in(folder, since, key) for key in unknown if key != CREDS}
            if CREDS in unknown:
                values[CREDS] = self._creds.read(instance)
        return values

    def names(self, instance: Instance, beginning: str, after: str, most: int) -> list[str]:
        """Return the keys that begin so and come after another in the order of their code points. Raises OSError."""
        unsaved, saving = instance.unsaved.copy(), instance.saving.copy()  # in the direction in which values move
        with self._catalogue.open(instance) as folder:
            keys = {key for name in folder.names() if (key := folder.key_of(name)) is not None}
        for key, value in {**saving, **unsaved}.items():
            (keys.discard if value is None else keys.add)(key)
        return nsmallest(most, (key for key in keys if key.startswith(beginning) and key > after))
