"""Making groups and instances. An instance is made whole, with its id, and then moved to its place."""

from __future__ import annotations

import os
from contextlib import suppress
from urllib.parse import quote

from sessionworker.disk import opened_folder, stands_in
from sessionworker.errors import StoreUnavailable, WorkerError
from sessionworker.file_names import LONGEST_FILE_NAME, OURS, encode_name
from sessionworker.stores.files.catalogue import Catalogue, Group, NotItsFolder
from sessionworker.stores.files.identity import new_id
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.memory import KnownNames
from sessionworker.stores.files.places import Places
from sessionworker.stores.files.tally import nothing_in

_OF_OTHERS = (OURS, "lost+found")
"""Folders in a store that are no group's, also where a group is called so."""


class Creating:
    """Makes what is missing. Every method is called by the committer, and may raise OSError."""

    def __init__(self, places: Places, catalogue: Catalogue) -> None:
        """Make folders in `places`, and add what they are to `catalogue`."""
        self._places = places
        self._catalogue = catalogue
        self._made_last: Group | None = None

    def create_group(self, name: str) -> WorkerError | None:
        """Make a group if there is none of that name. Returns the reason for which it was refused."""
        existing = self._catalogue.groups.get(name)
        if existing is not None:
            if existing.problem:
                self._catalogue.load_group(existing)
            elif not existing.instances:  # its folder may be gone: nothing was in it
                self._places.make(existing.folders[0])
            self._catalogue.settle(existing.folders[0])
            self._made_last = None
            return None
        group = Group(name)
        group.folders = [self._places.group_path(name)]
        if name not in _OF_OTHERS and _is_called(name, self._places.root):
            raise _spelled_otherwise(name)
        is_new = not stands_in(group.folders[0], self._places.root)
        others = self._places.codec.other_names(name, "group")
        if is_new and any(stands_in(other, self._places.root) for other in others):
            raise _spelled_otherwise(name)
        try:
            self._places.keep_names(name)
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
        """Remove the folder of a group that was made in vain; tell whether it is gone."""
        try:
            self._places.settle_in(group.folders[0])
            os.rmdir(group.folders[0], dir_fd=self._places.root)
        except OSError:
            return False
        with suppress(OSError):  # whoever asked was told that it could not be made: after a power cut it may be there
            self._places.sync(".")
        return True

    def create_instance(self, group_name: str, name: str) -> WorkerError | None:
        """Make an instance if there is none of that name, and its group. Returns the reason for a refusal."""
        refusal = self.create_group(group_name)
        if refusal is not None:
            return refusal
        group = self._catalogue.groups[group_name]
        existing = group.instances.get(name)
        if group.problem or (existing is not None and existing.problem):
            return StoreUnavailable()
        if existing is not None:
            self._catalogue.settle(existing.path)
            return None
        try:
            group.instances[name] = self._make_instance(group, name)
        finally:
            self.unmake(group)
        return None

    def _make_instance(self, group: Group, name: str) -> Instance:
        instance = Instance(group.name, name, self._places.instance_path(group.folders[0], group.name, name))
        if self.is_free(group, name):
            id_ = new_id()
            status = self._places.make_instance(instance.path, id_, group.name, name)
            instance.folder = status.st_dev, status.st_ino
            instance.has_no_creds = True
            instance.tally = nothing_in(status)
            instance.label = ""
            instance.known = KnownNames()
            instance.is_listed = True
            self._catalogue.adopted(instance, id_)
        else:  # it came there after the start, or its creation was not acknowledged
            try:
                self._catalogue.open(instance).close()
            except FileNotFoundError:
                raise _spelled_otherwise(name) from None
            self._places.keep_names(group.name, name)  # what told a long one may be lost
            self._places.sync_above(instance.path)
        return instance

    def unmake(self, group: Group) -> None:
        """Remove a group that was made for an instance, if that could not be made."""
        made, self._made_last = self._made_last, None
        if not group.instances and made is group and self._remove_folder(group):
            del self._catalogue.groups[group.name]

    def is_free(self, group: Group, name: str) -> bool:
        """Tell whether nothing stands where an instance of that name would."""
        ours = os.path.basename(self._places.instance_path(group.folders[0], group.name, name))
        others = self._places.codec.other_names(name, "instance", group.name)
        spellings = [ours, encode_name(name), *others]
        escaped = quote(name, safe="")  # as 0.1.0 and session-manager may spell it, whoever copied it in meanwhile
        if len(escaped) <= LONGEST_FILE_NAME:
            spellings.append(escaped)
        with opened_folder(group.folders[0], self._places.root) as folder:
            return not (_is_called(name, folder) or any(stands_in(spelling, folder) for spelling in spellings))


def _is_called(name: str, folder: int) -> bool:
    """Tell whether a folder is called like a name that has a file name of its own, and so stands for something else.

    session-manager makes a folder under whatever name it is told. A new, empty one beside it would be a new identity.
    """
    return encode_name(name) != name and not {"/", "\x00"} & {*name} and stands_in(name, folder)


def _spelled_otherwise(name: str) -> NotItsFolder:
    return NotItsFolder(f"the folder of {name!r} may be there in another spelling")
