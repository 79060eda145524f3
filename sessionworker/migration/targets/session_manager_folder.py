"""Writes the folder that session-manager has for an instance: `instances/<group>/<instance>`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sessionworker.migration.found import Skipped
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.targets.in_folders import InFolders
from sessionworker.migration.targets.new_places import check_creds, write_folder
from sessionworker.values import is_json_object


def open_session_manager_target(folder: Path) -> InFolders:
    """Open its folder `instances`, in which each account gets `<group>/<instance>`. Raises TargetError."""
    return InFolders(folder, write_session_manager_folder, has_groups=True)


def write_session_manager_folder(values: Mapping[str, bytes], place: Path) -> list[Note]:
    """Write an account to a folder that is not there yet, and return what is to be said of it. Raises TargetError."""
    check_creds(values)
    skipped = Skipped()
    kept = {}
    for key, value in values.items():
        if "/" in key:
            skipped.add("left_out_slashes", shown(key))
            continue
        kept[key] = value
        if not is_json_object(value):
            skipped.add("not_objects", shown(key))
    write_folder(place, kept, lambda key: key, skipped)
    return list(skipped.notes())
