"""session-manager's files, `instances/<group>/<instance>/<key>`, and those of its first releases, written for Node."""

from __future__ import annotations

from pathlib import Path

from sessionworker.file_names import OURS, decode_name
from sessionworker.migration.found import Account, Reading, SourceError
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.folder import ESCAPED, RAW
from sessionworker.migration.sources.baileys import has_creds, inner_contents
from sessionworker.migration.sources.looks import CREDS_FILE, nothing_found
from sessionworker.migration.sources.places import Finding, Places, contents_of
from sessionworker.names import CREDS

NEVER_FOUND = "!'()*|^[]"
"""What browsers and Node leave bare in a URL and Go does not: session-manager does not find such names again."""

WITHOUT_GROUPS = "1"
RELEASES = (WITHOUT_GROUPS, "2", "3")


def open_session_manager(path: Path) -> Places:
    """Open `instances` of session-manager, with its groups. Raises SourceError."""
    if (path / OURS).exists():
        raise nothing_found(path, "folder of session-manager alone")
    finding = Finding()
    has_any = False
    above = contents_of(path)
    for name in above.files:
        finding.skipped.add("files_left", shown(name))
    for group in above.folders:
        contents = contents_of(group)
        for name in contents.files:
            finding.skipped.add("files_left", shown(f"{group.name}/{name}"))
        for folder in contents.folders:
            files = inner_contents(folder).files
            has_any = has_any or CREDS in files
            _add(finding, group, folder, is_empty=not files)
    if not has_any and not (finding.has_any and finding.are_empty):
        raise nothing_found(path, f"session-manager's {CREDS}")
    return finding.source(path)


def _add(finding: Finding, group: Path, folder: Path, *, is_empty: bool) -> None:
    name = decode_name(folder.name) or ""
    group_name = decode_name(group.name) or ""
    if not is_empty:
        finding.add_folder(folder, ESCAPED, name=name, group=group_name)
        return
    notes = [Note("instance_is_empty")]
    characters = " ".join(one for one in NEVER_FOUND if one in group_name + name)
    if characters:
        notes.append(Note("name_never_stored", {"characters": characters}))
    account = Account(name, shown(str(folder)), group=group_name, is_empty=True, notes=tuple(notes))
    finding.add(account, Reading, folder / CREDS)


def open_session_manager_node(path: Path, *, release: str = "") -> Places:
    """Open `instances` of session-manager's first releases, written in JavaScript.

    `release` says whether there are groups: the first has none, and 2 and 3 have; needed only where both lie there.
    Raises SourceError.
    """
    if release and release not in RELEASES:
        raise SourceError(f"--release is one of {', '.join(RELEASES)}.")
    above = contents_of(path)
    without = [folder for folder in above.folders if has_creds(inner_contents(folder))]
    within = [one for group in above.folders for one in inner_contents(group).folders if has_creds(inner_contents(one))]
    if without and within and not release:
        raise SourceError(
            f"In {shown(str(path))} some accounts lie in groups, as the releases 2 and 3 have them, and some do not, "
            "as in release 1: --release says which to take."
        )
    finding = Finding()
    taken = without if release == WITHOUT_GROUPS or not (release or within) else within
    for folder in taken:
        finding.add_folder(folder, RAW, name=folder.name, group="" if taken is without else folder.parent.name)
    for folder in without if taken is within else within:
        finding.skipped.add("folders_left", shown(str(folder.relative_to(path))))
    if not taken:
        raise nothing_found(path, f"{CREDS_FILE} of session-manager's first releases")
    return finding.source(path)
