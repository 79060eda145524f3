"""Dropping, bringing back and erasing: each is one rename of a folder, synced, and then known.

They are rare, and done in their turn by the committer. None is a record of the journal: a rename is atomic by itself,
and what the journal holds of an instance follows it to wherever it lies. It takes two where what is brought back takes
the place of another: see `replacing`.
"""

from __future__ import annotations

import time
from functools import partial

from sessionworker.disk import opened_folder, stands_in
from sessionworker.errors import NameTaken, NoSuchDrop, NoSuchGroup, StoreUnavailable, WorkerError
from sessionworker.stores.changes import (
    CatalogueChange,
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    LabelInstance,
    PurgeDrop,
    RestoreInstance,
)
from sessionworker.stores.files.catalogue import Catalogue, Group
from sessionworker.stores.files.creating import Creating
from sessionworker.stores.files.drops import Drop, Drops
from sessionworker.stores.files.faults import Faults
from sessionworker.stores.files.identity import Identity, new_id
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.journal import Journal
from sessionworker.stores.files.labels import Labels
from sessionworker.stores.files.leases import Leases
from sessionworker.stores.files.leaving import Leaving
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.moving import Moving
from sessionworker.stores.files.places import PURGED, Places
from sessionworker.stores.files.replacing import Replacing
from sessionworker.stores.files.reserve import Reserve
from sessionworker.stores.files.state import State
from sessionworker.stores.files.tallies import Tallies
from sessionworker.stores.interface import Outcome
from sessionworker.stores.rules.told import GAVE_UP, brought_back, moved


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
        reserve: Reserve,
        tallies: Tallies,
        faults: Faults,
        leases: Leases,
        labels: Labels,
    ) -> None:
        """Change `catalogue`."""
        self._places = places
        self._catalogue = catalogue
        self._drops = drops
        self._locks = locks
        self._reserve = reserve
        self._tallies = tallies
        self._faults = faults
        self._leases = leases
        self._labels = labels
        self._moving = Moving(places, catalogue, locks)
        self._replacing = Replacing(places, catalogue, locks)
        self._creating = Creating(places, catalogue)
        self._leaving = Leaving(
            places, catalogue, drops, locks, state, journal, tallies, faults, leases, self._creating
        )

    def make(self, change: CatalogueChange) -> Outcome:
        """Make a change, durably. Returns what it came to, or raises OSError."""
        with self._locks.changing:
            return self._make(change)

    def _make(self, change: CatalogueChange) -> Outcome:
        self._catalogue.put_back()
        match change:
            case CreateGroup(group):
                return self._creating.create_group(group)
            case CreateInstance(group, name, owner):
                return self._create_instance(group, name, owner)
            case DropInstance(group, name, by, owner):
                return self._drop_instance(group, name, by, owner)
            case DropGroup(group, by):
                return self._drop_group(group, by)
            case RestoreInstance(group, instance, drop):
                found = self._find_drop(group, instance, drop)
                return self._restore(found, change) if isinstance(found, Drop) else found
            case LabelInstance():
                return self._labels.make(change)
            case PurgeDrop(group, instance, drop, by):
                found = self._find_drop(group, instance, drop)
                return self._purge(found, by) if isinstance(found, Drop) else found

    def _create_instance(self, group: str, name: str, owner: str | None) -> Outcome:
        known = self._catalogue.get(group, name)
        if known is not None and (held := self._leases.refuse(known, owner)) is not None:
            return held
        refusal = self._creating.create_instance(group, name)
        return refusal or self._leases.take(self._catalogue.groups[group].instances[name], owner)

    # Dropping

    def _drop_instance(self, group: str, name: str, by: str, owner: str | None) -> WorkerError | None:
        is_known = self._catalogue.get(group, name) is not None
        instance = self._leaving.find(group, name, by, owner)
        if not isinstance(instance, Instance):
            self._faults.counts["drops_of_unknown_instances"] += instance is None and not is_known
            return instance
        moving = self._moving
        place = self._reserve.with_room(lambda: self._drops.place_of_instance(group, name, _now()))
        doubt = self._reserve.with_room(lambda: moving.move([instance], instance.path, place))
        self._leaving.remove(instance)
        self._leaving.note([instance])
        self._faults.report(moved("instance_dropped", group, name, "was dropped; it can be brought back", by))
        return doubt

    def _drop_group(self, name: str, by: str) -> WorkerError | None:
        group = self._catalogue.groups.get(name)
        if group is None:
            return NoSuchGroup()
        moving, doubt = self._moving, None
        for folder in list(group.folders):
            instances = [one for one in group.instances.values() if one.path.startswith(f"{folder}/")]
            self._catalogue.settle(folder)
            if self._leaving.is_there(folder):
                for instance in instances:
                    self._catalogue.settle(instance.path)
                place = self._reserve.with_room(lambda: self._drops.place_of_group(name, _now()))
                doubt = self._reserve.with_room(partial(moving.move, instances, folder, place)) or doubt
                self._drops.tidy(f"{place}/")
            else:  # somebody removed it
                for instance in instances:
                    self._leaving.erase(instance)
            group.folders.remove(folder)
            for instance in instances:
                self._leaving.remove(instance)
            self._leaving.note(instances)
            self._faults.report(
                moved("group_dropped", name, "", "was dropped with its instances; they can be brought back", by)
            )
        del self._catalogue.groups[name]
        return doubt

    # Bringing back, and erasing

    def _find_drop(self, group: str, instance: str, drop: str) -> Drop | WorkerError:
        found = self._drops.find(group, instance, drop)
        if found is None:
            return NoSuchDrop()
        return StoreUnavailable() if self._places.is_elsewhere(found.path) else found  # its drop was refused

    def _restore(self, drop: Drop, change: RestoreInstance) -> WorkerError | None:
        into, _ = change.place
        refusal = self._creating.create_group(into)
        if refusal is not None:
            return refusal
        group = self._catalogue.groups[into]
        try:
            return self._restore_into(group, drop, change)
        finally:
            self._creating.unmake(group)

    def _restore_into(self, group: Group, drop: Drop, change: RestoreInstance) -> WorkerError | None:
        if group.problem:
            return StoreUnavailable()
        name, by = change.name, change.by
        replaced = self._leaving.find(group.name, name, by, change.owner) if change.replacing else None
        if isinstance(replaced, WorkerError):
            return replaced
        if replaced is None and (name in group.instances or not self._creating.is_free(group, name)):
            return NameTaken()
        self._catalogue.settle(drop.path)
        instance = self._catalogue.dropped.get(drop.path) or Instance(drop.group, drop.instance, drop.path)
        with self._catalogue.open(instance) as folder:
            if folder.id:
                Identity(folder).prove((drop.group, drop.instance), (group.name, name))
        self._places.keep_names(group.name, name)
        if replaced is None:
            path = self._places.instance_path(group.folders[0], group.name, name)
            doubt = self._moving.move([instance], drop.path, path)
        else:
            aside = self._drops.place_of_instance(group.name, name, _now(), is_replaced=True)
            doubt = self._replacing.replace(replaced, aside, instance)
        self._catalogue.dropped.pop(drop.path, None)
        self._tallies.back(instance, drop.path)
        instance.group, instance.name = group.name, name
        group.instances[name] = instance  # in one step: nobody is told that there is none
        self._drops.tidy(drop.path)
        if replaced is not None:
            self._labels.hand_on(replaced, instance)
            self._leaving.let_go(replaced)
            self._faults.report(moved("instance_dropped", group.name, name, GAVE_UP, by))
        self._leaving.note([instance] if replaced is None else [instance, replaced])
        self._faults.report(brought_back(drop.group, drop.instance, group.name, name, by))
        return doubt

    def _purge(self, drop: Drop, by: str) -> WorkerError | None:
        self._catalogue.settle(drop.path)
        instance = self._catalogue.dropped.get(drop.path)
        id_ = (instance.id if instance is not None else "") or self._id_in(drop)
        with opened_folder(PURGED, self._places.root) as purged:
            number = 0
            while stands_in(name := f"{id_}-{number}", purged):
                number += 1
        instances = [instance] if instance else []
        doubt = self._reserve.with_room(lambda: self._moving.move(instances, drop.path, f"{PURGED}/{name}"))
        if instance is not None:
            self._catalogue.dropped.pop(drop.path, None)
            self._leaving.erase(instance)
        self._drops.forget(drop)
        self._tallies.purged(drop.path)
        if by:  # else its time was up, as that of others: who has them erased says how many they were
            self._faults.report(
                moved("drop_purged", drop.group, drop.instance, "was erased for good, having been dropped before", by)
            )
        return doubt

    def _id_in(self, drop: Drop) -> str:
        try:
            with self._places.open(drop.path) as folder:
                return next(iter(folder.ids()), None) or new_id()
        except OSError:
            if self._catalogue.held:  # the journal may hold something of it, which would come back
                raise
            return new_id()


def _now() -> int:
    return time.time_ns() // 1_000_000
