"""`creds`: whole ones, or a refusal. A client that is told that there are none makes a new identity.

Where they are broken, the newest good ones that are left take their place: those that are remembered, or a version.
"""

from __future__ import annotations

from contextlib import suppress

from sessionworker.errors import StoreUnavailable
from sessionworker.names import CREDS
from sessionworker.stores.changes import SetAside, Write
from sessionworker.stores.engine.catalogue import Catalogue
from sessionworker.stores.engine.copies import Copies
from sessionworker.stores.engine.faults import Faults, reason_of
from sessionworker.stores.engine.folder import Folder
from sessionworker.stores.engine.instance import Instance
from sessionworker.stores.engine.interface import UNKNOWN
from sessionworker.stores.engine.reading import Reading, Since, waiting_value
from sessionworker.stores.rules.creds import read_creds


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
        if copy is None and instance.is_new and known is not None and CREDS not in known:
            return None
        try:
            value = self._reading.read_file(instance, folder, CREDS)
        except OSError as error:
            return self._older(since, folder, copy, reason_of(error))
        if value is not None and read_creds(value) is not None:
            self._reading.remember(since, CREDS, value)
            return value
        if value is None and copy is None and not folder.versions():
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
        if good is None:
            self._faults.note(
                "creds_lost",
                f"The creds of {instance} cannot be read ({problem}), and no older version is left. The instance is "
                "refused until its creds are restored from a backup, or the instance is dropped to be paired again.",
            )
            raise StoreUnavailable("The credentials of this instance cannot be read. The worker's log says more.")
        self._faults.note(
            "creds_restored",
            f"The creds of {instance} could not be read ({problem}); the newest good version takes their place.",
        )
        self._reading.remember(since, CREDS, good)
        self._reading.ask_for(since, SetAside(CREDS), Write(CREDS, good))
        return good


class _Overtaken(Exception):
    """Something was written to an instance while its creds were read."""


_DELETED = b""
"""What stands for creds that are not there because they were deleted."""


def _newest_good_version(folder: Folder) -> bytes | None:
    """Return the newest good creds, _DELETED if the newest are none, or None if none can be had."""
    try:
        versions = folder.versions()
    except OSError:
        return None
    if versions and versions[-1].is_deletion:
        return _DELETED
    for version in reversed(versions):
        with suppress(OSError):
            value = folder.read_version(version)
            if value is not None and read_creds(value) is not None:
                return value
    return None
