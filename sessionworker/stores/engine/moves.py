"""Creating, dropping, restoring and purging: each is one rename of a folder, synced, and then known.

They are rare, and done in their turn by the committer. None is a record of the journal: a rename is atomic by itself,
and what the journal holds of an instance follows it to wherever it lies.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import suppress
from functools import partial

from sessionworker.disk import opened_folder, stands_in
from sessionworker.errors import NameTaken, NoSuchDrop, NoSuchGroup, StoreUnavailable, WorkerError
from sessionworker.file_names import encode_name
from sessionworker.stores.changes import (
    CatalogueChange,
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    PurgeDrop,
    RestoreInstance,
)
from sessionworker.stores.engine.catalogue import Catalogue, Group, new_id
from sessionworker.stores.engine.drops import Drop, Drops
from sessionworker.stores.engine.instance import Instance
from sessionworker.stores.engine.journal import Journal
from sessionworker.stores.engine.locks import Locks
from sessionworker.stores.engine.memory import KnownNames
from sessionworker.stores.engine.moving import Moving
from sessionworker.stores.engine.places import PURGED, Places, join
from sessionworker.stores.engine.records import Part, encode
from sessionworker.stores.engine.state import State


class Moves:
    """Changes which groups and instances there are. Every method is called by the committer."""

    def __init__(
        self,
        places: Places,
        catalogue: Catalogue,
        drops: Drops,
        locks: Locks,
        state: State,
        journal: Journal,
        counts: Counter[str],
    ) -> None:
        """Change `catalogue`. `counts` is for what is odd."""
        self._places = places
        self._catalogue = catalogue
        self._drops = drops
        self._locks = locks
        self._state = state
        self._journal = journal
        self._counts = counts
        self._moving = Moving(places, catalogue, locks, journal)
        self._made_last: Group | None = None

    def make(self, change: CatalogueChange) -> WorkerError | None:
        """Make a change, durably. Returns the reason for which it was refused, or raises OSError."""
        match change:
            case CreateGroup(group):
                self._create_group(group)
            case CreateInstance(group, name):
                return self._create_instance(group, name)
            case DropInstance(group, name):
                return self._drop_instance(group, name)
            case DropGroup(group):
                return self._drop_group(group)
            case RestoreInstance(group, instance, drop, name):
                return self._restore(self._drops.find(group, instance, drop), name)
            case PurgeDrop(group, instance, drop):
                return self._purge(self._drops.find(group, instance, drop))
        return None

    # Creating

    def _create_group(self, name: str) -> WorkerError | None:
        existing = self._catalogue.groups.get(name)
        if existing is not None:
            if existing.problem:
                self._catalogue.load_group(existing)
            self._made_last = None
            return None
        group = Group(name)
        group.folders = [encode_name(name)]
        is_new = not stands_in(group.folders[0], self._places.root)
        try:
            self._places.make(group.folders[0])
            self._catalogue.load_group(group)  # there may be something in it that was not there at the start
            if group.problem:
                return StoreUnavailable()
        except OSError:
            group.problem = "it could not be made"
            raise
        finally:
            if group.problem and is_new:
                self._remove_folder(group)
        self._catalogue.groups[name] = self._made_last = group
        return None

    def _remove_folder(self, group: Group) -> bool:
        """Remove the folder of a group that was made in vain; tell whether that went well."""
        with suppress(OSError):
            os.rmdir(group.folders[0], dir_fd=self._places.root)
            self._places.sync(".")
            return True
        return False

    def _create_instance(self, group_name: str, name: str) -> WorkerError | None:
        refusal = self._create_group(group_name)
        if refusal is not None:
            return refusal
        group = self._catalogue.groups[group_name]
        existing = group.instances.get(name)
        if group.problem or (existing is not None and existing.problem):
            return StoreUnavailable()
        if existing is not None:
            if existing.is_unsettled:
                self._catalogue.adopt(existing)
            return None
        try:
            group.instances[name] = self._make_instance(group, name)
        finally:
            self._unmake(group)
        return None

    def _make_instance(self, group: Group, name: str) -> Instance:
        instance = Instance(group.name, name, join(group.folders[0], name))
        if self._is_free(group, name):
            id_ = new_id()
            instance.folder = self._places.make_instance(instance.path, id_)
            instance.is_new = True
            instance.known = KnownNames()
            self._catalogue.adopted(instance, id_)
        else:  # it came there after the start, or its creation was not acknowledged
            self._catalogue.open(instance).close()
            self._places.sync_above(instance.path)
        return instance

    def _unmake(self, group: Group) -> None:
        """Remove a group that was made for an instance, if that could not be made."""
        made, self._made_last = self._made_last, None
        if not group.instances and made is group and self._remove_folder(group):
            del self._catalogue.groups[group.name]

    def _is_free(self, group: Group, name: str) -> bool:
        with opened_folder(group.folders[0], self._places.root) as folder:
            return not stands_in(encode_name(name), folder)

    # Dropping

    def _drop_instance(self, group: str, name: str) -> WorkerError | None:
        found = self._catalogue.seek(group, name)
        if isinstance(found, StoreUnavailable):
            return found
        instance = found if isinstance(found, Instance) else self._find_unknown(group, name)
        if instance is None:
            self._counts["drops_of_unknown_instances"] += 1
            return None
        if instance.problem:
            return StoreUnavailable()
        try:
            self._catalogue.open(instance).close()  # never somebody else's folder, nor a file
        except FileNotFoundError:
            if not self._is_free(self._catalogue.groups[group], name):
                raise
            self._erase(instance)  # somebody removed it: there is nothing to bring back
            self._remove(instance)
            return None
        moving = self._moving
        place = moving.with_room(lambda: self._drops.place_of_instance(group, name, _now()))
        doubt = moving.with_room(lambda: moving.move([instance], instance.path, place))
        self._remove(instance)
        self._note([instance])
        return doubt

    def _find_unknown(self, group_name: str, name: str) -> Instance | None:
        """Return an instance that nobody knows of, if there is one: it came there after the start."""
        group = self._catalogue.groups.get(group_name)
        if group is None or self._is_free(group, name):
            return None
        instance = Instance(group_name, name, join(group.folders[0], name))
        with suppress(NotADirectoryError):  # a file of somebody's
            self._catalogue.open(instance).close()
            return group.instances.setdefault(name, instance)
        return None

    def _drop_group(self, name: str) -> WorkerError | None:
        group = self._catalogue.groups.get(name)
        if group is None:
            return NoSuchGroup()
        moving, doubt = self._moving, None
        for folder in list(group.folders):
            instances = [one for one in group.instances.values() if one.path.startswith(f"{folder}/")]
            if stands_in(folder, self._places.root):
                place = moving.with_room(lambda: self._drops.place_of_group(name, _now()))
                doubt = moving.with_room(partial(moving.move, instances, folder, place)) or doubt
                self._drops.tidy(f"{place}/")
            else:  # somebody removed it
                for instance in instances:
                    self._erase(instance)
            group.folders.remove(folder)
            for instance in instances:
                self._remove(instance)
            self._note(instances)
        del self._catalogue.groups[name]
        return doubt

    def _remove(self, instance: Instance) -> None:
        """Note that an instance is no live one any more."""
        del self._catalogue.groups[instance.group].instances[instance.name]
        self._catalogue.disown(instance)
        with self._locks.state:
            self._state.forget_names(instance)
            if not instance.is_saved:
                self._catalogue.dropped[instance.path] = instance

    def _erase(self, instance: Instance) -> None:
        with self._locks.state:
            self._state.forget(instance)

    def _note(self, instances: list[Instance]) -> None:
        """Tell the journal where instances lie now, if it holds something of them: it need not look for them then."""
        with self._locks.state, suppress(OSError):
            parts = [Part(one.id, one.path, []) for one in instances if one.id and not one.is_saved]
            if parts:
                self._journal.append(encode(parts), frees_room=True)

    # Bringing back, and erasing

    def _restore(self, drop: Drop | None, name: str) -> WorkerError | None:
        if drop is None:
            return NoSuchDrop()
        refusal = self._create_group(drop.group)
        if refusal is not None:
            return refusal
        group = self._catalogue.groups[drop.group]
        try:
            refusal = self._restore_into(group, drop, name)
        finally:
            self._unmake(group)
        return refusal

    def _restore_into(self, group: Group, drop: Drop, name: str) -> WorkerError | None:
        if group.problem:
            return StoreUnavailable()
        if name in group.instances or not self._is_free(group, name):
            return NameTaken()
        instance = self._catalogue.dropped.get(drop.path) or Instance(drop.group, drop.instance, drop.path)
        self._catalogue.open(instance).close()
        doubt = self._moving.move([instance], drop.path, join(group.folders[0], name))
        self._catalogue.dropped.pop(drop.path, None)
        instance.name = name
        group.instances[name] = instance
        self._drops.tidy(drop.path)
        self._note([instance])
        return doubt

    def _purge(self, drop: Drop | None) -> WorkerError | None:
        if drop is None:
            return NoSuchDrop()
        instance = self._catalogue.dropped.get(drop.path)
        id_ = instance.id if instance is not None else self._id_in(drop)
        with opened_folder(PURGED, self._places.root) as purged:
            number = 0
            while stands_in(name := f"{id_}-{number}", purged):
                number += 1
        instances = [instance] if instance else []
        doubt = self._moving.with_room(lambda: self._moving.move(instances, drop.path, f"{PURGED}/{name}"))
        if instance is not None:
            self._catalogue.dropped.pop(drop.path, None)  # a checkpoint may have saved it meanwhile
            self._erase(instance)
        self._drops.tidy(drop.path)
        return doubt

    def _id_in(self, drop: Drop) -> str:
        with suppress(OSError), self._places.open(drop.path) as folder:
            for id_ in folder.ids():
                return id_
        return new_id()


def _now() -> int:
    return time.time_ns() // 1_000_000
