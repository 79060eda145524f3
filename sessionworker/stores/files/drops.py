"""The instances that were dropped, each put aside whole, until they are brought back or erased.

.sessionworker/dropped/
    <group>~<instance>~<when>-<mark>                     an instance's folder, as it was
    <group>~<when>-<mark>/<instance>                     a group's folder, as it was when the group was dropped
    <group>/<instance>/<when>-<mark>                     the first of these for names that are too long together, and
                                                         from 0.1.0
    <group>/.sessionworker-<when>-<mark>/<instance>      the second, for the same reason

`when` is in milliseconds since 1970, and `mark` makes the name of a drop one that is never given again, whatever the
clock says. A drop is found by the names that the instance had. On a full disk a drop needs no room: its name in a
folder that is there, and no folder of its own.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from sessionworker.disk import stands_in
from sessionworker.file_names import LONGEST_FILE_NAME, OURS
from sessionworker.stores.files.catalogue import NotItsFolder
from sessionworker.stores.files.faults import Faults
from sessionworker.stores.files.identity import Identity, new_id
from sessionworker.stores.files.places import DROPPED, Places
from sessionworker.stores.rules.drops import drop_name, is_drop, when_of

_BETWEEN = "~"


class Drop(NamedTuple):
    """An instance that was dropped: the names that it had, what the drop is called, and where it lies."""

    group: str
    instance: str
    drop: str
    path: str

    @property
    def when(self) -> int:
        """When it was dropped, in milliseconds since 1970."""
        return when_of(self.drop)


class Drops:
    """Every method may raise OSError, but where it says otherwise."""

    def __init__(self, places: Places, faults: Faults) -> None:
        """Speak of the drops of one store."""
        self._places = places
        self._faults = faults
        self._said: set[str] = set()
        self._latest: dict[tuple[str, str], int] = {}  # the times of the last drops by their names
        self._is_learnt = False

    @property
    def are_unlisted(self) -> bool:
        """Whether some could not be told when all were asked for last."""
        return bool(self._said)

    def all(self) -> Iterator[Drop]:
        """Yield all of them."""
        for name in self._places.folders(DROPPED):
            yield from self._below(f"{DROPPED}/{name}")

    def _below(self, path: str) -> Iterator[Drop]:
        """Yield the drop that lies at a path, or those in it: it may be a group's folder."""
        drop = self.at(path)
        if drop is not None:
            yield drop
        elif path.count("/") < len(("ours", "dropped", "group", "instance")):
            for name in self._folders(path):
                yield from self._below(f"{path}/{name}")

    def _folders(self, path: str) -> list[str]:
        try:
            names = self._places.folders(path)
        except FileNotFoundError:  # it went away with the last drop in it
            return []
        except OSError as error:  # the others can be told all the same
            if path not in self._said:
                self._said.add(path)
                self._faults.say(
                    "drops_unreadable",
                    f"What was dropped cannot be told, in the folder {path} of the store: {error.strerror}. It is not "
                    "listed, and stays.",
                )
            return []
        self._said.discard(path)
        return names

    def take_over(self) -> None:
        """Give all of them the names that we give, and prove whose they are: their keys may be others now.

        Called while the store is opened. What cannot be changed stays as it is, and can be told all the same.
        """
        for drop in list(self.all()):
            with suppress(OSError):
                self.renew(drop)

    def renew(self, drop: Drop) -> str:
        """Do that with one of them, and return the path that it has then. Nobody moves it meanwhile."""
        with self._places.open(drop.path) as folder:
            identity = Identity(folder)
            if not folder.ids():
                identity.take_over(new_id(), folder.identity[1], drop.group, drop.instance)
            elif identity.is_of(drop.group, drop.instance):
                identity.prove((drop.group, drop.instance))
            else:
                raise NotItsFolder("it was made for another instance")
        return self._respell(drop)

    def _respell(self, drop: Drop) -> str:
        folder, name = self._file_names(drop.group, drop.instance)
        self._places.keep_names(drop.group, drop.instance)
        if drop.path in _paths(folder, name, drop.drop):
            return drop.path
        ours = self.place_of(drop.group, drop.instance, drop.drop)
        self._places.respell(drop.path, ours)
        self._places.sync_above(drop.path, ours)
        self._places.trust(drop.path, ours)  # or it would be moved back, if it could not be moved before
        self.tidy(drop.path)
        return ours

    def of(self, group: str, instance: str) -> list[Drop]:
        """Return those of an instance's names, newest first."""
        found = [drop for drop in self.all() if (drop.group, drop.instance) == (group, instance)]
        return sorted(found, key=lambda drop: drop.when, reverse=True)

    def find(self, group: str, instance: str, drop: str) -> Drop | None:
        """Return one of them, or None."""
        if not is_drop(drop):
            return None
        for path in _paths(*self._file_names(group, instance), drop):
            with suppress(NotADirectoryError):  # something of somebody's
                if stands_in(path, self._places.root):
                    return self.at(path)
        return next((found for found in self.all() if found[:3] == (group, instance, drop)), None)  # spelled by 0.1.0

    def at(self, path: str) -> Drop | None:
        """Return the drop whose folder has a path, if it is the path of one. Asks no disk."""
        if not path.startswith(f"{DROPPED}/"):
            return None
        match path.removeprefix(f"{DROPPED}/").split("/"):
            case [name]:
                group, instance, drop, *_ = *name.split(_BETWEEN), "", ""
            case [above, instance] if _BETWEEN in above:
                group, _, drop = above.partition(_BETWEEN)
            case [group, above, instance] if above.startswith(f"{OURS}-"):
                drop = above.removeprefix(f"{OURS}-")
            case [group, instance, drop]:
                pass
            case _:
                return None
        group_name = self._places.group_at(group)
        if group_name is None or not is_drop(drop):
            return None
        instance_name = self._places.instance_at(group_name, instance)
        return Drop(group_name, instance_name, drop, path) if instance_name is not None else None

    def _file_names(self, group: str, instance: str) -> tuple[str, str]:
        """Return what we call the folders of a group and an instance."""
        folder = self._places.group_path(group)
        return folder, os.path.basename(self._places.instance_path(folder, group, instance))

    # Places for new ones

    def place_of_instance(self, group: str, instance: str, when: int, *, is_replaced: bool = False) -> str:
        """Return a path that an instance can be moved to; the folders above it are made, if it needs some.

        `when` is the time now; a later one is taken where those dropped before are later, whatever the clock says.
        """
        self._learn_latest()
        drop = _name(max(when, self._latest.get((group, instance), 0) + 1), is_replaced=is_replaced)
        return self.place_of(group, instance, drop)

    def place_of(self, group: str, instance: str, drop: str) -> str:
        """Return the path for a drop that is called so, as above."""
        folder, name = self._file_names(group, instance)
        self._places.keep_names(group, instance)
        return self._path(_flat(folder, name, drop), (_flat(folder), name), drop)

    def place_of_group(self, group: str, when: int) -> str:
        """Return a path that a group can be moved to, as above."""
        self._learn_latest()
        drop = _name(max([when, *(latest + 1 for names, latest in self._latest.items() if names[0] == group)]))
        folder = self._places.group_path(group)
        self._places.keep_names(group)
        return self._path(_flat(folder, drop), (_flat(folder),), f"{OURS}-{drop}")

    def _learn_latest(self) -> None:
        if not self._is_learnt:
            for drop in self.all():
                self.note(drop)
            self._is_learnt = True

    def note(self, drop: Drop) -> None:
        """Note that something was dropped: the next drop of its names is later."""
        names = drop.group, drop.instance
        self._latest[names] = max(drop.when, self._latest.get(names, 0))

    def _path(self, short: str, folders: tuple[str, ...], name: str) -> str:
        """Return the path of what is called `short`, or `name` below some folders where that is too long."""
        if _fits(short):
            return f"{DROPPED}/{short}"
        above = DROPPED
        for folder in folders:
            above = f"{above}/{folder}"
            self._places.make(above)
        return f"{above}/{name}"

    def forget(self, drop: Drop) -> None:
        """Note that a drop was erased, and nothing of it is to be told any more."""
        if self._latest.get((drop.group, drop.instance)) == drop.when:
            del self._latest[drop.group, drop.instance]
        self.tidy(drop.path)

    def tidy(self, path: str) -> None:
        """Remove the folders above a drop that is gone, if nothing else is in them. Never raises OSError."""
        above = os.path.dirname(path)
        with suppress(OSError):
            while above != DROPPED:
                self._places.settle_in(above)
                os.rmdir(above, dir_fd=self._places.root)
                self._places.trust(above)
                above = os.path.dirname(above)


def _paths(folder: str, name: str, drop: str) -> Iterator[str]:
    """Yield the paths that a drop may have whose group and instance have these file names."""
    for above, below in (
        (_flat(folder, name, drop), ""),
        (_flat(folder, drop), f"/{name}"),
        (_flat(folder), f"/{name}/{drop}"),
        (_flat(folder), f"/{OURS}-{drop}/{name}"),
    ):
        if _fits(above):
            yield f"{DROPPED}/{above}{below}"


def _flat(*parts: str) -> str:
    """Return a file name that holds several file names."""
    return _BETWEEN.join(part.replace(_BETWEEN, f"%{ord(_BETWEEN):02X}") for part in parts)


def _fits(name: str) -> bool:
    return len(name.encode()) <= LONGEST_FILE_NAME


def _name(when: int, *, is_replaced: bool = False) -> str:
    """Return a name that no drop had."""
    return drop_name(when, secrets.token_hex(4), is_replaced=is_replaced)
