"""Which groups and instances there are, and the folder of each.

What stands in an instance's place and is not its folder (a file, a symbolic link, another instance's folder, nothing
where there was one) is never taken for it, nor moved away: `open` raises then.
"""

from __future__ import annotations

from contextlib import suppress

from sessionworker.errors import NameNotAllowed, NoSuchGroup, NoSuchInstance, StoreUnavailable, WorkerError
from sessionworker.names import check_name
from sessionworker.stores.files.codec import SEALED
from sessionworker.stores.files.faults import Faults
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.identity import Identity
from sessionworker.stores.files.instance import Instance, why_unreadable
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import Places

NOT_GIVEN = (
    "its folder could not be looked at when the worker started, and the journal holds changes of it; start it again"
)


class NotItsFolder(OSError):
    """What stands in an instance's place is not its folder."""

    def __init__(self, reason: str = "another folder stands in its place") -> None:
        """Say so, as other errors of the disk do."""
        super().__init__(0, reason)


class Group:
    """A group and its instances."""

    def __init__(self, name: str) -> None:
        """Begin with no folder and no instance."""
        self.name = name
        self.folders: list[str] = []
        """Their paths; more than one where several spellings mean one name. New instances are made in the first."""
        self.instances: dict[str, Instance] = {}
        self.problem = ""
        """Why it is not known what is in it."""


class Catalogue:
    """All groups and instances of a store. What changes it is in `moves`."""

    def __init__(self, places: Places, locks: Locks, faults: Faults) -> None:
        """Begin with none; `load` looks for them."""
        self._places = places
        self._locks = locks
        self._faults = faults
        self.groups: dict[str, Group] = {}
        self.dropped: dict[str, Instance] = {}
        """By their paths: those that were dropped, as long as the journal may hold something of them."""
        self._ids: dict[str, Instance] = {}
        self.not_opened: set[str] = set()
        """The paths of folders whose names no key opens."""
        self.held: dict[str, Instance] = {}
        """By their ids: those of which the journal holds something, and nobody could tell which folder is theirs."""

    def load(self) -> None:
        """Find out which groups and instances there are, and make sure that a power cut leaves them. Raises OSError."""
        self._places.sync(".")
        for folder in self._places.folders("."):
            name = _allowed("group", self._places.group_at(folder))
            self._say_if_not_opened(folder, folder, name)
            if name is not None:
                group = self.groups.setdefault(name, Group(name))
                group.folders.append(folder)
        renamed = [self._respell_group(group) for group in self.groups.values()]
        if any(renamed):
            self._places.sync(".")  # or a group that is dropped next may be in both places after a power cut
        for group in self.groups.values():
            self.load_group(group)

    def load_group(self, group: Group) -> None:
        """Find out which instances of a group there are; what cannot be listed is the group's problem, and said."""
        problem = ""
        with self._locks.moves:  # or an instance that is dropped meanwhile would be back
            for folder in group.folders:
                try:
                    self._places.put_back(folder)
                    names = self._places.folders(folder)
                    self._places.sync(folder)
                except OSError as error:
                    problem = why_unreadable(error)
                    if not group.problem:
                        self._faults.say(
                            "folder_unreadable",
                            f"What is in the folder {folder!r} of the store cannot be told: {error.strerror}. If it is "
                            "a group, its instances are refused until it can be read; if it is not, move it elsewhere.",
                        )
                    continue
                for file_name in names:
                    name = _allowed("instance", self._places.instance_at(group.name, file_name))
                    self._say_if_not_opened(f"{folder}/{file_name}", file_name, name)
                    if name is not None:
                        self._add(group, Instance(group.name, name, f"{folder}/{file_name}"))
        group.problem = problem

    def _say_if_not_opened(self, path: str, file_name: str, name: str | None) -> None:
        """Tell of a folder with a sealed name that is none here: it was renamed, or its group was, or the disk rots."""
        if name is None and file_name.startswith(SEALED) and path not in self.not_opened:
            self.not_opened.add(path)
            self._faults.say(
                "folder_not_opened",
                f"The folder {path!r} of the store has a name that no key opens there. What is in it is not served: "
                "give it its name back, and start the worker again.",
            )

    def _add(self, group: Group, found: Instance) -> None:
        known = group.instances.setdefault(found.name, found)
        if known.path != found.path:
            known.problem = "two folders have its name"
            self._faults.say(
                "two_folders",
                f"Two folders in the store mean {known}: {known.path!r} and {found.path!r}. It is refused until one of "
                "them is moved elsewhere and the worker started again.",
                known,
            )

    def _respell_group(self, group: Group) -> bool:
        """Give a group's folder our name for it, if it has another; tell whether that was tried."""
        ours = self._places.group_path(group.name)
        if ours in group.folders:
            group.folders.sort(key=lambda folder: folder != ours)
            return False
        with suppress(OSError):  # then it keeps the name that it has
            self._places.keep_names(group.name)
            self._places.respell(group.folders[0], ours)
            group.folders[0] = ours
        return True

    # Finding

    def find(self, group: str, name: str) -> Instance:
        """Return an instance. Raises NoSuchGroup or NoSuchInstance, or StoreUnavailable where that cannot be told."""
        found = self.seek(group, name)
        if isinstance(found, Instance):
            return found
        raise found

    def seek(self, group: str, name: str) -> Instance | WorkerError:
        """Return an instance, or the error for one that is not there. Where that is not certain, the disk is asked."""
        found = self.groups.get(group)
        if found is None:
            return NoSuchGroup()
        if found.problem and name not in found.instances:
            self.load_group(found)
        return found.instances.get(name) or (StoreUnavailable() if found.problem else NoSuchInstance())

    def get(self, group: str, name: str) -> Instance | None:
        """Return an instance, or None."""
        found = self.groups.get(group)
        return found.instances.get(name) if found is not None else None

    def live(self) -> list[Instance]:
        """Return all instances that were not dropped."""
        return [instance for group in list(self.groups.values()) for instance in list(group.instances.values())]

    def open(self, instance: Instance) -> Folder:
        """Open an instance's folder. Raises OSError, also where something else stands in its place."""
        if instance.problem:
            raise NotItsFolder(instance.problem)
        try:
            folder = self._open(instance)
        except (FileNotFoundError, NotADirectoryError, NotItsFolder):
            with self._locks.moves:  # it may have been moved in between, and is where it was moved to now
                self._places.put_back(instance.path)
                folder = self._open(instance)
        if instance.id:
            folder.tell_id(instance.id)
        elif self.held:
            try:
                self._check_given(instance, folder)
            except BaseException:
                folder.close()
                raise
        return folder

    def _check_given(self, instance: Instance, folder: Folder) -> None:
        """Raise NotItsFolder, if a folder is one of which the journal holds something that was not given to it."""
        if not self.held.keys().isdisjoint(folder.ids()):
            instance.problem = NOT_GIVEN
            raise NotItsFolder(NOT_GIVEN)

    def look_at(self, instance: Instance) -> None:
        """See that nothing is told of an instance of which the journal holds something more. Raises OSError."""
        if self.held and not instance.id:
            self.open(instance).close()

    def put_back(self) -> None:
        """See that all folders are where they are taken to be, as far as possible: one may look dropped, and is not."""
        with self._locks.moves:
            for path in self._places.in_doubt:
                with suppress(OSError):
                    self._places.put_back(path)

    def settle(self, path: str) -> None:
        """See that a folder is where it is taken to be, durably, whatever a failed move left. Raises OSError."""
        with self._locks.moves:
            self._places.put_back(path)
        self._places.settle(path)

    def _open(self, instance: Instance) -> Folder:
        folder = self._places.open(instance.path)
        try:
            self._compare(instance, folder)
        except BaseException:
            folder.close()
            raise
        return folder

    @staticmethod
    def _compare(instance: Instance, folder: Folder) -> None:
        """Raise NotItsFolder, unless a folder is the one that was seen before, or has the instance's id."""
        if folder.identity == instance.folder:
            return
        if not Identity(folder).is_of(instance.group, instance.name):
            raise NotItsFolder("it was made for another instance")
        is_first_look = instance.folder is None and not instance.id
        if not is_first_look and (not instance.id or instance.id not in folder.ids()):
            raise NotItsFolder
        instance.folder = folder.identity

    # Ids

    def adopted(self, instance: Instance, id_: str) -> None:
        """Note the id of an instance that is not dropped, and that something of it may be committed."""
        instance.id = id_
        instance.is_adopted = True
        self._ids[id_] = instance

    def claim(self, instance: Instance) -> None:
        """Note that the journal holds something of an instance: its id is its own, whoever has a copy of it."""
        self._ids[instance.id] = instance

    def is_free_for(self, id_: str, instance: Instance) -> bool:
        """Tell whether no other instance has an id."""
        return self._ids.get(id_, instance) is instance

    def disown(self, instance: Instance) -> None:
        """Note that nothing of an instance may be committed before it is adopted again. Its id stays its own."""
        instance.is_adopted = False

    def forget(self, instance: Instance) -> None:
        """Note that the journal holds nothing of an instance that is no live one: a copy of it may have its id."""
        self.dropped.pop(instance.path, None)
        if self._ids.get(instance.id) is instance:
            del self._ids[instance.id]


def _allowed(what: str, name: str | None) -> str | None:
    """Return a name that somebody may ask for, or None: a foreign folder is left alone."""
    with suppress(NameNotAllowed):
        return check_name(what, name) if name else None
    return None
