"""A journal of arbitrary bytes ends in the records that it holds, or stops the start; at once, and in little memory."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from sessionworker.errors import StartError
from sessionworker.stores.files import recovery, segments
from sessionworker.stores.files.segments import END
from tests.fuzz.changed import ODD_NUMBERS, changed, pieces_of
from tests.fuzz.conftest import Tries
from tests.journal.words import SEGMENT, opened, replay, write_journal

FIRST = segments.name_of(1)
MOST_SECONDS = 1.0
"""Of the processor, for a journal of a few KiB."""

GROUPS = st.lists(st.lists(st.binary(max_size=60), min_size=1, max_size=5), min_size=1, max_size=3)
NAMES = st.sampled_from(
    [FIRST, segments.name_of(2), segments.name_of(10**20), "x.segment", ".segment", "\udcff.segment"]
)


def head(first: int, inode: int, salt: bytes) -> bytes:
    """A head whose checksum is right."""
    return segments._pack_head(first, inode, salt)


def record(mark: int, number: int, payload: bytes) -> bytes:
    """A record whose checksum is right."""
    return segments._pack_record_head(mark, number % 2**64, payload) + payload


def contents(folder: Path) -> dict[str, bytes]:
    """All that is in a folder, but for the reserve, and for a segment that was never begun."""
    found = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith("spare")}
    return {name: data for name, data in found.items() if any(data)}


def payloads(folder: Path) -> list[bytes]:
    """What a journal gives back; nothing of it is open afterwards."""
    journal = opened(folder)
    try:
        return list(journal.replay(lambda *_: None))
    finally:
        journal.rotate()
        os.close(journal._folder)


def read(folder: Path, cases: Counter[str]) -> list[bytes] | None:
    """What a journal gives back, or None where the start stops; then it is as it was."""
    before = contents(folder)
    found, said = None, ""
    started = time.process_time()
    tracemalloc.start()
    try:
        found = payloads(folder)
    except StartError as stop:
        said = str(stop)
    finally:
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert time.process_time() - started < MOST_SECONDS
    assert memory < 2**17 + 8 * sum(map(len, before.values()))
    assert "\n" not in said
    assert found is not None or contents(folder) == before
    cases["stopped the start" if found is None else "gave records back" if found else "held nothing"] += 1
    return found


def test_a_journal_that_was_changed_gives_what_was_in_it_or_stops_the_start(tries: Tries, cases: Counter[str]) -> None:
    @tries(60)
    @given(GROUPS, st.data())
    def try_one(groups: list[list[bytes]], data: DataObject) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder)
            paths = write_journal(path, *groups)
            one = paths[data.draw(st.integers(0, len(paths) - 1))]
            used = one.read_bytes().rstrip(b"\0") + END
            one.write_bytes(data.draw(changed(used)).ljust(SEGMENT, b"\0"))
            found = read(path, cases)
            written = [payload for group in groups for payload in group]
            if found is not None:
                assert found == written[: len(found)]
                assert read(path, cases) == found

    try_one()


def test_a_journal_of_anything_with_right_checksums_gives_values_or_stops_the_start(
    tries: Tries, cases: Counter[str]
) -> None:
    numbers = st.one_of(st.integers(0, 4), st.sampled_from(ODD_NUMBERS))
    salts = st.sampled_from([b"a" * 16, b"b" * 16])
    records = st.lists(st.tuples(st.none() | st.none() | numbers, st.binary(max_size=30), st.booleans()), max_size=5)
    names = st.none() | st.none() | NAMES
    files = st.tuples(names, numbers, salts, records, st.booleans(), st.sampled_from([b"", bytes(40)]) | st.binary())

    @tries(80)
    @given(st.lists(files, max_size=3))
    def try_one(parts: list[tuple[str | None, int, bytes, list[tuple[int | None, bytes, bool]], bool, bytes]]) -> None:
        with TemporaryDirectory() as folder:
            for name, first, salt, records, is_copy, rest in parts:
                path = Path(folder, name or segments.name_of(first))
                path.touch()
                data = head(first, 1 if is_copy else path.stat().st_ino, salt)
                data += b"".join(
                    record(
                        crc32(b"of before" if is_old else salt), first + place if number is None else number, payload
                    )
                    for place, (number, payload, is_old) in enumerate(records)
                )
                path.write_bytes(data + rest)
            read(Path(folder), cases)

    try_one()


def test_a_journal_of_arbitrary_bytes_stops_the_start_or_was_never_begun(tries: Tries, cases: Counter[str]) -> None:
    salt = b"a" * 16
    mark = crc32(salt)
    parts = (head(1, 1, salt), record(mark, 1, b"1"), record(mark, 2, b""), mark.to_bytes(4, "little"), bytes(40))

    @tries(100)
    @given(st.dictionaries(NAMES, st.binary(max_size=80) | pieces_of(*parts), max_size=3))
    def try_one(files: dict[str, bytes]) -> None:
        with TemporaryDirectory() as folder:
            for name, data in files.items():
                Path(folder, name).write_bytes(data)
            read(Path(folder), cases)

    try_one()


# What was found


def pipe(path: Path) -> None:
    """It was waited for whoever writes to it, for ever."""
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def nowhere(path: Path) -> None:
    path.symlink_to("/nowhere")


def larger_than_any(path: Path) -> None:
    """All of it was read into memory: a file of zeros takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(2**42)


@pytest.mark.parametrize("make", [pipe, folder, link, nowhere, larger_than_any])
def test_what_is_no_file_of_a_journal_stops_the_start_at_once(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / FIRST)
    with pytest.raises(StartError, match=f"{FIRST} is no part of a journal"):
        replay(tmp_path)


def test_a_segment_as_large_as_one_may_be_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = write_journal(tmp_path, [b"1"])
    monkeypatch.setattr(recovery, "LARGEST", path.stat().st_size)
    assert replay(tmp_path)[0] == [b"1"]


def test_what_looks_like_records_at_every_place_is_not_looked_at_for_ever(tmp_path: Path) -> None:
    """Each claims to be long, and was read to its end: 22 seconds for 1 MiB, four times as many for twice as much."""
    path = tmp_path / FIRST
    path.touch()
    salt = next(salt for number in count() if 2**17 < crc32(salt := number.to_bytes(16, "big")) < 2**18)
    marks = crc32(salt).to_bytes(4, "little") * 2**18
    path.write_bytes(head(1, path.stat().st_ino, salt) + bytes(4) + marks)
    started = time.process_time()
    with pytest.raises(StartError, match="damaged in the middle"):
        replay(tmp_path)
    assert time.process_time() - started < 3 * MOST_SECONDS
