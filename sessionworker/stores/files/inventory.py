"""All that a store holds, for whoever says that nothing is under another key: what is overlooked is lost with that key.

Whoever asks sees that no group and no instance is made, moved or erased meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from sessionworker.disk import NotAFile
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.codec import SEALED
from sessionworker.stores.files.drops import Drops
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.identity import Identity
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.places import LOST, Places

AGAIN = "Start the worker again, and have it rewritten once more"


class UnknownName(OSError):
    """A session file whose name no key opens: it was changed, or what tells a long one was lost."""

    def __init__(self, name: str) -> None:
        """Say so, as errors of the disk do."""
        super().__init__(0, f"no key opens the name of its file {name!r}")


class Inventory:
    """That of one store. Every method may raise OSError."""

    def __init__(self, places: Places, catalogue: Catalogue, drops: Drops) -> None:
        """Look at what is there."""
        self._places = places
        self._catalogue = catalogue
        self._drops = drops

    def instances(self) -> list[Instance]:
        """Return all instances that can be told: live, dropped and lost."""
        drops = (self._catalogue.dropped.get(one.path) or Instance(*one[:2], one.path) for one in self._drops.all())
        lost = (Instance("", "", f"{LOST}/{name}") for name in self._places.folders(LOST))
        return [*self._catalogue.live(), *drops, *lost]

    def doubts(self) -> Iterator[str]:
        """Yield sentences about what may not be among these, or keeps a name that was given with another key."""
        for group in list(self._catalogue.groups.values()):
            if group.problem:
                self._catalogue.load_group(group)
            if group.problem:
                yield f"What is in group {group.name!r} could not be rewritten: {group.problem}."
            ours = self._places.group_path(group.name)
            for folder in [folder for folder in group.folders if folder != ours]:
                if ours in group.folders and self._is_removed(folder):
                    group.folders.remove(folder)
                else:
                    yield f"The folder {folder!r} of the store could not be given another name. {AGAIN}."
        for path in self._catalogue.not_opened:
            if self._places.identity(path) is not None:
                yield f"What is in the folder {path!r} of the store could not be rewritten: no key opens its name."
        if self._drops.are_unlisted:
            yield "What was dropped could not be rewritten: not all of it can be told."

    def _is_removed(self, folder: str) -> bool:
        """Remove the folder of a group that has another one, too, if nothing is in it any more."""
        with suppress(OSError):
            os.rmdir(folder, dir_fd=self._places.root)
        return self._places.identity(folder) is None

    def renew(self, instance: Instance) -> Instance:
        """Give what was dropped the name that we give, and prove whose it is; return what is known of it by now."""
        known = self._catalogue.dropped.get(instance.path, instance)  # it may have been dropped since it was listed
        drop = self._drops.at(known.path)
        if drop is not None:
            path = self._drops.renew(drop)
            if self._catalogue.dropped.pop(known.path, None) is not None:
                self._catalogue.dropped[path] = known
            known.path = path
        return known

    def holds_older(self) -> bool:
        """Tell whether a folder is proven with another key than the one that seals, as one out of an old backup."""
        for instance in self.instances():
            with suppress(OSError), self._places.open(instance.path) as folder:
                if Identity(folder).is_older(instance.group, instance.name):
                    return True
        return False


def others_in(folder: Folder) -> list[tuple[str, str]]:
    """Return the file names, and the keys, of the session files that have not the names that we give them.

    Of two files of a key the one comes first that is read: what has a spelling of its own is last.
    """
    keys = ((name, folder.key_of(name)) for name in folder.names())
    others = [(name, key) for name, key in keys if key is not None and folder.name_of(key) != name]
    return sorted(others, key=lambda other: [*folder.other_names(other[1]), other[0]].index(other[0]))


def check_names(folder: Folder) -> None:
    """See that the key of each sealed session file is known. Raises UnknownName: it cannot be sealed anew."""
    for name in folder.names():
        if name.startswith(SEALED) and folder.key_of(name) is None:
            raise UnknownName(name)


def is_written_anew(folder: Folder, key: str) -> bool:
    """Tell whether there is a session file with the name that we give it, and it is whole."""
    try:
        return folder.read(key, folder.name_of(key)) is not None
    except NotAFile:
        return False
