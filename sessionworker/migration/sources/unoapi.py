"""unoapi-cloud without Redis: a folder for each phone number, with the keys as they are for names."""

from __future__ import annotations

from pathlib import Path

from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.folder import RAW_FOLDERS
from sessionworker.migration.sources.baileys import has_creds, inner_contents
from sessionworker.migration.sources.looks import CREDS_FILE, nothing_found
from sessionworker.migration.sources.places import Finding, Places, contents_of


def open_unoapi(path: Path, *, instance: str = "") -> Places:
    """Open the folder of unoapi's sessions, or that of one phone number.

    `instance` names the account, which is called like its folder otherwise. Raises SourceError.
    """
    finding = Finding()
    contents = contents_of(path)
    if has_creds(contents):
        finding.add_folder(path, RAW_FOLDERS, name=instance or path.resolve().name)
        return finding.source(path, instance)
    for folder in contents.folders:
        if has_creds(inner_contents(folder)):
            finding.add_folder(folder, RAW_FOLDERS, name=instance or folder.name)
        else:
            finding.skipped.add("folders_left", shown(folder.name))
    if not finding.has_any:
        raise nothing_found(path, f"phone number's folder with {CREDS_FILE}")
    return finding.source(path, instance)
