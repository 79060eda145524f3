"""The instances that were dropped, each put aside whole, until they are brought back or erased.

.sessionworker/dropped/
    <group>/<instance>/<when>-<id>           an instance's folder, as it was
    <group>/.sessionworker-<when>/           a group's folder, as it was when the group was dropped

`when` is in milliseconds since 1970. A drop is found by the names that the instance had.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from sessionworker.disk import opened_folder, stands_in
from sessionworker.file_names import OURS, decode_name
from sessionworker.stores.engine.places import DROPPED, Places, join

_OF_GROUP = "group"
_drop = re.compile(r"(\d{13,19})-([0-9a-z]+)").fullmatch


class Drop(NamedTuple):
    """An instance that was dropped: the names that it had, what the drop is called, and where it lies."""

    group: str
    instance: str
    drop: str
    path: str

    @property
    def when(self) -> int:
        """When it was dropped, in milliseconds since 1970."""
        return int(self.drop.partition("-")[0])


class Drops:
    """Every method may raise OSError."""

    def __init__(self, places: Places) -> None:
        """Speak of the drops of one store."""
        self._places = places

    def all(self) -> Iterator[Drop]:
        """Yield all of them."""
        for group_folder in self._places.folders(DROPPED):
            group = decode_name(group_folder)
            if group is None:
                continue
            for folder in self._folders(f"{DROPPED}/{group_folder}"):
                yield from self._in(group, folder, f"{DROPPED}/{group_folder}/{folder}")

    def of(self, group: str, instance: str) -> list[Drop]:
        """Return those of an instance's names, newest first."""
        found: list[Drop] = []
        for folder in self._folders(join(DROPPED, group)):
            if folder.startswith(OURS) or decode_name(folder) == instance:
                found += self._in(group, folder, f"{join(DROPPED, group)}/{folder}")
        return sorted((drop for drop in found if drop.instance == instance), key=lambda drop: drop.when, reverse=True)

    def _in(self, group: str, folder: str, path: str) -> Iterator[Drop]:
        """Yield those in one folder of a group's: an instance's drops, or the instances of a group that was dropped."""
        instance = decode_name(folder)
        when = folder.removeprefix(f"{OURS}-")
        for name in self._folders(path):
            if instance is not None:
                if _drop(name):
                    yield Drop(group, instance, name, f"{path}/{name}")
            elif when.isdigit() and (of_group := decode_name(name)) is not None:
                yield Drop(group, of_group, f"{when}-{_OF_GROUP}", f"{path}/{name}")

    def _folders(self, path: str) -> list[str]:
        """Return the folders in one below the drops' own; it goes away with the last of them."""
        with suppress(FileNotFoundError):
            return self._places.folders(path)
        return []

    @staticmethod
    def at(path: str) -> Drop | None:
        """Return the drop that lies at a path, if it is the path of one."""
        parts = path.removeprefix(f"{DROPPED}/").split("/")
        if not path.startswith(f"{DROPPED}/") or len(parts) != len(("group", "instance", "drop")):
            return None
        group, above, name = decode_name(parts[0]), decode_name(parts[1]), parts[2]
        if above is not None:
            return Drop(group or "", above, name, path)
        when = parts[1].removeprefix(f"{OURS}-")
        return Drop(group or "", decode_name(name) or "", f"{when}-{_OF_GROUP}", path)

    def find(self, group: str, instance: str, drop: str) -> Drop | None:
        """Return one of them, or None."""
        if not _drop(drop):
            return None
        return next((found for found in self.of(group, instance) if found.drop == drop), None)

    def place_of_instance(self, group: str, instance: str, id_: str, when: int) -> str:
        """Return a path that an instance can be moved to; the folders above it are made."""
        folder = join(join(DROPPED, group), instance)
        self._places.make(join(DROPPED, group))
        self._places.make(folder)
        return self._free(folder, when, lambda at: f"{at:013}-{id_}")

    def place_of_group(self, group: str, when: int) -> str:
        """Return a path that a group can be moved to; the folder above it is made."""
        folder = join(DROPPED, group)
        self._places.make(folder)
        return self._free(folder, when, lambda at: f"{OURS}-{at:013}")

    def _free(self, folder: str, when: int, name_of: Callable[[int], str]) -> str:
        with opened_folder(folder, self._places.root) as handle:
            while stands_in(name_of(when), handle):
                when += 1
        return f"{folder}/{name_of(when)}"

    def tidy(self, path: str) -> None:
        """Remove the folders above a drop that is gone, if nothing else is in them."""
        above = os.path.dirname(path)
        with suppress(OSError):
            while above != DROPPED:
                os.rmdir(above, dir_fd=self._places.root)
                above = os.path.dirname(above)
