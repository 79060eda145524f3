"""Making groups and instances. An instance is made whole, with its id, and then moved to its place."""

from __future__ import annotations

import os
from contextlib import suppress
from urllib.parse import quote

from sessionworker.disk import opened_folder, stands_in
from sessionworker.errors import StoreUnavailable, WorkerError
from sessionworker.file_names import encode_name
from sessionworker.stores.files.catalogue import Catalogue, Group, new_id
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.memory import KnownNames
from sessionworker.stores.files.places import Places, join


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
        """Remove the folder of a group that was made in vain; tell whether it is gone."""
        try:
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
        instance = Instance(group.name, name, join(group.folders[0], name))
        if self.is_free(group, name):
            id_ = new_id()
            instance.folder = self._places.make_instance(instance.path, id_)
            instance.has_no_creds = True
            instance.known = KnownNames()
            self._catalogue.adopted(instance, id_)
        else:  # it came there after the start, or its creation was not acknowledged
            self._catalogue.open(instance).close()
            self._places.sync_above(instance.path)
        return instance

    def unmake(self, group: Group) -> None:
        """Remove a group that was made for an instance, if that could not be made."""
        made, self._made_last = self._made_last, None
        if not group.instances and made is group and self._remove_folder(group):
            del self._catalogue.groups[group.name]

    def is_free(self, group: Group, name: str) -> bool:
        """Tell whether nothing stands where an instance of that name would."""
        spellings = {encode_name(name), quote(name, safe="")}  # session-manager's, whoever copied it in meanwhile
        with opened_folder(group.folders[0], self._places.root) as folder:
            return not any(stands_in(spelling, folder) for spelling in spellings)
