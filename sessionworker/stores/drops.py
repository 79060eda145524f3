"""The instances that were dropped, each moved aside whole, until they are brought back or have been kept long enough.

<store>/.sessionworker/dropped/<group>/<instance>/<drop>/     an instance's folder, as it was
"""

from __future__ import annotations

import os
import shutil
import time

from sessionworker.names import encode_name
from sessionworker.stores.folders import InstanceFolder, list_folders
from sessionworker.stores.interface import DropSummary
from sessionworker.stores.versions import DAY


class Drops:
    """Methods that look at the disk may raise OSError."""

    def __init__(self, ours: str, *, keep_days: float, sync: bool) -> None:
        """Speak of the drops below the folder `ours`, each kept for `keep_days` days."""
        self._root = f"{ours}/dropped"
        self._purged = f"{ours}/purged"
        self._keep_days = keep_days
        self._sync = sync

    def place(self, group: str, name: str, drop: str) -> str:
        """Return the path that a dropped instance is moved to."""
        return f"{self._root}/{encode_name(group)}/{encode_name(name)}/{encode_name(drop)}"

    def listed(self) -> list[DropSummary]:
        """Return all of them, newest first."""
        found = []
        for group, name, drop in self._all():
            summary = InstanceFolder(self.place(group, name, drop), sync=self._sync).summary(name)
            found.append(DropSummary(group, name, drop, _time_of(drop), summary.files, summary.bytes))
        return sorted(found, key=lambda drop: drop.when, reverse=True)

    def purge(self) -> int:
        """Let go of those that were kept long enough, and return how many that were."""
        shutil.rmtree(self._purged, ignore_errors=True)  # left by a crash
        late = time.time_ns() // 1_000_000 - self._keep_days * DAY
        count = 0
        for group, name, drop in self._all():
            if _time_of(drop) < late:
                # Out of sight at once, so that nobody brings back a part of it.
                os.rename(self.place(group, name, drop), self._purged)
                shutil.rmtree(self._purged)
                count += 1
        return count

    def _all(self) -> list[tuple[str, str, str]]:
        return [
            (group, name, drop)
            for group in list_folders(self._root)
            for name in list_folders(f"{self._root}/{encode_name(group)}")
            for drop in list_folders(f"{self._root}/{encode_name(group)}/{encode_name(name)}")
            if _time_of(drop)
        ]


def _time_of(drop: str) -> int:
    """Return when something was dropped, in milliseconds since 1970, or 0 for a name that is none of ours."""
    when, _, number = drop.partition("-")
    return int(when) if when.isdigit() and number.isdigit() else 0
