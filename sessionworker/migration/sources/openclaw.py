"""openclaw, called clawdbot and moltbot before: folders of Baileys below `credentials/whatsapp`."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.folder import BAILEYS
from sessionworker.migration.sources.baileys import has_creds, inner_contents
from sessionworker.migration.sources.looks import CREDS_FILE, nothing_found
from sessionworker.migration.sources.places import Finding, Places, contents_of

DEFAULT = "default"
"""The account of who has but one."""

_OLD = structs.replace(BAILEYS, takes_unknown=False)


def open_openclaw(path: Path) -> Places:
    """Open openclaw's state (`~/.openclaw`), its `credentials`, or a folder of accounts. Raises SourceError."""
    finding = Finding()
    credentials = next((one for one in (path / "credentials", path) if (one / "whatsapp").is_dir()), path)
    if path == credentials and (path / "credentials").is_dir():
        credentials = path / "credentials"
    whatsapp = credentials / "whatsapp"
    contents = contents_of(whatsapp if whatsapp.is_dir() else credentials)
    folders = [folder for folder in contents.folders if has_creds(inner_contents(folder))]
    for folder in folders:
        finding.add_folder(folder, BAILEYS, name=folder.name)
    if has_creds(contents_of(credentials)):
        if any(folder.name == DEFAULT for folder in folders):
            finding.notes.append(Note("old_place_left", {"path": shown(str(credentials))}))
        else:
            finding.add_folder(credentials, _OLD, name=DEFAULT, notes=(Note("old_place"),))
    elif not folders:
        raise nothing_found(path, f"account of openclaw, a folder with {CREDS_FILE} below credentials/whatsapp,")
    for folder in contents.folders:
        if whatsapp.is_dir() and folder not in folders:
            finding.skipped.add("folders_left", shown(folder.name))
    return finding.source(path)
