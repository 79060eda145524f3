"""The file store as a subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import count
from pathlib import Path, PurePosixPath
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Literal, cast

from sessionworker import disk
from sessionworker.errors import WorkerError
from sessionworker.file_names import decode_name, encode_name
from sessionworker.names import SessionFile
from sessionworker.stores import changes as words
from sessionworker.stores import files
from sessionworker.stores.files import memory
from sessionworker.stores.files.limits import Limits
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import UNKNOWN as UNKNOWN_TO_STORE
from sessionworker.wire import DropSummary, InstanceSummary
from tests.simulation.machine import Machine
from tests.simulation.subject import (
    DROPS,
    EVERYTHING,
    ROOT,
    UNKNOWN,
    Batch,
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    DropSeen,
    Entry,
    Holds,
    Label,
    Outcome,
    Purge,
    Put,
    Remove,
    Repair,
    Request,
    Restore,
    Scope,
    Unknown,
    VersionSeen,
    refusal_of,
)

SEGMENT = 8192
DAY_MS = 24 * 3_600_000
BOUNDS = Limits(
    checkpoint_bytes=4 * SEGMENT,
    journal_bytes=20 * SEGMENT,
    waiting_files=12,
    waiting_bytes=40_000,
    apart_bytes=40_000,
    files_at_once=3,
    large_value=6000,
    summary_seconds=4.0,
)

_recent_values = memory.RecentValues
_modules = [import_module(f"{files.__name__}.{found.name}") for found in iter_modules(files.__path__)]


class FileSubject:
    """What the simulation must know of it."""

    name = "files"
    modules: Sequence[ModuleType] = (disk, *_modules)
    large_from = BOUNDS.large_value
    together_from = BOUNDS.files_at_once
    """Files from which on they are written together."""
    most_changes = 6
    most_apart = float(BOUNDS.apart_bytes)
    frees_room_when_full = True
    can_purge_one = True
    takes_in = True
    keep_drops_days = 1.0
    own_bytes = 14 * SEGMENT + 12 * 4096
    most_bytes = 32 * SEGMENT
    blocks_of_an_instance = 5

    def others(self, machine: Machine) -> Mapping[str, object]:
        """Return stand-ins for what is imported by name, and bounds that a short history comes to."""
        return {
            "sync_file_system": lambda folder: machine.os.sync_all(folder),  # noqa: PLW0108 - of the disk of that time
            "_numbers": count(),
            "MANY": self.together_from,
            "KEYS_AT_ONCE": 3,
            "MOST_KNOWN_NAMES": 25,
            "LONGEST_COUNT": 1e9,  # or it would be right not to tell what there is
            "RecentValues": lambda *bounds: _recent_values(*(bounds or (2_000, 1_000))),
        }

    def open(self, machine: Machine, report: Callable[[str], None], ask: Callable[[Any], None]) -> OpenFileStore:
        """Open it."""
        store = FileStore(Path(ROOT), report=lambda event: report(event.text), limits=BOUNDS, segment_size=SEGMENT)
        store.on_repair(ask)
        now = cast("Any", machine.stand_ins["time"]).time_ns
        return OpenFileStore(store, ask, lambda: now() // 1_000_000 - int(self.keep_drops_days * DAY_MS))

    def forget(self) -> None:
        """Nothing runs on by itself."""

    def pattern(self, path: str) -> str:
        """It lies at it."""
        return path

    def scope_of(self, path: str) -> Scope:
        """Tell by the path."""
        parts = PurePosixPath(path).parts[2:]
        if parts[:2] == (".sessionworker", "dropped"):
            return DROPS
        if not parts or parts[0].startswith(".sessionworker") or not path.startswith(f"{ROOT}/"):
            return EVERYTHING
        return Scope(decode_name(parts[0]), decode_name(parts[1]) if len(parts) > 1 else None)

    def folder(self, group: str, instance: str) -> str:
        """Return the path of an instance's folder."""
        return f"{ROOT}/{encode_name(group)}/{encode_name(instance)}"

    def file(self, group: str, instance: str, key: str) -> str:
        """Return the path of a key's file."""
        return f"{self.folder(group, instance)}/{encode_name(key)}"

    def versions_folder(self, group: str, instance: str) -> str:
        """Return the path of the folder that holds an instance's versions."""
        return f"{self.folder(group, instance)}/.sessionworker/versions"

    def version_in(self, group: str, instance: str, name: str, data: bytes) -> bytes:  # noqa: ARG002 - as asked for
        """Return the data: they are the value."""
        return data


class EachAloneSubject(FileSubject):
    """The same where each file is written by itself and nothing has a label, as when the kept histories were found."""

    together_from = BOUNDS.files_at_once + 1

    def open(self, machine: Machine, report: Callable[[str], None], ask: Callable[[Any], None]) -> OpenFileStore:
        """Open it, and let nobody look for labels: each history says at which call of the disk something happens."""
        store = super().open(machine, report, ask)
        labels = cast("Any", store._store._parts.labels)
        labels.of = labels.of_dropped = lambda _: ""
        labels.hand_on = lambda *_: None
        return store


class OpenFileStore:
    """An open store in the simulation's words."""

    def __init__(self, store: FileStore, ask: Callable[[Any], None], expired: Callable[[], int]) -> None:
        """Speak to `store`; what was dropped before the time that `expired` returns is to be purged."""
        self._store = store
        self._ask = ask
        self._expired = expired
        self.groups = store.groups
        self.instances = store.instances
        self.read_version = store.read_version
        self.check_creds = store.check_creds
        self.checkpoint = store.checkpoint
        self.check = store.check
        self.maintain = store.maintain
        self.close = store.close

    def commit(self, entries: Sequence[Entry | Repair]) -> list[Outcome]:
        """Commit entries."""
        outcomes = self._store.commit([_entry_of(entry) for entry in entries])
        return [refusal_of(outcome) if isinstance(outcome, WorkerError) else None for outcome in outcomes]

    def prepare(self, batch: Batch) -> Any:
        """Write large values to files of their own."""
        return self._store.prepare(_batch_of(batch))

    def read(self, group: str, instance: str, key: str) -> bytes | None:
        """Read a value."""
        return self._store.read(SessionFile(group, instance, key))

    def recall(self, group: str, instance: str, key: str) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Recall a value."""
        value = self._store.recall(SessionFile(group, instance, key))
        return UNKNOWN if value is UNKNOWN_TO_STORE else value

    def describe(self, group: str) -> dict[str, Holds]:
        """Tell what instances hold, as far as that can be said."""
        return {found.instance: _holds(found) for found in self._store.describe(group)}

    def versions(self, group: str, instance: str) -> list[VersionSeen]:
        """List versions."""
        return [
            VersionSeen(found.version, found.is_current, not found.identity)
            for found in self._store.versions(group, instance)
        ]

    def drops(self) -> list[DropSeen]:
        """List drops."""
        return [DropSeen(found.group, found.instance, found.drop, _holds(found)) for found in self._store.drops()]

    def purge(self) -> None:
        """Ask for the end of old drops: that is a commit like others."""
        for drop in self._store.drops_before(self._expired()):
            self._ask(drop)

    def wants_restart(self) -> bool:
        """Tell whether the journal holds something that could not be given to its instance at the start."""
        return bool(self._store._catalogue.held)


def _entry_of(entry: Entry | Repair) -> words.Entry:
    if isinstance(entry, Repair):
        return cast("words.Entry", entry.what)
    return entry.prepared if entry.prepared is not None else _plain_entry(entry.request)


def _plain_entry(request: Request) -> words.Entry:
    match request:
        case Batch():
            return _batch_of(request)
        case CreateGroup(group):
            return words.CreateGroup(group)
        case CreateInstance(group, instance):
            return words.CreateInstance(group, instance)
        case DropInstance(group, instance):
            return words.DropInstance(group, instance)
        case DropGroup(group):
            return words.DropGroup(group)
        case Restore(group, instance, drop, into, name, replaces):
            return words.RestoreInstance(group, instance, drop, name, into=into, replacing=replaces)
        case Purge(group, instance, drop):
            return words.PurgeDrop(group, instance, drop)
        case Label(group, instance, label):
            return words.LabelInstance(group, instance, label)


def _batch_of(batch: Batch) -> words.Batch:
    return words.Batch(batch.group, batch.instance, tuple(map(_change_of, batch.changes)))


def _change_of(change: Put | Remove) -> words.Change:
    return words.Write(change.key, change.value) if isinstance(change, Put) else words.Delete(change.key)


def _holds(found: InstanceSummary | DropSummary) -> Holds:
    files, size = (-1, -1) if found.files is None or found.bytes is None else (found.files, found.bytes)
    return files, size, found.label
