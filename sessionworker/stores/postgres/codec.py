"""How names and values lie in the tables: as they are, or sealed.

A name is one of a place: of the groups, of a group's instances, of the keys of an instance's id. A value is bound to
what it is: its purpose, its instance's id and its key. A sealed name begins with a byte that no UTF-8 text has.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Protocol, TypeVar

from sessionworker.stores.seal import (
    MARK,
    OVERHEAD,
    Key,
    KeyRing,
    NotOpened,
    Seal,
    beginning_under,
    is_sealed,
    sealed_name,
)

SEALED = b"\xff"
"""What a sealed name begins with."""

T = TypeVar("T")


class Codec(Protocol):
    """Writes names and values as they are to lie in the tables, and reads them."""

    is_bound: bool
    """Whether what it writes is bound to a place: the id has to be known before a key can be looked up."""
    beginning: bytes
    """What each value begins with that is as it would be written now; nothing where `other` tells."""
    other: bytes
    """What each value begins with that is not as it would be written now; nothing where `beginning` tells."""

    @property
    def is_mixed(self) -> bool:
        """Whether a name may stand there in several ways."""

    def name(self, name: str, *place: str) -> bytes:
        """Return what is written for a name of a place."""

    def names(self, name: str, *place: str) -> list[bytes]:
        """Return all that may stand for a name of a place; what is written for it is the first."""

    def open_name(self, data: bytes, *place: str) -> str | None:
        """Return the name of a place that something stands for, or None if it stands for none."""

    def mark(self, *bound: str) -> bytes:
        """Return what proves something that one who has no key cannot say; the same for the same."""

    def is_proven(self, mark: bytes, *bound: str) -> bool:
        """Tell whether a mark proves something."""

    def seal(self, value: bytes, *bound: str) -> bytes:
        """Return what is stored for a value that is bound to what it is."""

    def open(self, data: bytes, *bound: str) -> bytes | None:
        """Return the value that was stored so; None where it is broken."""

    def overhead(self, beginning: bytes) -> int:
        """Return how many bytes more than the value are stored, by how what is stored begins, or its key's name."""


class NameNotOpened(Exception):
    """A row of a session file has a name that no key opens there."""


def by_key(codec: Codec, rows: Iterable[tuple[bytes, T]], id_: str) -> dict[str, tuple[bytes, T]]:
    """Return an instance's rows, a name and something else each, by the keys that the names stand for, sorted.

    Of two that stand for one key it is the one that is read. Raises NameNotOpened.
    """
    found: dict[str, tuple[bytes, T]] = {}
    for name, rest in rows:
        key = codec.open_name(name, "key", id_)
        if key is None:
            raise NameNotOpened
        if key in found:
            names = codec.names(key, "key", id_)
            found[key] = min(found[key], (name, rest), key=lambda one: names.index(one[0]))
        else:
            found[key] = name, rest
    return dict(sorted(found.items()))


class Plain:
    """All as it is."""

    is_bound = False
    is_mixed = False
    beginning = other = b""

    @staticmethod
    def name(name: str, *_place: str) -> bytes:
        """Return the name in UTF-8."""
        return name.encode()

    @staticmethod
    def names(name: str, *_place: str) -> list[bytes]:
        """Return the name in UTF-8."""
        return [name.encode()]

    @staticmethod
    def open_name(data: bytes, *_place: str) -> str:
        """Return the name."""
        return _text(data)

    @staticmethod
    def mark(*_bound: str) -> bytes:
        """Return nothing."""
        return b""

    @staticmethod
    def is_proven(_mark: bytes, *_bound: str) -> bool:
        """Take anything for true."""
        return True

    @staticmethod
    def seal(value: bytes, *_bound: str) -> bytes:
        """Return the value."""
        return value

    @staticmethod
    def open(data: bytes, *_bound: str) -> bytes:
        """Return the value."""
        return data

    @staticmethod
    def overhead(_beginning: bytes) -> int:
        """Return none."""
        return 0


class Sealed:
    """Sealed with the first of some keys, or not any more. What may lie otherwise, others say; see `admit`."""

    is_bound = True

    def __init__(self, ring: KeyRing) -> None:
        """Seal as `ring` says, and open with all of its keys."""
        self._ring = ring
        self._seal = Seal(ring.keys)
        self._now: tuple[tuple[Key, ...], bool] = ((), False)
        self.admit((), plain=ring.admits_plain)
        self.beginning = b"" if ring.writes_plain else beginning_under(ring.keys[0])
        self.other = MARK if ring.writes_plain else b""

    def admit(self, keys: Container[str], *, plain: bool) -> None:
        """Look for names under some keys besides the one that seals, and take what is plain, or no more."""
        first, writes_plain = self._ring.keys[0], self._ring.writes_plain
        names = [key for key in self._ring.keys if key.name in keys or (key is first and not writes_plain)]
        self._now = (tuple(names), plain or writes_plain)  # one object, for threads that are in between

    @property
    def is_mixed(self) -> bool:
        """Whether a name may stand there in several ways."""
        keys, admits_plain = self._now
        return len(keys) + admits_plain > 1

    def name(self, name: str, *place: str) -> bytes:
        """Return the name as it is sealed in this place, the same each time; or in UTF-8, if nothing is sealed."""
        if self._ring.writes_plain:
            return name.encode()
        return SEALED + sealed_name(self._ring.keys[0], name, *_bytes(place))

    def names(self, name: str, *place: str) -> list[bytes]:
        """Return the name as it is sealed with each key, and in UTF-8."""
        keys, admits_plain = self._now
        bound = _bytes(place)
        sealed = [SEALED + sealed_name(key, name, *bound) for key in keys]
        if not admits_plain:
            return sealed
        return [name.encode(), *sealed] if self._ring.writes_plain else [*sealed, name.encode()]

    def open_name(self, data: bytes, *place: str) -> str | None:
        """Return the name, or None."""
        if not data.startswith(SEALED):
            return _text(data) if self._now[1] else None
        try:
            return self._seal.open_name_data(data[len(SEALED) :], *_bytes(place))
        except NotOpened:
            return None

    def mark(self, *bound: str) -> bytes:
        """Return what proves something."""
        return b"" if self._ring.writes_plain else self._seal.mark(*_bytes(bound))

    def is_proven(self, mark: bytes, *bound: str) -> bool:
        """Tell whether a mark proves something."""
        return mark in self._seal.marks(*_bytes(bound)) if mark else self._now[1]

    def seal(self, value: bytes, *bound: str) -> bytes:
        """Return a value sealed to what it is."""
        return value if self._ring.writes_plain else self._seal.seal(value, *_bytes(bound))

    def open(self, data: bytes, *bound: str) -> bytes | None:
        """Return the value that was sealed, or None."""
        if self._now[1] and not is_sealed(data):
            return data
        try:
            return self._seal.open(data, *_bytes(bound))
        except NotOpened:
            return None

    @staticmethod
    def overhead(beginning: bytes) -> int:
        """Return what a seal takes: what has a sealed name is sealed."""
        return OVERHEAD if beginning.startswith((SEALED, MARK)) else 0


def _bytes(bound: Iterable[str]) -> list[bytes]:
    return [part.encode() for part in bound]


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")
