"""The journal: what was appended comes back whole and in order, or the start stops and nothing is thrown away."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from shutil import copytree, rmtree
from tempfile import mkdtemp
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionworker.errors import StartError
from sessionworker.stores.files.journal import RESERVE, Journal
from sessionworker.stores.files.records import Broken, Gone, Large, NewCreds, Part, Value, decode
from sessionworker.stores.files.segments import HEAD_SIZE, RECORD_HEAD_SIZE

SEGMENT = 512


def opened(folder: Path) -> Journal:
    """A journal on a folder, which is made if it is missing."""
    folder.mkdir(exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    return Journal(str(folder), handle, sync=False, segment_size=SEGMENT)


def begin(folder: Path) -> Journal:
    """Open a journal on a folder where nothing is to be replayed, as after a clean end."""
    journal = opened(folder)
    assert list(journal.replay(lambda _: None)) == []
    return journal


def replay(folder: Path) -> tuple[list[bytes], list[str]]:
    """What the journal in a folder gives back, and what it reports."""
    reports: list[str] = []
    journal = opened(folder)
    try:
        return list(journal.replay(reports.append)), reports
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


# What comes back


def test_what_was_appended_comes_back_in_order(folder: Path) -> None:
    payloads = [b"one", b"", b"\x00" * 100, b"four"]
    write_journal(folder, payloads)
    assert replay(folder) == (payloads, [])
    assert replay(folder) == (payloads, [])  # and again: a replay alone lets go of nothing


def test_it_comes_back_across_segments(folder: Path) -> None:
    paths = write_journal(folder, [b"1", b"2"], [b"3"], [b"4", b"5"])
    assert len(paths) == 3
    assert replay(folder) == ([b"1", b"2", b"3", b"4", b"5"], [])


@pytest.mark.parametrize("size", [SEGMENT, SEGMENT + 1, 5 * SEGMENT, 2**20])
def test_a_record_may_be_larger_than_a_segment(folder: Path, size: int) -> None:
    payload = Random(1).randbytes(size)
    write_journal(folder, [b"before", payload, b"after"], [payload])
    assert replay(folder) == ([b"before", payload, b"after", payload], [])


def test_what_was_let_go_does_not_come_back(folder: Path) -> None:
    journal = begin(folder)
    journal.append(b"old")
    journal.rotate()
    journal.append(b"new")
    journal.release(journal.closed)
    let_go(journal)
    assert replay(folder) == ([b"new"], [])


def test_a_segment_that_is_used_again_does_not_give_back_its_earlier_records(folder: Path) -> None:
    journal = begin(folder)
    for number in range(8):
        for _ in range(8 - number):
            journal.append(b"round %d" % number)
        if number < 7:
            journal.rotate()
            journal.release(journal.closed)
    let_go(journal)
    [segment] = segments(folder).values()
    assert any(b"round %d" % number in segment for number in range(7)), "it was not used again: this shows nothing"
    assert replay(folder) == ([b"round 7"], [])


def test_nothing_is_left_after_a_clean_end(folder: Path) -> None:
    journal = begin(folder)
    journal.append(b"1")
    journal.rotate()
    journal.release(journal.closed)
    journal.close()
    assert segments(folder) == {}
    assert replay(folder) == ([], [])


def test_what_was_not_let_go_is_kept_at_the_end(folder: Path) -> None:
    journal = begin(folder)
    journal.append(b"1")
    journal.close()
    assert replay(folder) == ([b"1"], [])


@pytest.mark.parametrize("times", [1, 2, 3])
def test_rotating_a_journal_to_which_nothing_was_appended_loses_nothing(folder: Path, times: int) -> None:
    journal = begin(folder)
    journal.append(b"1")
    for _ in range(times):
        journal.rotate()
    journal.release(journal.closed)
    journal.append(b"2")
    let_go(journal)
    assert replay(folder)[0][-1:] == [b"2"]


def test_what_is_appended_after_a_replay_is_kept(folder: Path) -> None:
    write_journal(folder, [b"1", b"2"])
    journal = opened(folder)
    assert list(journal.replay(lambda _: None)) == [b"1", b"2"]
    journal.rotate()
    journal.release(journal.closed)
    journal.append(b"3")
    let_go(journal)
    assert replay(folder) == ([b"3"], [])


# What a crash tears


@pytest.mark.parametrize("cut", range(1, RECORD_HEAD + 10 - 4))
def test_a_torn_last_record_is_cut_off_and_reported(folder: Path, cut: int) -> None:
    *_, last = write_journal(folder, [b"1"], [b"whole", b"torn apart"])
    data = last.read_bytes()
    end = end_of_records([b"whole", b"torn apart"])
    last.write_bytes(data[: end - cut] + bytes(len(data) - end + cut))
    payloads, reports = replay(folder)
    assert payloads == [b"1", b"whole"]
    assert len(reports) == 1
    assert "is not whole" in reports[0]


def test_a_torn_record_is_cut_off_where_the_file_ends_too(folder: Path) -> None:
    *_, last = write_journal(folder, [b"whole", b"torn apart"])
    data = last.read_bytes()
    last.write_bytes(data[: end_of_records([b"whole", b"torn apart"]) - 3])
    payloads, reports = replay(folder)
    assert payloads == [b"whole"]
    assert len(reports) == 1


def test_a_record_takes_the_place_of_a_torn_one(folder: Path) -> None:
    *_, last = write_journal(folder, [b"whole", b"torn apart"])
    data = last.read_bytes()
    end = end_of_records([b"whole", b"torn apart"])
    last.write_bytes(data[: end - 3] + bytes(len(data) - end + 3))
    journal = opened(folder)
    assert list(journal.replay(lambda _: None)) == [b"whole"]
    journal.append(b"next")
    let_go(journal)
    assert replay(folder)[0] == [b"whole", b"next"]


class Refusing:
    """A disk that does what `os.pwritev` is to do, but says that it failed, for the calls of these numbers."""

    def __init__(self, patch: pytest.MonkeyPatch, error: int, *calls: int) -> None:
        self._real = os.pwritev
        self._error = error
        self._calls = calls
        self._count = 0
        patch.setattr(os, "pwritev", self._pwritev)

    def _pwritev(self, *arguments: Any) -> int:
        self._count += 1
        written = self._real(*arguments)
        if self._count in self._calls:
            raise OSError(self._error, os.strerror(self._error))
        return written


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("calls", [(1,), (1, 2)], ids=["undone", "not undone"])
def test_what_was_refused_does_not_come_back_though_the_disk_has_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: int, calls: tuple[int, ...]
) -> None:
    journal = begin(folder)
    journal.append(b"1")
    with monkeypatch.context() as patch:
        Refusing(patch, error, *calls)
        with pytest.raises(OSError, match=os.strerror(error)):
            journal.append(b"refused, and longer than what follows")
    journal.append(b"2")
    let_go(journal)
    assert replay(folder) == ([b"1", b"2"], [])


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_what_was_refused_does_not_come_back_though_nothing_was_appended_since(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    journal = begin(folder)
    journal.append(b"1")
    with monkeypatch.context() as patch:
        Refusing(patch, error, 1)
        with pytest.raises(OSError, match=os.strerror(error)):
            journal.append(b"refused")
    let_go(journal)
    assert replay(folder) == ([b"1"], [])


def test_after_a_failed_sync_nothing_more_is_written_to_that_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begin(folder)
    journal.append(b"first")
    with monkeypatch.context() as patch:
        Refusing(patch, errno.EIO, 1)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            journal.append(b"refused")
    journal.append(b"second")
    let_go(journal)
    assert [b"first" in data for data in segments(folder).values()] == [True, False]
    assert [b"second" in data for data in segments(folder).values()] == [False, True]


def test_one_kill_after_the_other_takes_no_further_segment(folder: Path) -> None:
    for number in range(5):
        journal = opened(folder)
        assert list(journal.replay(lambda _: None)) == [b"%d" % before for before in range(number)]
        journal.append(b"%d" % number)
        let_go(journal)
    assert len(segments(folder)) == 1
    assert replay(folder) == ([b"0", b"1", b"2", b"3", b"4"], [])


def test_a_segment_with_a_torn_end_is_not_appended_to(folder: Path) -> None:
    [path] = write_journal(folder, [b"1", b"2"])
    data = bytearray(path.read_bytes())
    data[end_of_records([b"1", b"2"]) - 1] ^= 1
    path.write_bytes(data)
    journal = opened(folder)
    assert list(journal.replay(lambda _: None)) == [b"1"]
    journal.append(b"3")
    let_go(journal)
    assert len(segments(folder)) == 2
    assert replay(folder)[0] == [b"1", b"3"]


# What is lost otherwise


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


def test_a_damaged_record_before_others_stops_the_start(folder: Path) -> None:
    [path] = write_journal(folder, [b"first", b"second", b"third"])
    flip(path, path.read_bytes().index(b"second"))
    assert path.name in assert_start_stops(folder)


def test_a_damaged_last_record_of_a_segment_before_others_stops_the_start(folder: Path) -> None:
    first, _ = write_journal(folder, [b"first", b"second"], [b"third"])
    flip(first, first.read_bytes().index(b"second"))
    assert_start_stops(folder)


def test_a_missing_segment_between_others_stops_the_start(folder: Path) -> None:
    _, second, _ = write_journal(folder, [b"1"], [b"2"], [b"3"])
    second.unlink()
    assert_start_stops(folder)


def test_a_segment_that_is_cut_short_before_others_stops_the_start(folder: Path) -> None:
    first, _ = write_journal(folder, [b"1", b"22222222"], [b"3"])
    first.write_bytes(first.read_bytes()[: end_of_records([b"1", b"22222222"]) - 4])
    assert_start_stops(folder)


@pytest.mark.parametrize("offset", [0, 7, 8, 16, SEGMENT_HEAD // 2, SEGMENT_HEAD - 1])
@pytest.mark.parametrize("position", [0, 1, 2], ids=["first", "middle", "last"])
def test_a_damaged_head_of_a_segment_stops_the_start(folder: Path, offset: int, position: int) -> None:
    paths = write_journal(folder, [b"1"], [b"2"], [b"3"])
    flip(paths[position], offset)
    assert_start_stops(folder)


def test_the_damaged_head_of_the_only_segment_stops_the_start(folder: Path) -> None:
    [path] = write_journal(folder, [b"1", b"2"])
    flip(path, 20)
    assert_start_stops(folder)


# Anything

HISTORIES = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.binary(max_size=120)),
        st.tuples(st.just("append"), st.binary(max_size=120)),
        st.tuples(st.just("append"), st.integers(0, 1500).map(bytes)),
        st.tuples(st.just("rotate"), st.just(b"")),
        st.tuples(st.just("release"), st.just(b"")),
        st.tuples(st.just("kill"), st.just(b"")),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the journals of all examples."""
    folder = tmp_path_factory.mktemp("journals")
    yield folder
    rmtree(folder)


def live(folder: Path, history: list[tuple[str, bytes]]) -> tuple[list[bytes], list[bytes]]:
    """Run a history, end it with a kill, and return the payloads that were not let go, and all of them.

    What was let go before is a prefix of all of them; what comes back has to begin where it ended.
    """
    kept: list[bytes] = []
    rotated = closed = 0  # of those that are kept, how many were there at the last rotation, and in how many segments
    everything: list[bytes] = []
    journal = begin(folder)
    for step, payload in history:
        match step:
            case "append":
                journal.append(payload)
                kept.append(payload)
                everything.append(payload)
            case "rotate":
                journal.rotate()
                rotated, closed = len(kept), journal.closed
            case "release":
                journal.release(closed)
                del kept[:rotated]
                rotated = closed = 0
            case "kill":
                let_go(journal)
                journal = opened(folder)
                assert list(journal.replay(lambda _: None)) == kept
                rotated = closed = 0
    let_go(journal)
    return kept, everything


@settings(max_examples=150, deadline=None)
@given(history=HISTORIES)
def test_after_any_history_exactly_what_was_not_let_go_comes_back(base: Path, history: list[tuple[str, bytes]]) -> None:
    folder = Path(mkdtemp(dir=base))
    kept, _ = live(folder, history)
    assert replay(folder)[0] == kept


@settings(max_examples=100, deadline=None)
@given(history=HISTORIES, cut=st.integers(1, 2000), hole=st.booleans())
def test_after_any_history_a_cut_tail_gives_a_prefix(
    base: Path, history: list[tuple[str, bytes]], cut: int, *, hole: bool
) -> None:
    folder = Path(mkdtemp(dir=base))
    kept, _ = live(folder, history)
    paths = sorted(folder.glob("*.segment"))
    if not paths:
        return
    last = paths[-1]
    data = last.read_bytes()
    length = max(SEGMENT_HEAD, len(data) - cut)  # the head was synced long before
    last.write_bytes(data[:length] + (bytes(len(data) - length) if hole else b""))
    found, _ = replay(folder)
    assert found == kept[: len(found)]


@settings(max_examples=100, deadline=None)
@given(
    payloads=st.lists(st.binary(max_size=60), min_size=2, max_size=12),
    rotations=st.sets(st.integers(1, 11), max_size=4),
    place=st.integers(0, 10_000),
    bit=st.integers(0, 7),
)
def test_one_flipped_bit_anywhere_is_found(
    base: Path, payloads: list[bytes], rotations: set[int], place: int, bit: int
) -> None:
    folder = Path(mkdtemp(dir=base))
    cuts = [0, *sorted(cut for cut in rotations if cut < len(payloads)), len(payloads)]
    groups = [payloads[begin:end] for begin, end in pairwise(cuts)]
    paths = write_journal(folder, *groups)
    places = [
        (path, offset) for path, group in zip(paths, groups, strict=True) for offset in range(end_of_records(group))
    ]
    place %= len(places)
    is_in_last_record = place >= len(places) - RECORD_HEAD - len(payloads[-1])
    flip(*places[place], bit)
    if is_in_last_record:  # it cannot be told from one that was torn, and never acknowledged
        assert replay(folder)[0] == payloads[:-1]
    else:
        assert_start_stops(folder)


# The reserve


def spares(folder: Path) -> int:
    """How many segments are ready for use."""
    return len(list(folder.glob("spare-*")))


class Full:
    """A disk on which no file can be filled."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.tries = 0
        patch.setattr(os, "posix_fallocate", self._refuse)

    def _refuse(self, *_: object) -> None:
        self.tries += 1
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


LARGE = bytes(SEGMENT - HEAD_SIZE - 2 * RECORD_HEAD_SIZE)
"""A payload that fills a segment."""


def test_the_reserve_is_filled_and_stays_filled(folder: Path) -> None:
    journal = begin(folder)
    journal.refill()
    for _ in range(5):
        journal.append(LARGE)
        journal.rotate()
        assert spares(folder) >= RESERVE
        journal.release(journal.closed)
    assert journal.missing() == 0
    journal.close()
    assert spares(folder) == RESERVE
    assert segments(folder) == {}


def test_without_room_what_frees_none_is_refused_and_what_frees_some_has_the_reserve(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begin(folder)
    journal.refill()
    journal.append(LARGE)
    with monkeypatch.context() as patch:
        disk = Full(patch)
        for _ in range(3):
            with pytest.raises(OSError, match="space"):
                journal.append(LARGE)
        assert disk.tries == 1, "a full disk is filled with zeros again and again"
        for _ in range(RESERVE):
            journal.append(LARGE, frees_room=True)
        with pytest.raises(OSError, match="space"):
            journal.append(LARGE, frees_room=True)
        assert journal.missing() == RESERVE * SEGMENT
        # What was let go of is the reserve again, and needs no room.
        journal.rotate()
        journal.release(journal.closed)
        journal.refill()
    journal.append(b"there is room")
    let_go(journal)
    assert replay(folder)[0] == [b"there is room"]


def test_the_reserve_can_be_lent_to_the_disk_until_it_is_gone(folder: Path) -> None:
    journal = begin(folder)
    journal.refill()
    assert [journal.lend() for _ in range(RESERVE + 1)] == [True] * RESERVE + [False]
    assert spares(folder) == 0
    journal.refill()
    assert spares(folder) == RESERVE
    journal.close()


def test_segments_that_a_load_needed_stay_ready_for_the_next_and_go_when_there_is_none(folder: Path) -> None:
    journal = begin(folder)
    for _ in range(8):
        journal.append(LARGE)
    journal.rotate()
    journal.release(journal.closed)
    assert spares(folder) == 8
    journal.append(b"1")
    journal.rotate()
    journal.release(journal.closed)
    assert spares(folder) == RESERVE + 1
    journal.close()


def test_what_was_being_filled_when_the_worker_ended_is_removed(folder: Path) -> None:
    folder.mkdir()
    for name, size in {"filling-3": 7, "spare-5": SEGMENT - 1, "spare-x": SEGMENT, "spare": 2**16}.items():
        (folder / name).write_bytes(bytes(size))
    begin(folder).close()
    assert list(folder.iterdir()) == []


# Other versions


GOLDEN = Path(__file__).with_name("journals")
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
