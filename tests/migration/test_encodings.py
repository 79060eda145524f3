"""A value comes out of each encoding as the JSON text that Baileys wrote, or not at all."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionworker.migration.encodings import (
    NotReadable,
    dump,
    has_buffers_of_numbers,
    take_plain_buffers,
    take_string,
    take_string_or_text,
    take_text,
    with_plain_buffers,
)
from tests.migration.examples import keys_of, paired_creds, text_of, with_numbers

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text()
DOCUMENTS = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(DOCUMENTS)
@settings(deadline=None)
def test_a_text_in_a_string_comes_out_byte_for_byte(document: Any) -> None:
    text = json.dumps(document).encode()
    assert take_text(text) == text
    assert take_string(json.dumps(text.decode()).encode()) == text
    assert take_string_or_text(json.dumps(text.decode()).encode()) == text


def test_go_escapes_what_html_would_read() -> None:
    assert take_string(rb'"{\"a\":\"\u003cb\u003e \u0026\"}"') == b'{"a":"<b> &"}'


@pytest.mark.parametrize("value", [b"", b"{", b"undefined", b'"', b'{"a":1}x', b"\xff"])
@pytest.mark.parametrize("take", [take_text, take_string, take_string_or_text, take_plain_buffers])
def test_what_is_cut_off_is_not_readable(take: Callable[[bytes], bytes], value: bytes) -> None:
    with pytest.raises(NotReadable):
        take(value)


@pytest.mark.parametrize("value", [b"{}", b"7", b"null", b'["a"]'])
def test_what_is_no_string_holds_no_text(value: bytes) -> None:
    with pytest.raises(NotReadable):
        take_string(value)
    assert take_string_or_text(value) == value


def test_a_text_of_half_a_character_is_not_readable() -> None:
    with pytest.raises(NotReadable):
        take_string(rb'"\"\ud800\""')


def test_a_mapping_is_a_string_itself_and_stays_one() -> None:
    assert take_string(b'"\\"223456789012345\\""') == b'"223456789012345"'
    with pytest.raises(NotReadable):
        take_string(b'"no text of JSON"')


@given(DOCUMENTS)
@settings(deadline=None)
def test_a_parsed_document_is_the_same_after_it_was_written(document: Any) -> None:
    assert json.loads(dump(document)) == document


def test_large_integers_that_a_database_kept_as_doubles_are_integers_again() -> None:
    assert dump({"a": 1.7e12, "b": [2.0, 2.5]}) == b'{"a":1700000000000,"b":[2,2.5]}'


def test_half_an_emoji_is_kept_as_its_escape() -> None:
    assert dump({"name": "\ud83d"}) == b'{"name":"\\ud83d"}'


@pytest.mark.parametrize("document", [float("nan"), float("inf"), object(), {1: {2}}])
def test_what_json_cannot_hold_is_not_readable(document: Any) -> None:
    with pytest.raises(NotReadable):
        dump(document)


@pytest.mark.parametrize("document", [paired_creds(), keys_of()])
def test_arrays_of_numbers_are_base64_again(document: Any) -> None:
    numbers = text_of(with_numbers(document))
    assert numbers != text_of(document)
    assert take_plain_buffers(numbers) == text_of(document)
    assert take_plain_buffers(text_of(document)) == text_of(document)


@given(st.binary(min_size=1))
@settings(deadline=None)
def test_each_form_of_a_buffer_is_read(data: bytes) -> None:
    plain = {"type": "Buffer", "data": base64.b64encode(data).decode()}
    by_number = {str(number): byte for number, byte in enumerate(data)}
    for form in (
        plain,
        {"type": "Buffer", "data": list(data)},
        {"type": "Buffer", "data": by_number},
        {"buffer": True, "value": plain["data"]},
        {"buffer": True, "data": list(data)},
        by_number,
    ):
        assert with_plain_buffers({"key": [form]}) == {"key": [plain]}


def test_an_object_of_other_numbers_stays() -> None:
    for document in ({"1": 2}, {"0": 256}, {"0": True}, {"0": 1, "a": 2}, {}):
        assert with_plain_buffers(document) == document


def test_a_buffer_of_anything_else_is_not_readable() -> None:
    with pytest.raises(NotReadable):
        with_plain_buffers({"type": "Buffer", "data": [1, "2"]})


def test_creds_tell_whether_buffers_are_numbers() -> None:
    assert has_buffers_of_numbers(text_of(with_numbers(paired_creds())))
    assert not has_buffers_of_numbers(text_of(paired_creds()))
    assert not has_buffers_of_numbers(b"{}")
    assert not has_buffers_of_numbers(b'{"noiseKey":{}')
