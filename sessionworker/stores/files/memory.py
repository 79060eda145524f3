"""Parts of what a store remembers of its disk: names in little room, and values up to a bound."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Iterable

RECENT_BYTES = 16 * 2**20
"""Bytes of values that are remembered."""

OVERHEAD = 300
"""Bytes that a value takes besides its own, about: its key, and its place in the dict."""

LARGEST_RECENT = 256 * 2**10
"""Bytes of the largest value that is remembered."""


class KnownNames:
    """The keys that an instance may hold, and no other: which of them are gone again is not followed."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Know `names`, at eight bytes a name: a set would take a hundred."""
        self._listed = array("q", sorted(map(hash, names)))
        self._added: set[str] = set()

    def __len__(self) -> int:
        return len(self._listed) + len(self._added)

    def __contains__(self, key: str) -> bool:
        if key in self._added:
            return True
        sought = hash(key)
        place = bisect_left(self._listed, sought)
        return place < len(self._listed) and self._listed[place] == sought

    def add(self, key: str) -> bool:
        """Know a key, and tell whether it is a new one."""
        is_new = key not in self
        if is_new:
            self._added.add(key)
        return is_new


class RecentValues:
    """Copies of values, the oldest of which make room for new ones.

    Any thread may call `get`; the callers of the other methods take turns.
    """

    def __init__(self, most_bytes: int = RECENT_BYTES, largest: int = LARGEST_RECENT) -> None:
        """Keep at most `most_bytes` bytes, and no value larger than `largest` bytes."""
        self._most_bytes = most_bytes
        self._largest = largest
        self._values: dict[Hashable, bytes] = {}
        self.bytes = 0
        self.get = self._values.get

    def put(self, key: Hashable, value: bytes) -> None:
        """Keep a value, if it is not too large."""
        self.remove(key)
        if len(value) > self._largest:
            return
        self._values[key] = value
        self.bytes += len(value) + OVERHEAD
        while self.bytes > self._most_bytes:
            self.remove(next(iter(self._values)))

    def remove(self, key: Hashable) -> None:
        """Forget a value, if it is kept."""
        value = self._values.pop(key, None)
        if value is not None:
            self.bytes -= len(value) + OVERHEAD
