"""WAHA with the engine NOWEB, which is Baileys: `<base>/<namespace>/<session>/`, folders of Baileys."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.folder import BAILEYS
from sessionworker.migration.sources.baileys import has_creds, inner_contents
from sessionworker.migration.sources.looks import CREDS_FILE, nothing_found
from sessionworker.migration.sources.places import Finding, Places, contents_of

NAMESPACE = "noweb"
"""What WAHA_SESSION_NAMESPACE is by default."""

OTHER_ENGINES = ("webjs", "gows", "wpp")

_DIGITS_OF_MD5 = 32


def open_waha(path: Path, *, namespace: str = NAMESPACE) -> Places:
    """Open the folder that WAHA_LOCAL_STORE_BASE_DIR names (`.sessions`), or that of a namespace in it.

    `namespace` is WAHA_SESSION_NAMESPACE. Raises SourceError.
    """
    finding = Finding()
    above = contents_of(path)
    inner = path / namespace
    for folder in contents_of(inner).folders if inner.is_dir() else above.folders:
        if has_creds(inner_contents(folder)):
            finding.add_folder(folder, BAILEYS, name=session_of(folder.name))
        elif folder.name not in OTHER_ENGINES:
            finding.skipped.add("folders_left", shown(folder.name))
    if not finding.has_any:
        raise nothing_found(path, f"session of WAHA's NOWEB, a folder with {CREDS_FILE},")
    for folder in above.folders:
        if folder.name in OTHER_ENGINES:
            for session in inner_contents(folder).folders:
                finding.skipped.add("other_engines_left", shown(f"{folder.name}/{session.name}"))
    return finding.source(path)


def session_of(folder: str) -> str:
    """Return the name of a session by its folder's: until 2025 an MD5 of the name itself was put behind it."""
    name, dash, digits = folder.rpartition("-")
    is_md5 = dash and len(digits) == _DIGITS_OF_MD5
    if is_md5 and hashlib.md5(name.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest() == digits:
        return name
    return folder
