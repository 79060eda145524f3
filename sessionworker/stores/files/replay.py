"""What the journal holds after a crash, given back to the instances that it is of, wherever they lie by now."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sessionworker.errors import NoSuchGroup, NoSuchInstance, StartError
from sessionworker.stores.files.catalogue import NOT_GIVEN, Catalogue, NotItsFolder
from sessionworker.stores.files.drops import Drops
from sessionworker.stores.files.faults import Faults, reason_of
from sessionworker.stores.files.identity import Identity
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.places import LOST, PURGED, Places
from sessionworker.stores.files.records import Part, Pending, decode
from sessionworker.stores.files.state import State


class Replay:
    """Looks for instances by their ids. Used while the store is opened, by one thread."""

    def __init__(self, places: Places, catalogue: Catalogue, drops: Drops, state: State, faults: Faults) -> None:
        """Give what is found to `state`."""
        self._places = places
        self._catalogue = catalogue
        self._drops = drops
        self._state = state
        self._faults = faults
        self._everywhere: dict[str, list[Instance]] | None = None
        self._unread: OSError | None = None

    def run(self, payloads: Iterable[bytes]) -> int:
        """Take what records hold, and return how many changes that were. Raises StartError, or OSError."""
        latest: dict[str, Part] = {}
        changes: dict[str, list[Pending]] = {}
        for payload in payloads:
            for part in _decode(payload):
                latest.pop(part.id, None)
                latest[part.id] = part  # which says best where it lies
                changes.setdefault(part.id, []).extend(part.changes)
        for id_, part in reversed(latest.items()):  # the one in use last first: others may have lain in its place
            if pending := changes[id_]:
                instance = self._find(id_, part.path)
                if instance is not None:
                    instance.id = id_
                    self._catalogue.claim(instance)
                    self._state.apply(instance, pending, part.when)
        return sum(map(len, changes.values()))

    def _find(self, id_: str, path: str) -> Instance | None:
        """Return the instance that has an id; None for one that was purged."""
        try:
            found = self._at(path, id_) or self._search(id_, path)
        except OSError as error:
            return self._hold(id_, path, error)
        if found is not None:
            return self._use(found)
        is_purged = any(name.startswith(id_) for name in self._places.folders(PURGED))  # asked last: a copy may be left
        if is_purged:
            return None
        try:
            return self._lost(id_, path)
        except OSError as error:
            return self._hold(id_, path, error)

    def _at(self, path: str, id_: str) -> Instance | None:
        """Return the instance whose folder lies at a path, if it has an id. Raises OSError where it cannot be told."""
        there = Instance(*self._names_in(path), path)
        if self._drops.at(path) is None:
            known = self._catalogue.seek(there.group, there.name)
            if isinstance(known, NoSuchGroup | NoSuchInstance):
                return None
            if isinstance(known, Instance) and (known.path == path or self._is_renamed(known, path, id_)):
                there = known  # else there are two folders, or it cannot be told
        return there if self._has(there, id_) else None

    def _is_renamed(self, known: Instance, path: str, id_: str) -> bool:
        """Tell whether an instance had a path, and has another since there is another key. Raises OSError."""
        return self._places.identity(path) is None and self._is_original(known, id_)

    def _search(self, id_: str, path: str) -> Instance | None:
        """Return the instance with an id, a live one before one that was dropped, or None.

        Raises OSError where two may be meant, or one in a folder that cannot be looked at.
        """
        of_its_names = (Instance(*drop[:2], drop.path) for drop in self._drops.of(*self._names_in(path)))
        for instance in of_its_names:  # those first: it may just have been dropped
            if self._has(instance, id_):
                return instance
        if self._everywhere is None:
            everywhere: dict[str, list[Instance]] = {}
            dropped = (Instance(*drop[:2], drop.path) for drop in self._drops.all())
            for instance in (*self._catalogue.live(), *dropped):
                try:
                    for found_id in self._ids(instance):
                        everywhere.setdefault(found_id, []).append(instance)
                except OSError as error:
                    self._unread = error
            self._everywhere = everywhere
            if self._unread is None and self._is_something_unlisted():
                self._unread = OSError(0, "not all folders can be listed")
        found = self._everywhere.get(id_, [])
        live = [instance for instance in found if self._drops.at(instance.path) is None]
        if len(live) > 1:
            raise NotItsFolder("two folders have its id")
        meant = live[0] if live else next(reversed(found), None)
        if self._unread is not None and (meant is None or not self._is_original(meant, id_)):
            raise self._unread
        return meant if meant is None or self._has(meant, id_) else None

    def _is_original(self, instance: Instance, id_: str) -> bool:
        """Tell whether an instance's folder is no copy of the one that has an id. Raises OSError."""
        with self._places.open(instance.path) as folder:
            return Identity(folder).is_original(id_)

    def _has(self, instance: Instance, id_: str) -> bool:
        """Tell whether an instance's folder has an id. Raises OSError, also where it has others, too."""
        ids = self._ids(instance)
        if id_ in ids and len(ids) > 1:
            raise NotItsFolder("its folder has more than one id")
        return id_ in ids

    def _is_something_unlisted(self) -> bool:
        """Tell whether there may be instances that nobody knows of, or that are none because two have a name."""
        are_groups = any(group.problem for group in self._catalogue.groups.values())
        return are_groups or any(one.problem for one in self._catalogue.live()) or self._drops.are_unlisted

    def _ids(self, instance: Instance) -> list[str]:
        try:
            with self._places.open(instance.path) as folder:
                return folder.ids()
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _hold(self, id_: str, path: str, error: OSError) -> Instance:
        """Keep values in the journal until a start at which all folders can be looked at; nobody is given them now."""
        instance = Instance(*self._names_in(path), path)
        instance.problem = NOT_GIVEN
        self._catalogue.held[id_] = instance
        self._faults.say(
            "instance_missing",
            f"The journal holds changes of {instance}, and it cannot be told which folder is its own: "
            f"{reason_of(error)}. They are kept in the journal. Start the worker again when all folders can be read; "
            "until then the instance is refused.",
            instance,
        )
        return instance

    def _use(self, instance: Instance) -> Instance:
        if self._drops.at(instance.path) is not None:
            return self._catalogue.dropped.setdefault(instance.path, instance)
        return self._catalogue.groups[instance.group].instances.setdefault(instance.name, instance)

    def _lost(self, id_: str, path: str) -> Instance:
        """Make a folder for values whose instance is nowhere."""
        place = f"{LOST}/{id_}"
        if id_ not in self._places.folders(LOST):
            self._places.make_instance(place, id_, *self._names_in(path))
        instance = self._catalogue.dropped[place] = Instance(*self._names_in(path), place)
        self._faults.note(
            "instances_lost",
            "instance_lost",
            f"The journal holds changes of {instance}, whose folder is nowhere. They are kept for you in the folder "
            f"{place} of the store. If you know where it is, stop the worker and put them there.",
            instance,
        )
        return instance

    def _names_in(self, path: str) -> tuple[str, str]:
        """Return the names of the group and the instance whose folder lies, or lay, at a path."""
        drop = self._drops.at(path)
        if drop is not None:
            return drop.group, drop.instance
        folder, _, name = path.rpartition("/")
        group = self._places.group_at(folder) or ""
        return group, self._places.instance_at(group, name) or ""


def _decode(payload: bytes) -> list[Part]:
    try:
        return decode(payload)
    except msgspec.MsgspecError:
        raise StartError(
            "The journal holds a record that this version of sessionworker cannot read, although it is whole. Start "
            "the version that wrote it once more on this folder and stop it. Nothing was changed."
        ) from None
