"""What is sealed opens where it belongs, with its key, unchanged; and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessionworker.stores import seal as module
from sessionworker.stores.seal import KEY_BYTES, MARK, OVERHEAD, Key, NotOpened, Seal, is_sealed

KEYS = [Key(bytes([number]) * KEY_BYTES) for number in range(3)]
BOUND = (b"value", b"instance", b"creds")
NAME_PLACE = (b"key", b"instance")

lists_of_parts = st.lists(st.binary(max_size=5), max_size=4)


@pytest.fixture
def seal() -> Seal:
    return Seal(KEYS[:2])


@given(value=st.binary(max_size=3000), bound=lists_of_parts)
def test_a_value_comes_back_from_where_it_was_put(value: bytes, bound: list[bytes]) -> None:
    seal = Seal(KEYS[:2])
    sealed = seal.seal(value, *bound)
    assert seal.open(sealed, *bound) == value
    assert is_sealed(sealed)
    assert len(sealed) == len(value) + OVERHEAD
    assert len(value) < 4 or value not in sealed[len(MARK) :]


@given(bound=lists_of_parts, other=lists_of_parts)
def test_a_value_opens_in_no_other_place(bound: list[bytes], other: list[bytes]) -> None:
    seal = Seal(KEYS[:1])
    sealed = seal.seal(b"value", *bound)
    if bound != other:
        with pytest.raises(NotOpened):
            seal.open(sealed, *other)


def test_one_bit_changed_anywhere_is_noticed(seal: Seal) -> None:
    sealed = seal.seal(b'{"a":1}', *BOUND)
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NotOpened):
            seal.open(bytes(changed), *BOUND)


def test_a_part_of_it_is_noticed(seal: Seal) -> None:
    sealed = seal.seal(b'{"a":1}', *BOUND)
    for size in range(len(sealed)):
        with pytest.raises(NotOpened):
            seal.open(sealed[:size], *BOUND)
    with pytest.raises(NotOpened):
        seal.open(sealed + b"\0", *BOUND)


def test_the_first_key_seals_and_each_opens(seal: Seal) -> None:
    old = Seal(KEYS[1:]).seal(b"1", *BOUND)
    assert seal.open(old, *BOUND) == b"1"
    assert not seal.is_current(old)
    assert seal.is_current(seal.seal(b"1", *BOUND))
    with pytest.raises(NotOpened):
        seal.open(Seal(KEYS[2:]).seal(b"1", *BOUND), *BOUND)


def test_nothing_is_sealed_to_the_same_twice_and_salts_change(seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OF_A_SALT", 10)
    sealed = [seal.seal(b"1", *BOUND) for _ in range(100)]
    salts = {value[8:24] for value in sealed}
    assert len({value[24:36] for value in sealed}) == 100
    assert 10 <= len(salts) <= 11
    assert [seal.open(value, *BOUND) for value in sealed] == [b"1"] * 100
    assert seal.seal(b"1")[8:24] != Seal(KEYS[:2]).seal(b"1")[8:24]


@given(name=st.text(min_size=1, max_size=80).filter(lambda name: name.isprintable()), place=lists_of_parts)
def test_a_name_is_sealed_to_the_same_each_time_and_comes_back(name: str, place: list[bytes]) -> None:
    sealed = Seal(KEYS[:2]).seal_name(name, *place)
    assert Seal(KEYS[:2]).seal_name(name, *place) == sealed
    assert Seal(KEYS[:2]).open_name(sealed, *place) == name
    assert sealed.isalnum()
    assert sealed == sealed.lower()
    assert sealed.isascii()


@given(data=st.binary(min_size=1, max_size=200))
def test_what_is_written_in_letters_comes_back(data: bytes) -> None:
    assert module._data_of(module._letters(data)) == data


@given(letters=st.text(st.sampled_from("abcyz2367A=189_- \u0660"), max_size=20))
@example(letters="")
@example(letters="ab")
def test_letters_that_are_not_the_only_ones_for_something_are_nothing(letters: str) -> None:
    data = module._data_of(letters)
    assert data == b"" or module._letters(data) == letters


def test_a_name_opens_in_its_place_alone_and_with_any_of_the_keys(seal: Seal) -> None:
    sealed = Seal(KEYS[1:]).seal_name("session-5511999999999.0", *NAME_PLACE)
    assert seal.open_name(sealed, *NAME_PLACE) == "session-5511999999999.0"
    assert sealed in seal.names_of("session-5511999999999.0", *NAME_PLACE)
    assert seal.names_of("a", *NAME_PLACE)[0] == seal.seal_name("a", *NAME_PLACE)
    for wrong in (sealed.upper(), sealed[:-1], sealed + "a", "", "a", "é", "=", Seal(KEYS[2:]).seal_name("a", b"x")):
        with pytest.raises(NotOpened):
            seal.open_name(wrong, *NAME_PLACE)
    with pytest.raises(NotOpened):
        seal.open_name(sealed, b"key", b"another instance")


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="a key has 32 bytes"):
        Key(b"x" * size)


def test_no_json_text_looks_sealed() -> None:
    assert not is_sealed(b'{"a":1}')
    assert not is_sealed(b"")
    assert not MARK[:1].isspace()
