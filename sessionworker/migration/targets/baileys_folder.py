"""Writes the folder of Baileys' `useMultiFileAuthState`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sessionworker.migration.baileys_names import ENDING, file_name_of
from sessionworker.migration.found import Skipped
from sessionworker.migration.notes import Note
from sessionworker.migration.targets.new_places import check_creds, write_folder


def write_baileys_folder(values: Mapping[str, bytes], place: Path) -> list[Note]:
    """Write an account to a folder that is not there yet, and return what is to be said of it. Raises TargetError."""
    check_creds(values)
    skipped = Skipped()
    write_folder(place, values, lambda key: f"{file_name_of(key)}{ENDING}", skipped)
    return list(skipped.notes())
