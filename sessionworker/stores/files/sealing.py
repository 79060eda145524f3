"""With which keys a store is sealed: said in a file of its own, and compared with the keys that are given at a start.

So a key that is missing is noticed before anything is read, and taken for broken; and what is plain is taken for a
value only in a store that was plain before. Nobody without a key can say otherwise: the statement is proven.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sessionworker.disk import opened_folder
from sessionworker.errors import StartError
from sessionworker.events import Event, Report
from sessionworker.stores.files.codec import SEALED, Codec, Plain, Sealed
from sessionworker.stores.files.long_names import LongNames
from sessionworker.stores.files.places import DROPPED, JOURNAL, LOST, PURGED, SEALS, Places
from sessionworker.stores.seal import KeyRing, Seal

LARGEST = 2**16
"""Bytes of a statement that is read."""


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


class Sealing:
    """The statement of one store, and the keys that it is opened with."""

    def __init__(self, places: Places, ring: KeyRing | None) -> None:
        """Compare the two, and write down with which key is sealed from now on. Raises StartError, or OSError.

        `places` is where nothing is sealed: the statement itself can be read without a key.
        """
        self._places = places
        self._ring = ring
        self.seal = Seal(ring.keys) if ring is not None else None
        self._long_names = LongNames(places.root, self.seal, sync=places.is_synced) if self.seal is not None else None
        found = self._read()
        self._compare(found)
        self.statement = found or Statement(plain=ring is None or not self._is_new())
        self.is_mixed = self._add_ours()
        """Whether something may be there that is not as it is written from now on."""

    @property
    def codec(self) -> Codec:
        """Return what names and values of the store are written and read with."""
        if self.seal is None or self._ring is None or self._long_names is None:
            return Plain()
        is_plain = self._ring.writes_plain
        return Sealed(self.seal, self._long_names, admits_plain=self.statement.plain, writes_plain=is_plain)

    def _read(self) -> Statement | None:
        data = self._places.read_ours(SEALS, LARGEST)
        try:
            return None if data is None else msgspec.json.decode(data, type=Statement)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise _changed() from None

    def _compare(self, found: Statement | None) -> None:
        given = [] if self._ring is None else [key.name for key in self._ring.keys]
        if found is None or not found.keys:
            if any(name.startswith(SEALED) for name in self._places.folders(".")):
                raise _changed()
            return
        missing = [name for name in found.keys if name not in given]
        if missing:
            raise StartError(
                f"The store is encrypted with {_list(missing)}, and {_list(given) if given else 'no key'} is given. "
                "Nothing was changed. Start it with the key file that it was written with."
            )
        marks = {mark.hex() for mark in self.seal.marks(b"seals", found.text.encode())} if self.seal else set()
        if found.proof not in marks:
            raise _changed()

    def _is_new(self) -> bool:
        """Tell whether nothing was stored yet."""
        with opened_folder(JOURNAL, self._places.root) as journal:
            segments = os.listdir(journal)  # those that are ready hold what they held once
        groups = filter(None, map(self._places.group_at, self._places.folders(".")))
        others = (name for path in (DROPPED, PURGED, LOST) for name in self._places.folders(path))
        return not (segments or any(groups) or any(others))

    def _add_ours(self) -> bool:
        """Say what is written from now on; tell whether something else may be there."""
        before = self.statement
        if self._ring is None:
            return False
        if self._ring.writes_plain:
            self.say(before.keys, plain=True)
            return bool(before.keys)
        ours = self._ring.keys[0].name
        self.say([*before.keys, ours], plain=before.plain or self._ring.admits_plain)
        return self.statement.plain or any(name != ours for name in before.keys)

    @property
    def takes_plain(self) -> bool:
        """Whether people may put plain files into a store that was all sealed: so no folder's word is taken for it."""
        return self._ring is not None and self._ring.admits_plain and not self._ring.writes_plain

    @property
    def has_others(self) -> bool:
        """Whether there are more keys than the one that seals."""
        return self._ring is not None and len(self._ring.keys) > 1

    def mix(self) -> None:
        """Say that something is there that was sealed with one of the other keys. Raises OSError."""
        keys = self._ring.keys if self._ring is not None else ()
        self.say([*self.statement.keys, *(key.name for key in keys)], plain=self.statement.plain)
        self.is_mixed = True

    @property
    def key(self) -> str:
        """The name of the key that seals now; empty where none does."""
        return "" if self._ring is None or self._ring.writes_plain else self._ring.keys[0].name

    @property
    def now(self) -> str:
        """How all is written now, in words."""
        return f"encrypted with the key {self.key}" if self.key else "plain"

    def tell(self, report: Report) -> None:
        """Tell the operator with which key is sealed, and what may not be sealed with it."""
        if self.key:
            report(Event("encrypted", f"What is written is {self.now}.", level="info"))
        if self.is_mixed:
            others = [f"under the key {name}" for name in self.statement.keys if name != self.key]
            if self.statement.plain and self.key:
                others.append("plain")
            text = (
                f"Some of what is stored may still be {' or '.join(others)}: 'sessionworker-key rewrite' sees to that."
            )
            report(Event("not_rewritten", text, level="warn"))

    def settle(self) -> None:
        """Say that all is as it is written now. Raises OSError."""
        if self._ring is not None and self._long_names is not None:
            is_plain = self._ring.writes_plain
            self._long_names.forget_all() if is_plain else self._long_names.forget_older()
            self.say([] if is_plain else [self._ring.keys[0].name], plain=is_plain)
        self.is_mixed = False

    def say(self, keys: Iterable[str], *, plain: bool) -> None:
        """Write a statement down, durably. Raises OSError."""
        statement = Statement(sorted(set(keys)), plain)
        if self._ring is not None and statement.keys:
            prover = next(key for key in self._ring.keys if key.name in statement.keys)  # others may be taken away
            statement = replace(statement, proof=Seal([prover]).mark(b"seals", statement.text.encode()).hex())
        if statement != self.statement:
            self._places.replace_ours(SEALS, msgspec.json.encode(statement))
            self._places.sync(os.path.dirname(JOURNAL))
            self.statement = statement


def _list(names: Sequence[str]) -> str:
    return f"the key{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _changed() -> StartError:
    return StartError(
        f"The store is encrypted, and what says with which keys is missing or was changed: its file "
        f".sessionworker/{SEALS}. Put that back from a backup. Nothing was changed now."
    )
