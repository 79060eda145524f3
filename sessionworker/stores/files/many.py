"""Several keys of one instance at once: their values as of one moment, and what there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from heapq import nsmallest
from typing import TypeVar

from sessionworker.errors import InstanceTooLarge, StoreUnavailable
from sessionworker.names import CREDS
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.codec import SEALED
from sessionworker.stores.files.creds import CredsReading
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.reading import Reading, Since
from sessionworker.stores.interface import UNKNOWN, AllValues

MOST_TRIES = 10
"""How often values are read beside commits of the same instance, until there is none; then they are of no one moment,
and each is as it was when it was read."""


T = TypeVar("T")


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
        return self._of_one_moment(instance, lambda: self._read(instance, keys, most_bytes))

    def whole(self, instance: Instance, most_bytes: int) -> AllValues:
        """Return what all keys hold that hold something, and how many are broken; as of one moment.

        Raises OSError, InstanceTooLarge, and StoreUnavailable for `creds` that are none.
        """

        def read() -> AllValues:
            listed = self._keys(instance, is_strict=True)
            keys = sorted({*listed, CREDS})  # an older version may be all there is
            found = self._read(instance, keys, most_bytes)
            if len(found) < len(keys) or sum(map(len, filter(None, found.values()))) > most_bytes:
                raise InstanceTooLarge(most_bytes)
            values = {key: value for key, value in found.items() if value is not None}
            return AllValues(values, broken=len(listed - {CREDS} - values.keys()))  # no creds: those were deleted

        return self._of_one_moment(instance, read)

    def _of_one_moment(self, instance: Instance, read: Callable[[], T]) -> T:
        for _ in range(MOST_TRIES - 1):
            writes = instance.writes
            found = read()
            is_changing = instance.is_changing  # asked first: it ends after `writes` has gone up
            if not is_changing and instance.writes == writes:
                return found
            del found  # or two would be in memory for a while
        return read()

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
        keys = self._keys(instance)
        return nsmallest(most, (key for key in keys if key.startswith(beginning) and key > after))

    def _keys(self, instance: Instance, *, is_strict: bool = False) -> set[str]:
        """Return the keys that hold something; `is_strict` raises StoreUnavailable where one cannot be told."""
        unsaved, saving = instance.unsaved.copy(), instance.saving.copy()  # in the direction in which values move
        keys = set()
        with self._catalogue.open(instance) as folder:
            for name in folder.names():
                key = folder.key_of(name)
                if key is not None:
                    keys.add(key)
                elif is_strict and name.startswith(SEALED):
                    raise StoreUnavailable("The name of one of this instance's keys cannot be opened.")
        for key, value in {**saving, **unsaved}.items():
            (keys.discard if value is None else keys.add)(key)
        return keys
