"""Where file stores live in tests, and how they are left there."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, count, cycle
from pathlib import Path
from shutil import rmtree
from typing import Any

from sessionworker.events import Event
from sessionworker.file_names import OURS
from sessionworker.names import SessionFile
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import Store
from sessionworker.stores.rules.versions import Keep
from sessionworker.stores.seal import KEY_BYTES, Key, KeyRing
from tests.contract.words import ASKED_FOR

SEGMENT = 4096
"""Bytes of a segment of the journal: small, so that a short test fills several."""

LARGE = 20_000

_numbers = count()


def kill(folder: Path) -> None:
    """Close every file and folder that is open at or below `folder`, as the kernel does for `kill -9`."""
    for handle in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the one that listed them
            if handle.readlink().is_relative_to(folder):
                os.close(int(handle.name))


class FilePlace:
    """A folder for a file store."""

    large_from = LARGE
    stories = 30
    keeps_owners = False

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        *,
        sync: bool = False,
        keep: Keep = Keep(),  # noqa: B008 - it is frozen
        ring: Callable[[], KeyRing | None] = lambda: None,
    ) -> None:
        """Put a store there that has these limits; the folder is made when it is opened, with the keys of then."""
        self.folder = folder
        self._ring = ring
        self._limits = limits
        self._sync = sync
        self._keep = keep

    def open(self) -> FileStore:
        store = FileStore(
            self.folder,
            sync=self._sync,
            segment_size=SEGMENT,
            limits=self._limits,
            keep=self._keep,
            ring=self._ring(),
        )
        self._codec = store._parts.places.codec
        return store

    def settle(self, store: Store) -> None:
        store.checkpoint()
        gauges = store.figures().gauges
        assert gauges["unwritten_value_bytes"] == gauges["unwritten_files"] == gauges["instances_apart"] == 0
        assert isinstance(store, FileStore)
        known = sum(len(instance.known or ()) for instance in store._catalogue.live())
        assert gauges["cached_key_names"] == known

    def kill(self, store: Store) -> None:  # noqa: ARG002 - all that is open below its folder is what it holds
        kill(self.folder)

    def damage(self, file: SessionFile, value: bytes | None) -> None:
        group = self._standing(self.folder, file.group, "group")
        folder = self._standing(group, file.instance, "instance", file.group)
        id_ = next((folder / OURS).glob("id-*")).name.split("-")[1]
        path = self._standing(folder, file.key, "key", id_)
        if value is None:
            path.unlink()
        else:
            path.write_bytes(value)

    def refuse(self, store: Store, file: SessionFile, problem: str) -> bool:
        assert isinstance(store, FileStore)
        store._catalogue.groups[file.group].instances[file.instance].problem = problem
        return True

    def _standing(self, folder: Path, name: str, *place: str) -> Path:
        """Return the path of what is called so in a folder, or would be."""
        names = [self._codec.encode_name(name, *place), *self._codec.other_names(name, *place)]
        return next((folder / each for each in names if (folder / each).exists()), folder / names[0])

    def litter(self) -> list[str]:
        """Name the files under way that were left in instances, and what was erased and is still there."""
        ours = [path for path in self.folder.rglob(".sessionworker/*") if path.name.startswith(("new-", "large-"))]
        purged = (self.folder / ".sessionworker" / "purged").iterdir()
        return [str(path.relative_to(self.folder)) for path in (*ours, *purged)]

    def erase(self) -> None:
        kill(self.folder)
        rmtree(self.folder)

    def fresh(self, keep: Keep) -> FilePlace:
        folder = self.folder.with_name(f"{self.folder.name}-{next(_numbers)}")
        return FilePlace(folder, self._limits, sync=self._sync, keep=keep, ring=self._ring)


KEYS = [Key(bytes([number]) * KEY_BYTES) for number in range(2)]


def sealed() -> KeyRing:
    """The ring of a store that is sealed with one key."""
    return KeyRing(KEYS[:1])


class OneAfterTheOther:
    """Returns the ring of each start: of a store that goes from plain to a key, to another one, and to plain again."""

    def __init__(self) -> None:
        """Begin with no key."""
        self._rings = chain([None], cycle([KeyRing(KEYS), KeyRing(KEYS[::-1]), KeyRing(KEYS, writes_plain=True)]))

    def __call__(self) -> KeyRing | None:
        return next(self._rings)


SMALL = Limits(lag_seconds=0.01, large_value=LARGE, checkpoint_bytes=40_000)


def start(folder: Path, reports: list[str] | None = None, **options: Any) -> FileStore:
    """Open a store with small segments and limits; what it tells the operator is added to `reports`."""

    def report(event: Event) -> None:
        if reports is not None and event.name not in ASKED_FOR:
            reports.append(event.text)

    return FileStore(folder, **{"sync": False, "segment_size": SEGMENT, "limits": SMALL, "report": report, **options})
