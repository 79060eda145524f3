"""Stores on a disk that fills up, whose journal has segments of several blocks."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sessionworker.names import SessionFile
from sessionworker.stores.changes import CreateGroup, CreateInstance, Entry, Probe
from tests.contract.words import (
    CREDS,
    KEY,
    write,
)
from tests.files import words
from tests.files.words import (
    own_folder,
)

SEGMENT = 2**16
"""Bytes of a segment of the journal: several blocks of a disk, as of life's."""

start, start_after_kill = (partial(opened, segment_size=SEGMENT) for opened in (words.start, words.start_after_kill))

BIG = b'"%b"' % (b"x" * 2 * SEGMENT)
"""A value that fits in no segment of the journal that something is in."""

NEEDING_ROOM: list[Entry] = [write(KEY, BIG), CreateInstance("codechat", "new"), CreateGroup("new"), Probe()]


def key(number: int) -> SessionFile:
    return CREDS._replace(key=f"k{number}")


def journal_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (own_folder(folder) / "journal").iterdir())


def ready_segments(folder: Path) -> int:
    return len(list((own_folder(folder) / "journal").glob("spare-*")))
