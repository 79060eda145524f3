"""Reads an account that lies in a folder, a file for each key, with the JSON text in it.

The programs differ in what the files are called, and in what they leave beside them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, structs

from sessionworker.disk import NotAFile, opened_folder, read_file
from sessionworker.file_names import decode_name
from sessionworker.migration.baileys_names import ENDING, is_ambiguous, is_of_unknown_type, key_of, type_and_id_of
from sessionworker.migration.encodings import NotReadable, take_text
from sessionworker.migration.found import Reading
from sessionworker.migration.readers.collecting import NULL, Collector, shown
from sessionworker.names import CREDS
from sessionworker.values import is_json_object

ATTEMPTS = 3
PAUSE = 0.05
"""Seconds between them: most writers empty a file before they write it."""

RECENTLY = 60
"""Seconds since a file was written for the last time, after which nobody is in the midst of it."""

BACKUP = ".bak"
UNFINISHED = ".tmp"


class Layout(Struct, frozen=True):
    """What the files of a program are called."""

    ending: str = ENDING
    key_of: Callable[[str], str | None] = key_of
    """Gives the key of a name without its ending, or None for what is none of the program's."""
    is_fixed: bool = False
    """Whether names are Baileys' own, in which `/` and `:` are replaced."""
    has_backups: bool = False
    """Whether `NAME.bak` is what the file `NAME` was before."""
    has_folders: bool = False
    """Whether a `/` in a key makes a folder."""
    takes_unknown: bool = True
    """Whether what looks like a key of a type that nobody knows yet is taken."""


BAILEYS = Layout(is_fixed=True, has_backups=True)
"""`useMultiFileAuthState`: up to 7.0.0-rc14 without backups; openclaw keeps one of its creds."""

RAW = Layout(key_of=lambda name: name)
"""The keys as they are."""

RAW_AMONG_OTHERS = Layout(key_of=lambda name: name if name == CREDS or type_and_id_of(name) else None)
"""The same, where files of another kind may lie beside them."""

RAW_FOLDERS = structs.replace(RAW_AMONG_OTHERS, has_folders=True)
"""The same, where a `/` may have made a folder."""

ESCAPED = Layout(ending="", key_of=decode_name)
"""session-manager: no ending, and `%XX` where a client sent such a name."""


def read_folder(path: Path, layout: Layout, *, use_bak: bool = False) -> Reading:
    """Read an account. `use_bak`: take a key's backup where there is nothing else of it."""
    collector = Collector()
    try:
        with opened_folder(os.path.realpath(path)) as folder:
            _Reader(layout, folder, collector, use_bak=use_bak).read()
    except OSError as error:
        collector.note("folder_not_read", reason=error.strerror or "?")
    return collector.reading()


class _Reader:
    """Reads one folder that is open."""

    def __init__(self, layout: Layout, folder: int, collector: Collector, *, use_bak: bool) -> None:
        self._layout = layout
        self._folder = folder
        self._collector = collector
        self._use_bak = use_bak

    def read(self) -> None:
        """Read all that is in it."""
        names = set(self._names(self._folder, ""))
        stems = {name.removesuffix(self._layout.ending) for name in names if name.endswith(self._layout.ending)}
        self._look_at_names(stems)
        for name in sorted(names):
            self._read_name(name, names)

    def _names(self, folder: int, above: str) -> Iterator[str]:
        for name in os.listdir(folder):
            if self._layout.has_folders and not name.startswith("."):
                try:
                    with opened_folder(name, folder) as inner:
                        yield from self._names(inner, f"{above}{name}/")
                    continue
                except OSError:
                    pass  # a file, or what is told as one
            yield above + name

    def _look_at_names(self, stems: set[str]) -> None:
        """Say so if the names look like those of other programs."""
        if self._layout.is_fixed:
            if any(":" in stem for stem in stems):
                self._layout = RAW_AMONG_OTHERS
                self._collector.note("looks_raw")
        elif any(_is_fixed(stem) for stem in stems):
            self._collector.note("looks_fixed")

    def _read_name(self, name: str, names: set[str]) -> None:
        layout, skipped = self._layout, self._collector.skipped
        if name.startswith("."):
            skipped.add("skipped_foreign", shown(name))
        elif name.endswith(UNFINISHED):
            skipped.add("skipped_unfinished", shown(name))
        elif layout.has_backups and name.endswith(layout.ending + BACKUP):
            main = name.removesuffix(BACKUP)
            if main not in names:
                self._read_main(main, name)
        elif not name.endswith(layout.ending) or name.endswith(BACKUP):
            skipped.add("skipped_foreign", shown(name))
        else:
            self._read_main(name, name)

    def _read_main(self, main: str, name: str) -> None:
        """Read a key by its file's name; `name` is the one that is there, its backup's if there is no other."""
        skipped = self._collector.skipped
        key = self._key_of(main.removesuffix(self._layout.ending))
        if key is None:
            skipped.add("skipped_foreign", shown(name))
            return
        try:
            value = read_value(main, self._folder)
            if self._layout.has_backups and not _is_value(key, value):
                backup = read_value(main + BACKUP, self._folder)
                if _is_value(key, backup) and self._may_use_backup(key, main):
                    value = backup
        except NotAFile:
            skipped.add("skipped_foreign", shown(name))
        except OSError:
            skipped.add("skipped_forbidden", shown(name))
        else:
            if value is not None:  # else its writer has removed it meanwhile
                self._collector.add(key, value, main)

    def _may_use_backup(self, key: str, main: str) -> bool:
        """Tell whether a backup is taken for a key that has nothing better, and say what is done."""
        if key == CREDS:
            self._collector.note("creds_from_backup")
            return True
        self._collector.skipped.add("backup_taken" if self._use_bak else "skipped_backup", shown(main))
        return self._use_bak

    def _key_of(self, stem: str) -> str | None:
        key = self._layout.key_of(stem)
        if key is None and self._layout.takes_unknown and is_of_unknown_type(stem):
            if self._layout.is_fixed and is_ambiguous(stem):
                self._collector.skipped.add("unknown_type", shown(stem))
            return stem
        return key


def read_value(name: str, folder: int) -> bytes | None:
    """Read a file of an open folder, once more while it is no JSON text and somebody may be writing it."""
    value = read_file(name, folder)
    for _ in range(ATTEMPTS - 1):
        if value is None or is_text(value):
            break
        with suppress(FileNotFoundError):
            if time.time() - os.stat(name, dir_fd=folder).st_mtime > RECENTLY:
                break
        time.sleep(PAUSE)
        value = read_file(name, folder)
    return value


def is_text(value: bytes) -> bool:
    """Tell whether a file's bytes are a JSON text."""
    try:
        take_text(value)
    except NotReadable:
        return False
    return True


def _is_value(key: str, value: bytes | None) -> bool:
    """Tell whether a file holds something: of creds an object, of others a text that is not null."""
    if value is None:
        return False
    return is_json_object(value) if key == CREDS else is_text(value) and value.strip() != NULL


def _is_fixed(stem: str) -> bool:
    """Tell whether a name is one that Baileys made of a key: no id of these types holds such a thing itself."""
    kind = "sender-key-"
    return (stem.startswith(kind) and "--" in stem[len(kind) :]) or (
        stem.startswith("app-state-sync-key-") and "__" in stem
    )
