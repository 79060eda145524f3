"""Adopting: finding out the id of an instance, or giving it one, before something of it is committed."""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from sessionworker.disk import NotAFile
from sessionworker.names import CREDS
from sessionworker.stores.files.catalogue import Catalogue, NotItsFolder
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.identity import Identity, new_id
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.locks import Locks
from sessionworker.stores.files.places import Places
from sessionworker.stores.files.tally import last_change
from sessionworker.stores.files.version_files import VersionFiles
from sessionworker.stores.rules.creds import Creds, read_creds


class Adopting:
    """Adopts instances. Called by the committer."""

    def __init__(self, places: Places, catalogue: Catalogue, locks: Locks) -> None:
        """Adopt those of `catalogue`."""
        self._places = places
        self._catalogue = catalogue
        self._locks = locks

    def adopt(self, instance: Instance) -> None:
        """Find out the id of an instance, or give it one, before something of it is committed. Raises OSError."""
        with self._catalogue.open(instance) as folder:
            saves, before, ids = instance.saves, last_change(folder), folder.ids()
            if len(ids) > 1:
                raise NotItsFolder("it has more than one id")
            id_ = ids[0] if ids else new_id()
            folder.tell_id(id_)
            if not ids:
                inode = (instance.folder or folder.identity)[1]
                Identity(folder).take_over(id_, inode, instance.group, instance.name)
                self._keep_tally(instance, saves, before, last_change(folder))
            elif not self._catalogue.is_free_for(id_, instance):  # a copy: what is written to one is not the other's
                if not instance.is_saved or self._places.codec.is_bound:
                    raise NotItsFolder("another instance has its id")
                id_ = new_id()
                Identity(folder).change(ids[0], id_)
            else:
                folder.settle()
                if self._places.codec.is_bound:
                    Identity(folder).prove((instance.group, instance.name))
            self._learn_creds(instance, folder)
        self._respell(instance)
        self._catalogue.settle(instance.path)
        self._catalogue.adopted(instance, id_)

    def _keep_tally(self, instance: Instance, saves: int, before: int, now: int) -> None:
        """See that a tally still holds after a change of a folder that was none of a session file."""
        with self._locks.state:
            tally = instance.tally
            if tally is not None and tally.changed == before and instance.saves == saves:  # no checkpoint came between
                instance.tally = replace(tally, changed=now)

    @staticmethod
    def _learn_creds(instance: Instance, folder: Folder) -> None:
        """Find out what the creds before the next ones are about, and when they came."""
        versions = VersionFiles(folder).all()
        if versions:
            instance.last_version = max(instance.last_version, versions[-1].when)
            instance.has_no_creds = instance.is_saved and versions[-1].is_deletion
        good = [version for version in versions if not version.is_deletion]
        if instance.creds is None and good:
            instance.creds = Creds(good[-1].identity, good[-1].next_pre_key)
        elif instance.creds is None:
            with suppress(NotAFile):
                instance.creds = read_creds(folder.read(CREDS) or b"")

    def _respell(self, instance: Instance) -> None:
        """Give an instance's folder the name that we would have given it."""
        folder = self._catalogue.groups[instance.group].folders[0]
        ours = self._places.instance_path(folder, instance.group, instance.name)
        if instance.path != ours:
            self._places.keep_names(instance.group, instance.name)
            with self._locks.moves:
                self._places.respell(instance.path, ours)
                instance.path = ours
            self._places.sync_above(ours)
