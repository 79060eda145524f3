"""What is remembered of the disk, bounded, so that most reads need not ask it.

Names are changed with the state lock held, values with the memory lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from sessionworker.names import CREDS
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.memory import KnownNames, RecentValues

MOST_KNOWN_NAMES = 4_000_000
"""Names of session files that are remembered, eight bytes each."""

CREDS_BYTES = 64 * 2**20
"""Bytes of `creds` that are remembered, apart from other recent values."""

LARGEST_CREDS = 2 * 2**20
"""Bytes of the largest `creds` that are remembered."""


class Copies:
    """Names of the keys of instances in use, and recent values."""

    def __init__(self, live: Callable[[], Iterable[Instance]]) -> None:
        """Remember nothing. `live` returns the instances whose names may be remembered."""
        self._live = live
        self._recent = RecentValues()
        self._creds = RecentValues(CREDS_BYTES, LARGEST_CREDS)
        self.names = 0
        """Names that are remembered."""

    @property
    def size(self) -> int:
        """Bytes of the values that are remembered."""
        return self._recent.bytes + self._creds.bytes

    # Values

    def get(self, instance: Instance, key: str) -> bytes | None:
        """Return a value, if it is remembered. Any thread may ask."""
        return self._creds.get(instance) if key == CREDS else self._recent.get((instance, key))

    def keep(self, instance: Instance, key: str, value: bytes | None) -> None:
        """Remember what a key's file holds; None for nothing, or what is not to be remembered."""
        values, place = (self._creds, instance) if key == CREDS else (self._recent, (instance, key))
        if value is None:
            values.remove(place)
        else:
            values.put(place, value)

    # Names

    def learn(self, instance: Instance, names: KnownNames) -> None:
        """Remember which keys an instance's folder holds."""
        if self.names + len(names) > MOST_KNOWN_NAMES:
            self._forget_all()
        instance.known = names
        self.names += len(names)

    def add(self, instance: Instance, keys: Collection[str]) -> None:
        """Remember keys that an instance has got; others of it stay unknown if they are."""
        if instance.learning is not None:
            instance.learning.update(keys)
        if instance.known is not None:
            for key in keys:
                self.names += instance.known.add(key)
            if self.names > MOST_KNOWN_NAMES:
                self._forget_all()

    def forget(self, instance: Instance) -> None:
        """Forget the names of an instance that is dropped."""
        if instance.known is not None:
            self.names -= len(instance.known)
            instance.known = None

    def _forget_all(self) -> None:
        for instance in self._live():
            instance.known = None
        self.names = 0
