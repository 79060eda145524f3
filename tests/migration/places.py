"""Folders as programs leave them, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from sessionworker.migration.baileys_names import file_name_of
from sessionworker.migration.found import Account, Reading, Source
from sessionworker.migration.notes import Note


def write_fixed(folder: Path, values: Mapping[str, bytes]) -> Path:
    """Write an account as Baileys does."""
    return _write(folder, {f"{file_name_of(key)}.json": value for key, value in values.items()})


def write_raw(folder: Path, values: Mapping[str, bytes], ending: str = "") -> Path:
    """Write an account under its keys as they are, without those that hold a slash: no writer of these stored them."""
    return _write(folder, {f"{key}{ending}": value for key, value in values.items() if "/" not in key})


def _write(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name).write_bytes(value)
    return folder


def codes(notes: Iterable[Note]) -> list[str]:
    """The codes of notes, each of which can be said in both languages."""
    found = list(notes)
    assert all(note.text() and note.text("pt-BR") for note in found)
    return [note.code for note in found]


def text_of_note(notes: Iterable[Note], code: str) -> str:
    [note] = [note for note in notes if note.code == code]
    return note.text()


def differing(values: Mapping[str, bytes], expected: Mapping[str, bytes]) -> list[str]:
    """The keys whose values differ. To show the values themselves takes pytest minutes, if one does."""
    return sorted(key for key in {*values, *expected} if values.get(key) != expected.get(key))


def only(source: Source) -> tuple[Account, Reading]:
    """The only account of a source, read."""
    [account] = source.accounts()
    return account, source.read(account)


def names(source: Source) -> list[str]:
    return [account.name for account in source.accounts()]


def everything_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    """What lies in a folder, byte for byte, and when it was written: nothing of it may change."""
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else b"", path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
    }
