"""A journal as the tests speak of it: begun, left as a kill leaves it, damaged, and given back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sessionworker.errors import StartError
from sessionworker.stores.files.codec import Plain
from sessionworker.stores.files.journal import Journal
from sessionworker.stores.files.segments import HEAD_SIZE, RECORD_HEAD_SIZE

SEGMENT = 512


def opened(folder: Path) -> Journal:
    """A journal on a folder, which is made if it is missing."""
    folder.mkdir(exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    return Journal(str(folder), handle, Plain(), sync=False, segment_size=SEGMENT)


def begin(folder: Path) -> Journal:
    """Open a journal on a folder where nothing is to be replayed, as after a clean end."""
    journal = opened(folder)
    assert list(journal.replay(lambda *_: None)) == []
    return journal


def replay(folder: Path) -> tuple[list[bytes], list[str]]:
    """What the journal in a folder gives back, and what it reports."""
    reports: list[str] = []
    journal = opened(folder)
    try:
        return list(journal.replay(lambda _, text: reports.append(text))), reports
    finally:
        os.close(journal._folder)


def let_go(journal: Journal) -> None:
    """Close the journal's files without a word to it, as a kill does."""
    for handle in list(Path("/proc/self/fd").iterdir()):
        if handle.exists() and f"{handle.readlink()}/".startswith(f"{journal._path}/"):
            os.close(int(handle.name))


def segments(folder: Path) -> dict[str, bytes]:
    """The segments in a folder, oldest first, with their bytes."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.segment"))}


def write_journal(folder: Path, *groups: list[bytes]) -> list[Path]:
    """Write a journal of one segment for each group of payloads, leave it as a kill does, and return the segments."""
    journal = begin(folder)
    for payloads in groups:
        journal.rotate()
        for payload in payloads:
            journal.append(payload)
    let_go(journal)
    return sorted(folder.glob("*.segment"))


SEGMENT_HEAD, RECORD_HEAD = HEAD_SIZE, RECORD_HEAD_SIZE


def end_of_records(payloads: list[bytes]) -> int:
    """The byte after the last of the records that begin a segment."""
    return SEGMENT_HEAD + sum(RECORD_HEAD + len(payload) for payload in payloads)


# Damage


def assert_start_stops(folder: Path) -> str:
    """The replay stops with what to do, in one line, and touches nothing. Returns that line."""
    before = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith("spare")}
    with pytest.raises(StartError) as stop:
        replay(folder)
    after = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith("spare")}
    assert after == before
    said = str(stop.value)
    assert "\n" not in said
    assert "nothing was thrown away" in said
    assert str(folder) in said
    assert "restore" in said
    return said


def flip(path: Path, offset: int, bit: int = 0) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)
