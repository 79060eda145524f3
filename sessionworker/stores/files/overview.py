"""What an operator asks: what each instance holds, older `creds`, and what was dropped.

Files may lag behind, so what waits for them is laid over what they say: nothing has to be saved first.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping

from sessionworker.errors import NoSuchVersion
from sessionworker.file_names import decode_name
from sessionworker.names import type_of_key
from sessionworker.stores.files.catalogue import Catalogue, Group
from sessionworker.stores.files.drops import Drops
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.instance import Instance, NewVersion, Value
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import Places
from sessionworker.stores.files.records import Large
from sessionworker.stores.rules.creds import read_creds
from sessionworker.stores.rules.versions import Keep, Version, parse_version, pinned, to_keep, version_of
from sessionworker.wire import DropSummary, InstanceSummary, VersionSummary


class Overview:
    """Looks at folders and at what waits for them. Every method may raise OSError, but where it says otherwise."""

    def __init__(self, places: Places, catalogue: Catalogue, drops: Drops, locks: Locks, keep: Keep) -> None:
        """Look at one store, whose checkpoints keep the versions that `keep` asks for."""
        self._places = places
        self._catalogue = catalogue
        self._drops = drops
        self._locks = locks
        self._keep = keep

    def describe(self, group: Group) -> list[InstanceSummary]:
        """Return what each instance of a group holds, sorted by name; a problem with one is said in its place.

        Never raises OSError.
        """
        return [self._describe(instance) for _, instance in sorted(group.instances.items())]

    def _describe(self, instance: Instance) -> InstanceSummary:
        try:
            waiting = self._waiting(instance)
            with self._catalogue.open(instance) as folder:
                files, size, last_write, types = _sum_up(folder, waiting)
        except OSError as error:
            return InstanceSummary(instance.name, 0, 0, 0, {}, error.strerror or "it cannot be read")
        last_write = max(last_write, instance.last_write)
        problem = instance.refusal.message if instance.refusal is not None else ""
        return InstanceSummary(instance.name, files, size, last_write, types, problem)

    def drops(self) -> list[DropSummary]:
        """Return the instances that were dropped, newest first."""
        found = []
        for drop in self._drops.all():
            if self._places.is_elsewhere(drop.path):
                continue  # its drop was refused
            instance = self._catalogue.dropped.get(drop.path)
            waiting = self._waiting(instance) if instance is not None else {}
            try:
                with self._places.open(drop.path) as folder:
                    files, size, _, _ = _sum_up(folder, waiting)
            except FileNotFoundError:
                continue  # brought back, or purged, meanwhile
            except OSError as error:
                problem = error.strerror or "it cannot be read"
                found.append(DropSummary(drop.group, drop.instance, drop.drop, drop.when, 0, 0, problem))
                continue
            found.append(DropSummary(drop.group, drop.instance, drop.drop, drop.when, files, size))
        return sorted(found, key=lambda drop: drop.when, reverse=True)

    def _waiting(self, instance: Instance) -> dict[str, Value]:
        with self._locks.state:
            return {**instance.saving, **instance.unsaved}

    # Versions of creds

    def versions(self, instance: Instance) -> list[VersionSummary]:
        """Return the versions of an instance's creds, newest first."""
        waiting = self._waiting_versions(instance)
        with self._catalogue.open(instance) as folder:
            sizes = folder.version_sizes()
        sizes |= {version: len(new.value or b"") for version, new in waiting.items()}
        versions = sorted(to_keep(list(sizes), self._keep))
        stay = pinned(versions)
        return [
            VersionSummary(
                version=version.file_name,
                when=version.when,
                identity="" if version.is_deletion else version.identity,
                bytes=sizes[version],
                is_pinned=version in stay,
                is_current=version == versions[-1],
            )
            for version in reversed(versions)
        ]

    def read_version(self, instance: Instance, name: str) -> bytes:
        """Return the creds of a version. Raises NoSuchVersion."""
        version = parse_version(name)
        if version is None or version.is_deletion:
            raise NoSuchVersion
        waiting = self._waiting_versions(instance).get(version)
        value = waiting.value if waiting is not None else None
        if value is None:
            with self._catalogue.open(instance) as folder:
                value = folder.read_version(version)
        if value is None or read_creds(value) is None:
            raise NoSuchVersion
        return value

    def _waiting_versions(self, instance: Instance) -> dict[Version, NewVersion]:
        """Return those that are in no file yet."""
        with self._locks.state:
            found = (*instance.saving_versions, *instance.new_versions)
        return {version_of(new.when, 0, new.creds): new for new in found}


def _sum_up(folder: Folder, waiting: Mapping[str, Value]) -> tuple[int, int, int, dict[str, int]]:
    """Return how many session files there are, their bytes, when one was written last, and how many of each type."""
    sizes = [_size(value) for value in waiting.values() if value is not None]
    types = Counter(type_of_key(key) for key, value in waiting.items() if value is not None)
    last_write = 0
    with os.scandir(folder.handle) as entries:
        for entry in entries:
            key = decode_name(entry.name)
            if key is not None and key not in waiting and entry.is_file(follow_symlinks=False):
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # deleted meanwhile
                sizes.append(status.st_size)
                last_write = max(last_write, status.st_mtime_ns // 1_000_000)
                types[type_of_key(key)] += 1
    return len(sizes), sum(sizes), last_write, dict(types)


def _size(value: Value) -> int:
    return value.size if isinstance(value, Large) else len(value or b"")
