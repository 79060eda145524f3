"""Baileys' own folders, as `useMultiFileAuthState` writes them: one for each account.

Most bots keep their account so; Evolution API 1.x and CodeChat's whatsapp-api without a worker, too, below `instances`.
"""

from __future__ import annotations

from pathlib import Path

from sessionworker.migration.baileys_names import ENDING, key_of
from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.folder import BACKUP, BAILEYS
from sessionworker.migration.sources.looks import CREDS_FILE, nothing_found
from sessionworker.migration.sources.places import Contents, Finding, Places, contents_of

INTEGRATION = "integration.json"
"""What Evolution 1.x keeps of every instance, and of those of other integrations nothing else."""


def open_baileys(path: Path, *, instance: str = "", use_bak: bool = False) -> Places:
    """Open the folder of one account, or one that holds such folders.

    `instance` names the account, which is called like its folder otherwise. `use_bak` takes also keys of which only a
    backup is left. Raises SourceError.
    """
    finding = Finding()
    contents = contents_of(path)
    if has_creds(contents):
        finding.add_folder(path, BAILEYS, name=instance or path.resolve().name, use_bak=use_bak)
        for folder in contents.folders:
            if has_creds(inner_contents(folder)):
                finding.skipped.add("folders_beside_left", shown(folder.name))
        return finding.source(path, instance)
    if not any(has_creds(inner_contents(folder)) for folder in contents.folders):
        raise nothing_found(path, f"folder with {CREDS_FILE}")
    for folder in contents.folders:
        _add_inner(finding, folder, instance or folder.name, use_bak=use_bak)
    return finding.source(path, instance)


def _add_inner(finding: Finding, folder: Path, name: str, *, use_bak: bool) -> None:
    """Add a folder if it is an account, or what is left of one."""
    contents = inner_contents(folder)
    if has_creds(contents) or _has_keys(contents):
        finding.add_folder(folder, BAILEYS, name=name, use_bak=use_bak)
    elif INTEGRATION in contents.files:
        finding.skipped.add("other_integrations_left", shown(folder.name))
    else:
        finding.skipped.add("folders_left", shown(folder.name))


def has_creds(contents: Contents) -> bool:
    """Tell whether a folder holds creds, or their backup."""
    return not {CREDS_FILE, CREDS_FILE + BACKUP}.isdisjoint(contents.files)


def inner_contents(folder: Path) -> Contents:
    """List a folder; one that cannot be read is said to hold creds, so that it is an account which cannot be read."""
    try:
        return contents_of(folder)
    except SourceError:
        return Contents([], [CREDS_FILE])


def _has_keys(contents: Contents) -> bool:
    return any(name.endswith(ENDING) and key_of(name.removesuffix(ENDING)) for name in contents.files)
