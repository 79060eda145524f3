"""A journal of another version is read as that version wrote it, or stops the start with what to do."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from zlib import crc32

import pytest

from sessionworker.errors import StartError
from sessionworker.stores.files.records import Broken, Gone, Large, NewCreds, Part, Value, decode
from sessionworker.stores.files.segments import HEAD_SIZE
from tests.journal.words import replay, segments, write_journal

GOLDEN = Path(__file__).with_name("written")
"""Journals as each version wrote them: no later one may misread them."""


def test_a_journal_of_0_1_0_stops_the_start_with_what_to_do(folder: Path) -> None:
    copytree(GOLDEN / "0.1.0", folder)
    before = segments(folder)
    with pytest.raises(StartError, match=r"written by sessionworker 0\.1\.0") as stop:
        replay(folder)
    assert "\n" not in str(stop.value)
    assert segments(folder) == before


def test_a_journal_of_a_newer_version_stops_the_start_with_what_to_do(folder: Path) -> None:
    [path] = write_journal(folder, [b"1"])
    data = bytearray(path.read_bytes())
    data[6:8] = b"03"
    data[HEAD_SIZE - 4 : HEAD_SIZE] = crc32(data[: HEAD_SIZE - 4]).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(StartError, match="written by a newer version"):
        replay(folder)
    assert path.read_bytes() == data


def test_a_journal_of_this_format_is_read_by_every_later_version(folder: Path) -> None:
    copytree(GOLDEN / "2", folder)
    payloads, reports = replay(folder)
    assert reports == []
    id_, path, when = "6f1d" * 8, "codechat/Loja São", 1795446697264
    dropped = ".sessionworker/dropped/g~a~1795446697263-5d1f00aa"
    assert [decode(payload) for payload in payloads] == [
        [Part(id_, path, [Value("pre-key-1", b'{"private":1}'), Gone("session-1")], when)],
        [Part(id_, path, [NewCreds(b'{"me":1}', 1795446697263, "6d4f50e4047f", 7)], when)],
        [Part("a0" * 16, dropped, [NewCreds(None, 1795446697264)], when)],
        [Part(id_, path, [Broken("k"), Large("k", "large-1-1", 3_000_000)], when)],
        [],
    ]
