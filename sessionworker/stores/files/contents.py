"""All that one instance's folder holds, as a copy reads and writes it; see `side`. Every function may raise OSError.

What is no file and stands in a key's place is left out: no reader takes it for a value.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sessionworker.disk import NotAFile, read_file, write_new
from sessionworker.names import CREDS
from sessionworker.stores.files.broken_files import BrokenFiles
from sessionworker.stores.files.codec import SEALED, SealBroken
from sessionworker.stores.files.folder import Folder
from sessionworker.stores.files.version_files import VersionFiles
from sessionworker.stores.rules.versions import parse_version
from sessionworker.stores.transfer import (
    BROKEN,
    FILE,
    VERSION,
    Entry,
    Record,
    Unreadable,
    aside_name,
    in_order,
    label_of,
    read_aside_name,
)


class FoundFile(NamedTuple):
    """A session file."""

    key: str
    name: str
    """Its file's name, which may be another one than we give it."""
    when: int
    """When it was written, in milliseconds since 1970."""


def files_in(folder: Folder) -> list[FoundFile]:
    """Return the session files of a folder, sorted by their keys. Raises Unreadable where one has a name of nobody."""
    found: dict[str, FoundFile] = {}
    with os.scandir(folder.handle) as entries:
        for entry in entries:
            key = folder.key_of(entry.name)
            if key is None:
                if entry.name.startswith(SEALED):
                    raise Unreadable("no key opens the name of one of its files")
            elif entry.is_file(follow_symlinks=False):
                file = FoundFile(key, entry.name, entry.stat(follow_symlinks=False).st_mtime_ns // 1_000_000)
                found[key] = _first(folder, found[key], file) if key in found else file
    return sorted(found.values())


def _first(folder: Folder, one: FoundFile, other: FoundFile) -> FoundFile:
    """Return that of two files of a key which is read."""
    names = [folder.name_of(one.key), *folder.other_names(one.key)]
    return min(one, other, key=lambda file: (names.index(file.name) if file.name in names else len(names), file.name))


def should_have_creds(folder: Folder, files: Sequence[FoundFile]) -> bool:
    """Tell whether there should be `creds` in a folder, which holds these files."""
    versions = VersionFiles(folder).all()
    return not versions[-1].is_deletion if versions else any(file.key == CREDS for file in files)


def entries_in(folder: Folder, files: Sequence[FoundFile], rotten_at: int) -> Iterator[Entry]:
    """Yield all that a folder holds, which has these files.

    What does not open is given as a broken value of the time `rotten_at`: a worker that reads it does the same.
    """
    rotten = []
    for file in files:
        try:
            value = folder.read(file.key, file.name)
        except SealBroken:
            rotten.append((rotten_at, label_of(file.key), (folder.handle, file.name)))
        else:
            yield Entry(FILE, file.key, value or b"")
    versions = VersionFiles(folder)
    for version in versions.all():
        try:
            value = versions.read(version)
        except SealBroken:  # its place among the others means something all the same
            value = versions.read_raw(version)
        yield Entry(VERSION, version.file_name, value or b"")
    broken = BrokenFiles(folder)
    aside = [(when, label, (-1, name)) for when, label, name in broken.all()]
    for when, label, (handle, name) in in_order([*aside, *rotten]):
        value = broken.read(name) if handle < 0 else read_file(name, handle)
        yield Entry(BROKEN, aside_name(when, label), value or b"")


def write_into(folder: Folder, record: Record, entries: Iterable[Entry]) -> None:
    """Write all that an instance holds into a folder in which nothing is, and of which nobody knows."""
    versions, broken, time = VersionFiles(folder), BrokenFiles(folder), record.last_write * 1_000_000
    for kind, name, value in entries:
        if kind == FILE:
            folder.codec.keep_name(name, "key", folder.id)
            file_name = folder.name_of(name)
            write_new(file_name, folder.handle, folder.codec.seal(value, "value", folder.id, name), sync=False)
            os.utime(file_name, ns=(time, time), dir_fd=folder.handle, follow_symlinks=False)
        elif kind == VERSION:
            version = parse_version(name)
            if version is None:
                raise NotAFile
            versions.keep((), {version: value})
        else:
            broken.keep(*read_aside_name(name), value)
