"""The file store of 0.1.0 as a subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any, Literal, cast

from sessionworker.names import SessionFile, decode_name, encode_name
from sessionworker.stores import disk, drops, files, folders, journal, judge, layout, memory, state, versions
from sessionworker.stores import interface as words
from tests.simulation.machine import Machine
from tests.simulation.paths import SimulatedPath
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
    Outcome,
    Purge,
    Put,
    Repair,
    Request,
    Restore,
    Scope,
    Unknown,
    VersionSeen,
    refusal_of,
)

SEGMENT = 8192

_recent_values = memory.RecentValues


class Subject010:
    """What the simulation must know of it."""

    name = "0.1.0"
    modules: Sequence[ModuleType] = (disk, drops, files, folders, journal, judge, layout, memory, state, versions)
    large_from = 6000
    most_changes = 1
    most_apart = float("inf")
    frees_room_when_full = False
    can_purge_one = False
    keep_drops_days = 1.0
    own_bytes = 4 * SEGMENT + 8 * 4096
    most_bytes = 12 * SEGMENT + 8 * 4096
    blocks_of_an_instance = 4

    def others(self, machine: Machine) -> Mapping[str, object]:
        """Return stand-ins for what is imported by name, and bounds that a short history comes to."""

        def sync_file_system(path: str) -> None:
            handle = machine.os.open(path, machine.os.O_RDONLY | machine.os.O_DIRECTORY)
            try:
                machine.os.sync_all(handle)
            finally:
                machine.os.close(handle)

        return {
            "Path": lambda path: SimulatedPath(machine.os, str(path)),
            "sync_file_system": sync_file_system,
            "_numbers": count(),
            "LARGEST_JOURNAL": 8 * SEGMENT,
            "MOST_WAITING_FILES": 12,
            "FILES_AT_ONCE": 3,
            "LARGEST_BACKLOG": 40_000,
            "MANY": 4,
            "MOST_KNOWN_NAMES": 25,
            "RecentValues": lambda *bounds: _recent_values(*(bounds or (2_000, 1_000))),
        }

    def open(self, machine: Machine, report: Callable[[str], None], _: Callable[[Any], None]) -> Store010:
        """Open it."""
        store = files.FileStore(
            cast("Any", SimulatedPath(machine.os, ROOT)),
            report=report,
            keep_drops_days=self.keep_drops_days,
            segment_size=SEGMENT,
        )
        return Store010(store)

    def scope_of(self, path: str) -> Scope:
        """Tell by the path."""
        parts = PurePosixPath(path).parts[2:]
        if parts[:2] == (".sessionworker", "dropped"):
            return DROPS
        if not parts or parts[0].startswith(".") or not path.startswith(f"{ROOT}/"):
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
        return f"{self.folder(group, instance)}/.versions"


class Store010:
    """An open store in the simulation's words."""

    def __init__(self, store: files.FileStore) -> None:
        """Speak to `store`."""
        self._store = store
        self.groups = store.groups
        self.instances = store.instances
        self.read_version = store.read_version
        self.check_creds = store.check_creds
        self.checkpoint = store.checkpoint
        self.check = store.probe
        self.maintain = store.maintain
        self.close = store.close

    def commit(self, entries: Sequence[Entry | Repair]) -> list[Outcome]:
        """Commit one change after another: there are no batches."""
        changes = [_change_of(entry) for entry in entries if isinstance(entry, Entry)]
        outcomes = self._store.commit(changes)
        return [None if outcome is None else refusal_of(outcome) for outcome in outcomes]

    def prepare(self, batch: Batch) -> Any:
        """Write a large value to a file of its own."""
        [change] = batch.changes
        assert isinstance(change, Put)
        write = words.Write(SessionFile(batch.group, batch.instance, change.key), change.value)
        return self._store.stage(write)

    def read(self, group: str, instance: str, key: str) -> bytes | None:
        """Read a value."""
        return self._store.read(SessionFile(group, instance, key))

    def recall(self, group: str, instance: str, key: str) -> bytes | Literal[Unknown.UNKNOWN] | None:
        """Recall a value."""
        value = self._store.recall(SessionFile(group, instance, key))
        return UNKNOWN if value is words.UNKNOWN else value

    def describe(self, group: str) -> dict[str, int]:
        """Count files."""
        return {summary.instance: summary.files for summary in self._store.describe(group)}

    def versions(self, group: str, instance: str) -> list[VersionSeen]:
        """List versions."""
        return [
            VersionSeen(found.version, found.is_current, not found.identity)
            for found in self._store.versions(group, instance)
        ]

    def drops(self) -> list[DropSeen]:
        """List drops."""
        return [DropSeen(found.group, found.instance, found.drop) for found in self._store.drops()]

    def purge(self) -> None:
        """Let go of old drops."""
        self._store.purge()

    def wants_restart(self) -> bool:
        """Tell whether it said so."""
        return self._store._is_broken


def _change_of(entry: Entry) -> words.Change:
    if entry.prepared is not None:
        return cast("words.Change", entry.prepared)
    return _plain_change(entry.request)


def _plain_change(request: Request) -> words.Change:
    match request:
        case Batch(group, instance, changes):
            [change] = changes
            file = SessionFile(group, instance, change.key)
            return words.Write(file, change.value) if isinstance(change, Put) else words.Delete(file)
        case CreateGroup(group):
            return words.CreateGroup(group)
        case CreateInstance(group, instance):
            return words.CreateInstance(group, instance)
        case DropInstance(group, instance):
            return words.DropInstance(group, instance)
        case DropGroup(group):
            return words.DropGroup(group)
        case Restore(group, instance, drop, name):
            return words.RestoreInstance(group, instance, drop, name)
        case Purge():
            raise NotImplementedError
