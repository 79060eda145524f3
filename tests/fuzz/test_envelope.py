"""Whatever lies where something sealed should, or a key: it opens to what was sealed, or is refused as foreseen."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from sessionworker.errors import StartError
from sessionworker.keys import PLAIN, read_keys
from sessionworker.stores.files.codec import MARK_BYTES, SEALED, SealBroken, Sealed
from sessionworker.stores.seal import KEY_BYTES, MARK, OVERHEAD, Key, NotOpened, Seal
from tests.fuzz.changed import changed, pieces_of
from tests.fuzz.conftest import Tries
from tests.no_long_names import NoLongNames

KEYS = [Key(bytes([number]) * KEY_BYTES) for number in range(3)]
PLACES = st.lists(st.text(st.characters(codec="utf-8") | st.just("\udcff"), max_size=6), max_size=3).map(tuple)
"""With one surrogate: a file name that is no UTF-8 has some of that kind."""

NAMES = st.text(
    st.characters(codec="utf-8"), min_size=1, max_size=33
)  # or it is too long to be sealed into a file name
LETTERS = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567=A1 é\udcff"), max_size=60)


@pytest.fixture
def codec() -> Sealed:
    return Sealed(Seal(KEYS[:2]), NoLongNames())


def test_a_sealed_value_comes_back_and_a_changed_one_never_opens(
    codec: Sealed, tries: Tries, cases: Counter[str]
) -> None:
    @tries(160)
    @given(st.binary(max_size=200), PLACES, st.data())
    def try_one(value: bytes, place: tuple[str, ...], data: DataObject) -> None:
        sealed = codec.seal(value, *place)
        assert codec.open(sealed, *place) == value
        other = data.draw(changed(sealed))
        assume(other != sealed)
        with pytest.raises(SealBroken):
            codec.open(other, *place)
        assert not codec.is_current(other) or other.startswith(sealed[: OVERHEAD - 16 - 28])
        cases["changed and refused"] += 1

    try_one()


def test_arbitrary_bytes_are_no_sealed_value(codec: Sealed, tries: Tries, cases: Counter[str]) -> None:
    admitting = Sealed(Seal(KEYS[:2]), NoLongNames(), admits_plain=True)
    parts = pieces_of(MARK, KEYS[0].id, KEYS[2].id, bytes(16), bytes(60))

    @tries(160)
    @given(st.binary(max_size=100) | parts, PLACES)
    @example(b"", ())
    @example(MARK, ())
    @example(MARK + KEYS[0].id + bytes(OVERHEAD - 8), ())
    def try_one(data: bytes, place: tuple[str, ...]) -> None:
        with pytest.raises(SealBroken):
            codec.open(data, *place)
        if data.startswith(MARK):
            with pytest.raises(SealBroken):
                admitting.open(data, *place)
        else:
            assert admitting.open(data, *place) == data
        assert codec.size_in(len(data), "creds") == len(data)
        assert codec.size_in(len(data), SEALED) == max(0, len(data) - OVERHEAD)
        cases["refused"] += 1

    try_one()


def test_a_sealed_name_comes_back_and_a_changed_one_stands_for_none(
    codec: Sealed, tries: Tries, cases: Counter[str]
) -> None:
    @tries(160)
    @given(NAMES, PLACES, st.data())
    def try_one(name: str, place: tuple[str, ...], data: DataObject) -> None:
        sealed = codec.encode_name(name, *place)
        assert codec.decode_name(sealed, *place) == name
        other = data.draw(changed(sealed.encode())).decode(errors="surrogateescape")
        assume(other != sealed)
        near = {f"{sealed[:-1]}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz234567="} - {sealed}
        for name_of_none in (other, *near, SEALED + sealed.removeprefix(SEALED).upper()):
            assert codec.decode_name(name_of_none, *place) is None
        cases["changed and none"] += 1

    try_one()


def test_arbitrary_file_names_are_no_sealed_ones(codec: Sealed, tries: Tries, cases: Counter[str]) -> None:
    @tries(160)
    @given(LETTERS | st.text(st.characters(), max_size=40), PLACES)
    @example("a" * 26 + "ß", ())
    @example("", ())
    def try_one(letters: str, place: tuple[str, ...]) -> None:
        assert codec.decode_name(SEALED + letters, *place) is None
        assert codec.decode_name(letters, *place) is None
        with pytest.raises(NotOpened):
            Seal(KEYS).open_name(letters)
        cases["refused"] += 1

    try_one()


def test_arbitrary_marks_prove_nothing(codec: Sealed, tries: Tries, cases: Counter[str]) -> None:
    @tries(120)
    @given(PLACES, PLACES, st.data())
    def try_one(place: tuple[str, ...], other: tuple[str, ...], data: DataObject) -> None:
        mark = codec.mark(*place)
        assert codec.is_proven(mark, *place)
        assert codec.is_proven(codec.mark(*other) + mark, *place)
        assert not codec.is_proven(codec.mark(*other), *place) or place == other
        forged = data.draw(st.binary(max_size=3 * MARK_BYTES) | changed(mark))
        assume(mark not in forged)
        assert not codec.is_proven(forged, *place)
        cases["refused"] += 1

    try_one()


def test_an_arbitrary_key_file_is_read_or_refused_with_a_line_that_holds_none_of_it(
    tries: Tries, cases: Counter[str]
) -> None:
    keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES).map(lambda key: b64encode(key).decode())
    nearly = st.binary(min_size=20, max_size=40).map(lambda key: b64encode(key).decode())
    marked = st.text(st.characters(exclude_characters="\n"), min_size=8, max_size=50)
    lines = st.lists(st.one_of(keys, keys, nearly, marked, st.sampled_from([PLAIN, "", "# x", " ", "\x0c", "\u2028"])))

    @tries(160)
    @given(lines, st.sampled_from(["\n", "\r\n", "\n\n", "\r"]))
    @example(["é" * 44], "\n")
    @example([PLAIN], "\n")
    def try_one(said: list[str], end: str) -> None:
        try:
            ring = read_keys(end.join(said), "the key file x")
        except StartError as stop:
            refusal = str(stop)
        else:
            assert 0 < len(ring.keys) <= len(said)
            cases["read"] += 1
            return
        assert "\n" not in refusal
        assert [line for line in said if len(line) >= 8 and line in refusal] == []
        cases["refused"] += 1

    try_one()
