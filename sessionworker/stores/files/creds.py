"""`creds`: whole ones, or a refusal. A client that is told that there are none makes a new identity.

Where they are broken, the newest good ones that are left take their place: those that are remembered, or a version.
"""

from __future__ import annotations

import errno
from contextlib import suppress

from sessionworker.disk import NotAFile
from sessionworker.errors import StoreUnavailable
from sessionworker.names import CREDS
from sessionworker.stores.changes import SetAside, Write
from sessionworker.stores.files.catalogue import Catalogue
from sessionworker.stores.files.copies import Copies
from sessionworker.stores.files.faults import Faults, reason_of
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.instance import Instance
from sessionworker.stores.files.reading import Reading, Since, waiting_value
from sessionworker.stores.files.version_files import VersionFiles
from sessionworker.stores.interface import UNKNOWN
from sessionworker.stores.rules.creds import read_creds
from sessionworker.stores.rules.told import creds_lost, creds_restored


class CredsReading:
    """Reads and checks `creds`, in any number of threads."""

    def __init__(self, catalogue: Catalogue, copies: Copies, reading: Reading, faults: Faults) -> None:
        """Read by `reading`, and ask it for repairs."""
        self._catalogue = catalogue
        self._copies = copies
        self._reading = reading
        self._faults = faults

    def read(self, instance: Instance) -> bytes | None:
        """Return creds that are whole, or None if there are none and should not be any.

        Raises StoreUnavailable where there were creds and none can be had, or OSError.
        """
        recalled = self._reading.recall(instance, CREDS)
        return self.check(instance) if recalled is UNKNOWN else recalled

    def check(self, instance: Instance) -> bytes | None:
        """Do as `read`, and make sure that the instance's folder is there and they are whole in it, too."""
        while True:
            with suppress(_Overtaken), self._catalogue.open(instance) as folder:
                self._reading.learn_names(instance, folder)
                return self._read(Since(instance, instance.writes), folder)

    def _read(self, since: Since, folder: Folder) -> bytes | None:
        instance = since.instance
        waiting = waiting_value(instance, CREDS)
        if waiting is None or isinstance(waiting, bytes):
            return waiting
        copy = self._copies.get(instance, CREDS)
        known = instance.known
        if copy is None and instance.has_no_creds and known is not None and CREDS not in known:
            return None
        try:
            value = self._reading.read_file(instance, folder, CREDS)
        except OSError as error:
            if not _is_broken(error):
                raise  # they may be whole, and newer than any version
            return self._older(since, folder, copy, reason_of(error))
        if value is not None and read_creds(value) is not None:
            self._reading.remember(since, CREDS, value)
            since.instance.creds_lost = False
            return value
        if value is None and copy is None and not VersionFiles(folder).all():
            return None
        return self._older(since, folder, copy, "they are missing" if value is None else "they are not whole")

    def _older(self, since: Since, folder: Folder, copy: bytes | None, problem: str) -> bytes | None:
        """Bring back the newest good creds in place of broken ones; None where they were deleted.

        Raises StoreUnavailable if there are none.
        """
        instance = since.instance
        good = copy if copy is not None and read_creds(copy) is not None else _newest_good_version(folder)
        if good is _DELETED:
            return None
        if not since.still_holds:  # what is there may be new, and no part of it broken
            raise _Overtaken
        instance.creds_lost = good is None
        if good is None:
            self._faults.count("creds_lost", creds_lost(instance.group, instance.name, problem))
            raise StoreUnavailable("The credentials of this instance cannot be read. The worker's log says more.")
        self._faults.count("creds_restored", creds_restored(instance.group, instance.name, problem))
        self._reading.remember(since, CREDS, good)
        self._reading.ask_for(since, SetAside(CREDS), Write(CREDS, good))
        return good


def _is_broken(error: OSError) -> bool:
    """Tell whether an error is a matter of the file, and not of the machine at the time."""
    return isinstance(error, NotAFile) or error.errno not in {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR}


class _Overtaken(Exception):
    """Something was written to an instance while its creds were read."""


_DELETED = b""
"""What stands for creds that are not there because they were deleted."""


def _newest_good_version(folder: Folder) -> bytes | None:
    """Return the newest good creds, _DELETED if the newest are none, or None if there are none.

    Raises OSError if there may be some that cannot be read now.
    """
    files = VersionFiles(folder)
    versions = files.all()
    if versions and versions[-1].is_deletion:
        return _DELETED
    failure = None
    for version in reversed(versions):
        try:
            value = files.read(version)
        except OSError as error:
            failure = failure if _is_broken(error) else error
            continue
        if value is not None and read_creds(value) is not None:
            return value
    if failure is not None:
        raise failure
    return None
