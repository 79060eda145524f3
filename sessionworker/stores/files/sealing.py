"""The statement of a file store: with which keys it is sealed, in a file of its own; see `stores.seals`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from sessionworker.disk import opened_folder
from sessionworker.events import Report
from sessionworker.stores.files.codec import SEALED, Codec, Plain, Sealed
from sessionworker.stores.files.long_names import LongNames
from sessionworker.stores.files.places import DROPPED, JOURNAL, LOST, PURGED, SEALS, Places
from sessionworker.stores.files.unfinished import UnfinishedNames
from sessionworker.stores.seal import KeyRing, Seal
from sessionworker.stores.seals import Statement, changed, compare, in_words, key_of, tell

LARGEST = 2**16
"""Bytes of a statement that is read."""

WHERE = f"its file .sessionworker/{SEALS}"
"""Where the statement lies, for the operator."""


def check_keys(store: Path, ring: KeyRing | None) -> None:
    """Compare a store with keys as a start does, and change nothing. Raises StartError, or OSError."""
    with opened_folder(str(store)) as root:
        _find(Places(root, Plain(), UnfinishedNames(""), is_synced=False), ring)


def _find(places: Places, ring: KeyRing | None) -> Statement | None:
    """Return the statement of a store, which these keys open. Raises StartError, or OSError."""
    data = places.read_ours(SEALS, LARGEST)
    try:
        found = None if data is None else msgspec.json.decode(data, type=Statement)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise changed(WHERE) from None
    compare(found, ring, WHERE, lambda: any(name.startswith(SEALED) for name in places.folders(".")))
    return found


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
        found = _find(places, ring)
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

    def _is_new(self) -> bool:
        """Tell whether nothing was stored yet."""
        with opened_folder(JOURNAL, self._places.root) as journal:
            segments = os.listdir(journal)  # those that are ready hold what they held once
        groups = filter(None, map(self._places.group_at, self._places.folders(".")))
        others = (name for path in (DROPPED, PURGED, LOST) for name in self._places.folders(path))
        return not (segments or any(groups) or any(others))

    def _add_ours(self) -> bool:
        """Say what is written from now on; tell whether something else may be there."""
        if self._ring is None:
            return False
        before, joined = self.statement, self.statement.joined(self._ring)
        self.say(joined.keys, plain=joined.plain)
        if self._ring.writes_plain:
            return bool(before.keys)
        return self.statement.plain or any(name != self.key for name in before.keys)

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
        return key_of(self._ring)

    @property
    def now(self) -> str:
        """How all is written now, in words."""
        return in_words(self.key)

    def tell(self, report: Report) -> None:
        """Tell the operator with which key is sealed, and what may not be sealed with it."""
        tell(report, self.key, self.statement.others(self.key) if self.is_mixed else ())

    def settle(self) -> None:
        """Say that all is as it is written now. Raises OSError."""
        if self._ring is not None and self._long_names is not None:
            is_plain = self._ring.writes_plain
            self._long_names.forget_all() if is_plain else self._long_names.forget_older()
            self.say([] if is_plain else [self._ring.keys[0].name], plain=is_plain)
        self.is_mixed = False

    def say(self, keys: Iterable[str], *, plain: bool) -> None:
        """Write a statement down, durably. Raises OSError."""
        statement = Statement(sorted(set(keys)), plain).proven(self._ring)
        if statement != self.statement:
            self._places.replace_ours(SEALS, msgspec.json.encode(statement))
            self._places.sync(os.path.dirname(JOURNAL))
            self.statement = statement
