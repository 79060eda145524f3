"""The journal: its room is bounded, nothing of it is lost without a word, and no one fault ends it for good."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from random import randrange

import pytest

from sessionworker.errors import StartError, WorkerError
from tests.defects.calls import about, naming
from tests.defects.faults import disk_of
from tests.defects.store import (
    CREDS,
    JOURNAL,
    SEGMENT,
    append_what_nobody_knows,
    checkpoint,
    clock_file,
    close,
    create,
    creds,
    delete,
    deleting,
    file_of,
    is_done,
    journal_files,
    kill,
    open_store,
    read,
    segments,
    try_checkpoint,
    write,
)
from tests.defects.threads import Beside, Stopped

KEY = file_of("session-1")


def masked(reports: list[str]) -> set[str]:
    """What lines say but for their numbers."""
    return {re.sub(r"\d+", "#", line) for line in reports}


# Two at once


@pytest.mark.parametrize("first", ["checkpoint", "deletion"])
def test_a_checkpoint_and_a_deletion_at_once_end_nothing_after_a_start_on_a_full_disk(folder: Path, first: str) -> None:
    for number in count(1):
        root = folder / str(number)
        store = open_store(root)
        create(store)
        write(store, CREDS, creds(1))
        write(store, KEY, b"1")
        kill(root)
        reports: list[str] = []
        with disk_of(root) as disk:
            with disk.full():
                store = open_store(root, reports)
            # There is room again.
            calls: list[Callable[[], None]] = [partial(checkpoint, store), partial(delete, store, KEY)]
            if first == "deletion":
                calls.reverse()
            stopped = Stopped(calls[0], disk, about(JOURNAL), at=number)
            beside = Beside(calls[1])
            try:
                stopped.result()
                beside.result()
            except WorkerError:
                pytest.fail(f"{stopped.where}: {reports}")
        write(store, CREDS, creds(2))
        kill(root)
        store = open_store(root)
        assert read(store, KEY) is None, stopped.where
        assert read(store, CREDS) == creds(2)
        close(store)
        if stopped.where is None:
            assert number > 1
            return


# Its room


def test_the_journal_takes_no_more_room_with_each_checkpoint_that_fails(folder: Path) -> None:
    store = open_store(folder)
    for instance in ("a", "b"):
        create(store, instance=instance)
        for number in range(20):
            write(store, file_of(f"k{number}", instance), b"1")
    checkpoint(store)
    with disk_of(folder) as disk, disk.failing(errno.EACCES, naming("^g/a/")):
        write(store, file_of("k0"), b"2")
        for number in range(20):
            for instance in ("a", "b"):
                is_done(store, deleting(file_of(f"k{number}", instance)))
                try_checkpoint(store)
        room = sum(path.stat().st_blocks * 512 for path in journal_files(folder))
    assert room <= 6 * SEGMENT  # of 32 MiB: what docs/operations.md promises
    close(store)


# What it holds


def test_a_journal_of_a_newer_worker_stops_the_start_in_one_line(folder: Path) -> None:
    store = open_store(folder)
    create(store)
    append_what_nobody_knows(store)
    kill(folder)
    before = [path.read_bytes() for path in segments(folder)]
    with pytest.raises(StartError) as refusal:
        open_store(folder)
    assert "\n" not in str(refusal.value)
    assert [path.read_bytes() for path in segments(folder)] == before


def test_a_copied_journal_that_lacks_a_part_in_its_middle_does_not_open_without_a_word(folder: Path) -> None:
    store = open_store(folder)
    create(store)
    keys = [[file_of(f"{round_}-{number}-{'x' * 90}") for number in range(50)] for round_ in range(4)]
    for key in [key for keys_ in keys for key in keys_]:
        write(store, key, b"1")
    checkpoint(store)
    with disk_of(folder) as disk, disk.failing(errno.EACCES, naming("^g/a/")):
        for keys_ in keys:  # more than a segment each
            for key in keys_:
                delete(store, key)
            try_checkpoint(store)
        kill(folder)
    said = []
    for name in ("whole", "with a hole"):
        copy = folder.with_name(name)
        shutil.copytree(folder, copy)
        if name != "whole":
            parts = segments(copy)
            assert len(parts) > 2
            parts[len(parts) // 2].unlink()
        reports: list[str] = []
        try:
            close(open_store(copy, reports))
        except StartError as error:
            reports.append(str(error))
        said.append(masked(reports))
    assert said[1] - said[0]


def with_a_last_record(folder: Path) -> tuple[Path, int, int]:
    """Make a store that was killed; return the segment that holds its last record, and where that begins and ends."""
    store = open_store(folder)
    create(store)
    write(store, KEY, b"1")
    [segment] = segments(folder)
    before = segment.read_bytes()
    write(store, CREDS, creds(1))
    after = segment.read_bytes()
    kill(folder)
    changed = [place for place in range(len(after)) if after[place] != before[place]]
    return segment, changed[0], changed[-1] + 1


@pytest.mark.slow
def test_an_acknowledged_record_that_a_flipped_bit_spoils_is_never_passed_over_without_a_word(
    folder: Path, full: bool
) -> None:
    """In the gate every third bit, from another one each time: each of a byte comes, in one byte or another."""
    with_a_last_record(folder / "whole")
    usual: list[str] = []
    close(open_store(folder / "whole", usual))
    silent = []
    for bit in count() if full else count(randrange(3), 3):
        root = folder / str(bit)
        segment, begin, end = with_a_last_record(root)
        if begin + bit // 8 >= end:
            break
        data = bytearray(segment.read_bytes())
        data[begin + bit // 8] ^= 1 << bit % 8
        segment.write_bytes(data)
        reports: list[str] = []
        try:
            store = open_store(root, reports)
        except StartError:
            continue  # it is said
        if read(store, CREDS) != creds(1) and not masked(reports) - masked(usual):
            silent.append(bit)
        close(store)
        shutil.rmtree(root)
    assert bit > 300
    assert silent == []


@pytest.mark.parametrize("damage", [b"9" * 30, b"9" * 4000], ids=["30 digits", "4000 digits"])
def test_a_damaged_clock_refuses_no_write(folder: Path, damage: bytes) -> None:
    store = open_store(folder)
    create(store)
    close(store)
    clock_file(folder).write_bytes(damage)
    store = open_store(folder)
    write(store, CREDS, creds(1))
    checkpoint(store)
    kill(folder)
    store = open_store(folder)
    assert read(store, CREDS) == creds(1)
    close(store)
