"""Whatever was done to a journal, what was not let go comes back, and one flipped bit is found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journal.words import (
    RECORD_HEAD,
    SEGMENT_HEAD,
    assert_start_stops,
    begin,
    end_of_records,
    flip,
    let_go,
    opened,
    replay,
    write_journal,
)

pytestmark = pytest.mark.slow

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
                assert list(journal.replay(lambda *_: None)) == kept
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
