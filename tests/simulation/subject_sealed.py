"""The file store with a key as a subject: all of it lies sealed on the simulated disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, cast

from sessionworker.file_names import OURS
from sessionworker.stores import seal
from sessionworker.stores.files.codec import Codec, Plain, SealBroken, Sealed
from sessionworker.stores.files.places import SEALS
from sessionworker.stores.files.rewriting import Rewriting
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.seal import KEY_BYTES, Key, KeyRing, Seal
from tests.no_long_names import NoLongNames
from tests.simulation.machine import Machine
from tests.simulation.nodes import File, Folder
from tests.simulation.subject import DROPS, EVERYTHING, ROOT, Scope
from tests.simulation.subject_files import BOUNDS, DAY_MS, SEGMENT, FileSubject, OpenFileStore

KEYS = [Key(bytes([number]) * KEY_BYTES) for number in range(3)]


CODECS: tuple[Codec, ...] = (*(Sealed(Seal([key]), NoLongNames()) for key in KEYS), Plain())
"""Of each way in which something may lie on the disk."""

_READING = Sealed(Seal(KEYS), NoLongNames(), admits_plain=True)


class SealedSubject(FileSubject):
    """What the simulation must know of it."""

    name = "sealed files"
    modules = (*FileSubject.modules, seal)
    is_sealed = True
    """Whether what is put there by hand is sealed."""
    takes_in = False  # nobody without the key can

    def __init__(self) -> None:
        """Begin with no machine."""
        self._machine: Machine | None = None
        self._starts = 0
        self._opened: list[Rewriting] = []

    def ring(self) -> KeyRing:
        """Return the keys of one start."""
        return KeyRing(KEYS[:1])

    def open(self, machine: Machine, report: Callable[[str], None], ask: Callable[[Any], None]) -> OpenFileStore:
        """Open it."""
        if machine is not self._machine:  # of another history
            self._machine, self._starts = machine, machine.ids.randrange(12)
        store = FileStore(
            Path(ROOT),
            report=lambda event: report(event.text),
            limits=BOUNDS,
            segment_size=SEGMENT,
            ring=self.ring(),
        )
        store.on_repair(ask)
        store._parts.rewriting.begin()
        self._opened.append(store._parts.rewriting)
        now = cast("Any", machine.stand_ins["time"]).time_ns
        return OpenFileStore(store, ask, lambda: now() // 1_000_000 - int(self.keep_drops_days * DAY_MS))

    def forget(self) -> None:
        """Let go of the stores of a history. Earlier or later they would close folders in the midst of one."""
        for rewriting in self._opened:
            if isinstance(rewriting._steps, Generator):
                with suppress(BaseException):  # its machine is off
                    rewriting._steps.close()
        self._opened.clear()

    def scope_of(self, path: str) -> Scope:
        """Tell by the path."""
        parts = PurePosixPath(path).parts[2:]
        if parts[:2] == (".sessionworker", "dropped"):
            return DROPS
        if not parts or parts[0] == ".sessionworker" or not path.startswith(f"{ROOT}/"):
            return EVERYTHING
        group = _READING.decode_name(parts[0], "group")
        return Scope(group, _READING.decode_name(parts[1], "instance", group or "") if len(parts) > 1 else None)

    def pattern(self, path: str) -> str:
        """Return one for all the names that it may have: while keys change, nobody knows which."""
        group, instance, *inside = path.removeprefix(f"{ROOT}/").split("/")
        return "/".join((ROOT, self._all_names(group, "group"), self._all_names(instance, "instance", group), *inside))

    def folder(self, group: str, instance: str) -> str:
        """Return the path of an instance's folder."""
        folder = self._standing(ROOT, group, "group")
        return f"{folder}/{self._called(folder, instance, 'instance', group)}"

    def file(self, group: str, instance: str, key: str) -> str:
        """Return the path of a key's file."""
        folder = self.folder(group, instance)
        return f"{folder}/{self._called(folder, key, 'key', self._id_in(folder))}"

    def version_in(self, group: str, instance: str, name: str, data: bytes) -> bytes:
        """Return what is sealed there."""
        try:
            return _READING.open(data, "version", self._id_in(self.folder(group, instance)), name)
        except SealBroken:
            return data

    def _id_in(self, folder: str) -> str:
        ours = self._names(f"{folder}/.sessionworker")
        return next((name.split("-")[1] for name in ours if name.startswith("id-")), "")

    def _all_names(self, name: str, *place: str) -> str:
        return f"(?:{'|'.join(re.escape(codec.encode_name(name, *place)) for codec in CODECS)})"

    def _standing(self, above: str, name: str, *place: str) -> str:
        return f"{above}/{self._called(above, name, *place)}"

    def _called(self, folder: str, name: str, *place: str) -> str:
        """Return the name that something has in a folder, or would have."""
        names = self._names(folder)
        candidates = [codec.encode_name(name, *place) for codec in CODECS]
        return next((each for each in candidates if each in names), candidates[0 if self.is_sealed else -1])

    def _names(self, path: str) -> list[str]:
        node = None
        if self._machine is not None:
            try:
                node = self._machine.disk.existing(path, None, follow=False)
            except OSError:
                return []
        return list(node.names) if isinstance(node, Folder) else []


class TurningSubject(SealedSubject):
    """The same with another key as the first one at each start, and at times with none.

    A key is given as long as the store says that something may be sealed with it, and no longer.
    """

    name = "files that are sealed and plain in turns"
    is_sealed = False
    takes_in = True

    def ring(self) -> KeyRing:
        """Return the keys of one start."""
        self._starts += 1
        first = KEYS[self._starts % len(KEYS)]
        said = self._person_reads(f"{ROOT}/{OURS}/{SEALS}")
        others = [key for key in KEYS if key is not first and key.name.encode() in said]
        return KeyRing([first, *others], writes_plain=self._starts % 4 == 0, admits_plain=True)

    def _person_reads(self, path: str) -> bytes:
        try:
            node = self._machine.disk.existing(path, None, follow=False) if self._machine is not None else None
        except OSError:
            return b""
        return bytes(node.data) if isinstance(node, File) else b""


class MixedSubject(SealedSubject):
    """The same while a store that was plain is being sealed: what is put there by hand is plain."""

    name = "files of which some are sealed"
    is_sealed = False
    takes_in = True

    def ring(self) -> KeyRing:
        """Return the keys of one start."""
        return KeyRing(KEYS[:1], admits_plain=True)
