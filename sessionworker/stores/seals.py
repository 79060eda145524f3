"""With which keys a store is sealed: said by the store itself, and compared with the keys that are given at a start.

So a key that is missing is noticed before anything is read, and taken for broken; and what is plain is taken for a
value only in a store that was plain before. Nobody without a key can say otherwise: the statement is proven.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from sessionworker.errors import StartError
from sessionworker.events import Event, Report
from sessionworker.stores.seal import KeyRing, Seal


class Statement(Struct, frozen=True):
    """What a store says of itself."""

    keys: Sequence[str] = ()
    """The ids of the keys with which something in it may be sealed, sorted."""
    plain: bool = True
    """Whether something in it may be plain."""
    proof: str = ""
    """A mark of the rest, in hexadecimal digits."""

    @property
    def text(self) -> str:
        """What is proven."""
        return " ".join([*self.keys, "plain" if self.plain else "sealed"])

    def proven(self, ring: KeyRing | None) -> Self:
        """Return the same with its proof, by a key of those that it names: others may be taken away."""
        if ring is None or not self.keys:
            return replace(self, proof="")
        prover = next(key for key in ring.keys if key.name in self.keys)
        return replace(self, proof=Seal([prover]).mark(b"seals", self.text.encode()).hex())

    def is_proven(self, ring: KeyRing | None) -> bool:
        """Tell whether it was made by somebody who has one of the keys."""
        marks = Seal(ring.keys).marks(b"seals", self.text.encode()) if ring is not None else ()
        return self.proof in {mark.hex() for mark in marks}

    def missing(self, ring: KeyRing | None) -> list[str]:
        """Return the keys that it names, and that are not given."""
        given = [] if ring is None else [key.name for key in ring.keys]
        return [name for name in self.keys if name not in given]

    def others(self, key: str) -> list[str]:
        """Return how something may lie that is not under the key that seals now, in words; see `key_of`."""
        others = [f"under the key {name}" for name in self.keys if name != key]
        return [*others, "plain"] if self.plain and key else others

    def for_reading(self, ring: KeyRing | None) -> KeyRing | None:
        """Return a ring of those keys that it names: nothing new is to be said of a store that is opened with it."""
        keys = [] if ring is None else [key for key in ring.keys if key.name in self.keys]
        if not self.keys or ring is None:
            return None
        return KeyRing(keys or ring.keys, admits_plain=self.plain)

    def joined(self, ring: KeyRing) -> Self:
        """Return what is to be said before something is written with a ring; it is not proven yet."""
        if ring.writes_plain:
            return replace(self, plain=True)
        keys = sorted({*self.keys, ring.keys[0].name})
        return replace(self, keys=keys, plain=self.plain or ring.admits_plain)


def compare(found: Statement | None, ring: KeyRing | None, where: str, has_sealed: Callable[[], bool]) -> None:
    """Compare what a store says of itself with the keys that are given. Raises StartError.

    `where` it says so is told to the operator; `has_sealed` tells whether something in it is sealed.
    """
    if found is None or not found.keys:
        if has_sealed():
            raise changed(where)
        return
    missing = found.missing(ring)
    if missing:
        given = [] if ring is None else [key.name for key in ring.keys]
        raise StartError(
            f"The store is encrypted with {_list(missing)}, and {_list(given) if given else 'no key'} is given. "
            "Nothing was changed. Start it with the key file that it was written with."
        )
    if not found.is_proven(ring):
        raise changed(where)


def changed(where: str) -> StartError:
    """Return what a start is refused with where the statement is not as it was made."""
    return StartError(
        f"The store is encrypted, and what says with which keys is missing or was changed: {where}. Put that back from "
        "a backup. Nothing was changed now."
    )


def key_of(ring: KeyRing | None) -> str:
    """Return the name of the key that seals; empty where none does."""
    return "" if ring is None or ring.writes_plain else ring.keys[0].name


def in_words(key: str) -> str:
    """Return how all is written under a key, or under none."""
    return f"encrypted with the key {key}" if key else "plain"


def tell(report: Report, key: str, others: Sequence[str]) -> None:
    """Tell the operator with which key is sealed, and how some of what is stored may lie besides."""
    if key:
        report(Event("encrypted", f"What is written is {in_words(key)}.", level="info"))
    if others:
        text = f"Some of what is stored may still be {' or '.join(others)}: 'sessionworker-key rewrite' sees to that."
        report(Event("not_rewritten", text, level="warn"))


def _list(names: Sequence[str]) -> str:
    return f"the key{'s' if len(names) > 1 else ''} {', '.join(names)}"
