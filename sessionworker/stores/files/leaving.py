"""Instances that leave their place: which may, and what is noted of them then. The folder itself is moved by others."""

from __future__ import annotations

from contextlib import suppress

from sessionworker.disk import opened_folder
from sessionworker.errors import StoreUnavailable, WorkerError
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.creating import Creating
from sessionworker.stores.files.drops import Drops
from sessionworker.stores.files.faults import Faults
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.journal import Journal
from sessionworker.stores.files.leases import Leases
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import Places
from sessionworker.stores.files.records import Part, encode
from sessionworker.stores.files.state import State
from sessionworker.stores.files.tallies import Tallies
from sessionworker.stores.rules.told import moved


class Leaving:
    """Finds instances that are to leave, and notes that they have. Every method is called by the committer."""

    def __init__(
        self,
        places: Places,
        catalogue: Catalogue,
        drops: Drops,
        locks: Locks,
        state: State,
        journal: Journal,
        tallies: Tallies,
        faults: Faults,
        leases: Leases,
        creating: Creating,
    ) -> None:
        """Find them in `catalogue`."""
        self._places = places
        self._catalogue = catalogue
        self._drops = drops
        self._locks = locks
        self._state = state
        self._journal = journal
        self._tallies = tallies
        self._faults = faults
        self._leases = leases
        self._creating = creating

    def find(self, group: str, name: str, by: str, owner: str | None) -> Instance | WorkerError | None:
        """Return an instance that may leave; the reason why it may not; or None where nothing is left to move.

        Raises OSError.
        """
        found = self._catalogue.seek(group, name)
        if isinstance(found, StoreUnavailable):
            return found
        instance = found if isinstance(found, Instance) else self._find_unknown(group, name)
        if instance is None:
            return None
        if (held := self._leases.refuse(instance, owner)) is not None:
            return held
        if instance.problem:
            return StoreUnavailable()
        self._catalogue.settle(instance.path)
        try:
            self._catalogue.open(instance).close()  # never somebody else's folder, nor a file
        except FileNotFoundError:
            if not self._creating.is_free(self._catalogue.groups[group], name):
                raise
            self.erase(instance)
            self.remove(instance)
            self._faults.report(
                moved("instance_dropped", group, name, "was dropped; its folder was gone: nothing is left of it", by)
            )
            return None
        return instance

    def _find_unknown(self, group_name: str, name: str) -> Instance | None:
        """Return an instance that nobody knows of, if there is one: it came there after the start."""
        group = self._catalogue.groups.get(group_name)
        if group is None:
            return None
        instance = Instance(group_name, name, self._places.instance_path(group.folders[0], group_name, name))
        self._catalogue.settle(instance.path)
        if not group.instances and not self.is_there(group.folders[0]):
            return None
        if self._creating.is_free(group, name):
            return None
        with suppress(NotADirectoryError):  # a file of somebody's
            self._catalogue.open(instance).close()
            return group.instances.setdefault(name, instance)
        return None

    def is_there(self, path: str) -> bool:
        """Tell whether a folder is there. Raises OSError where something else stands in its place."""
        with suppress(FileNotFoundError), opened_folder(path, self._places.root):
            return True
        return False

    def remove(self, instance: Instance) -> None:
        """Note that an instance is no live one any more."""
        del self._catalogue.groups[instance.group].instances[instance.name]
        self.let_go(instance)

    def let_go(self, instance: Instance) -> None:
        """Note that an instance is a drop, or gone, whose name nothing has, or another one already."""
        self._catalogue.disown(instance)
        instance.tenure = instance.peers = None
        drop = self._drops.at(instance.path)
        if drop is not None:
            self._drops.note(drop)
        with self._locks.state:
            instance.writes += 1
            self._state.forget_names(instance)
            if self._journal.is_empty or instance.is_purged:
                self._tallies.dropped(instance)
                self._catalogue.forget(instance)
            else:
                self._catalogue.dropped[instance.path] = instance

    def erase(self, instance: Instance) -> None:
        """Forget what waits of an instance that is gone."""
        with self._locks.state:
            self._state.forget(instance)
            self._catalogue.forget(instance)

    def note(self, instances: list[Instance]) -> None:
        """Tell the journal where instances lie now, if it holds something of them: it need not look for them then."""
        with self._locks.state, suppress(OSError):
            parts = [Part(one.id, one.path, [], one.last_write) for one in instances if one.id and not one.is_saved]
            if parts:
                self._journal.append(encode(parts), frees_room=True)
