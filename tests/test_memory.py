"""What a store remembers of its disk is right, and bounded."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from sessionworker.stores.files.memory import KnownNames, RecentValues

NAMES = st.lists(st.text(max_size=5), max_size=30)


@given(listed=NAMES, added=NAMES, asked=NAMES)
def test_every_name_that_was_given_is_known_and_no_other(listed: list[str], added: list[str], asked: list[str]) -> None:
    known = KnownNames(listed)
    for name in added:
        known.add(name)
    assert all(name in known for name in listed + added)
    others = {name for name in asked if name not in listed and name not in added}
    assert not [name for name in others if name in known]


def test_a_name_that_is_known_already_takes_no_further_place() -> None:
    known = KnownNames(f"session-{number}" for number in range(1000))
    for number in range(1000):
        known.add(f"session-{number}")
    assert len(known) == 1000


def test_a_listed_name_takes_few_bytes() -> None:
    names = [f"session-{number}" for number in range(100_000)]
    tracemalloc.start()
    try:
        known = KnownNames(names)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(known) == 100_000
    assert used < 100_000 * 10


KEYS = st.integers(0, 9)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, 400).map(bytes)),
        st.tuples(st.just("remove"), KEYS, st.just(b"")),
    )
)


@given(steps=STEPS)
def test_a_recent_value_is_the_last_one_or_none(steps: list[tuple[str, int, bytes]]) -> None:
    recent = RecentValues(most_bytes=1000, largest=300)
    last: dict[int, bytes] = {}
    for step, key, value in steps:
        if step == "put":
            recent.put(key, value)
            last[key] = value
        else:
            recent.remove(key)
            last.pop(key, None)
            assert recent.get(key) is None
        assert all(recent.get(known) in {None, last.get(known)} for known in range(10))
        kept = [found for known in range(10) if (found := recent.get(known)) is not None]
        assert sum(map(len, kept)) <= 1000
        assert all(len(found) <= 300 for found in kept)


def test_the_values_put_last_are_kept() -> None:
    recent = RecentValues(most_bytes=20_000, largest=1000)
    for number in range(100):
        recent.put(number, bytes(1000))
    assert recent.get(0) is None
    assert recent.get(99) == bytes(1000)
    kept = [number for number in range(100) if recent.get(number) is not None]
    assert kept == list(range(100 - len(kept), 100))
    assert len(kept) >= 5


def test_a_value_that_is_too_large_takes_the_place_of_none_and_leaves_no_older_one() -> None:
    recent = RecentValues(most_bytes=10_000, largest=10)
    recent.put("a", b"old")
    recent.put("b", b"other")
    recent.put("a", b"much too large")
    assert recent.get("a") is None
    assert recent.get("b") == b"other"


def test_small_values_are_counted_with_what_they_take_in_memory() -> None:
    most = 100_000
    recent = RecentValues(most_bytes=most)
    tracemalloc.start()
    try:
        for number in range(20_000):
            recent.put(("instance", f"lid-mapping-{number}"), b"%d" % number)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert recent.get(("instance", "lid-mapping-19999")) == b"19999"
    assert used < 5 * most
