"""Bodies hold JSON inside of JSON: what is JSON is taken as it is, byte for byte, and nothing else is."""

from __future__ import annotations

import json
from typing import NoReturn

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessionworker.errors import BodyNotAllowed
from sessionworker.values import is_json
from sessionworker.web.bodies import read_data, read_group, read_instance

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)
PIECES = [
    *("{", "}", "[", "]", ",", ":", '"', '"a"', "'", "a", "é", "//", "\\", r"\u", "d83d", r"\ud83d", r"\ude00"),
    *("null", "true", "NaN", "Infinity", "-", "0", "1", "e", "E+", "."),
    *(" ", "\n", "\t", "\x0c", "\x00", "\ufeff", "\u2028"),
]
ALMOST_JSON = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def is_json_to_python(text: str) -> bool:
    """Ask Python's own parser, which also takes NaN and Infinity: those are not JSON."""

    def refuse(_: str) -> NoReturn:
        raise ValueError

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_every_value_that_json_can_hold_comes_back_byte_for_byte(
    value: object, escaped: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    assert read_data(json.dumps({"data": text}, ensure_ascii=not escaped).encode()) == text.encode()


@given(TEXT | ALMOST_JSON)
@example("1e999")
@example("-0")
@example("01")
@example("1.")
@example("\ufeff{}")
@example('"\t"')
@example('"\x7f"')
@example(r'"\ud83d"')
@example(r'"\ud83d" NaN')
@example(r'["\ude00", Infinity]')
@example(r'"\u12"')
@example("[1,]")
@example('{"a":1,}')
@example('{"a":1,"a":2}')
@example("")
@example(" ")
def test_text_is_taken_if_python_takes_it_for_json_and_only_then(text: str) -> None:
    assert is_json(text.encode()) == is_json_to_python(text)


@given(st.binary() | TEXT.map(str.encode))
def test_a_body_of_any_bytes_is_taken_or_refused_and_never_fails(body: bytes) -> None:
    for read in (read_group, read_instance, read_data):
        try:
            read(body)
        except BodyNotAllowed:
            continue


@given(st.sampled_from(["\ud83d", "\ude00", "a\ud83d\ud83d"]), st.booleans())
def test_half_an_emoji_inside_of_a_value_is_kept_as_node_wrote_it(text: str, inside: bool) -> None:
    """JSON.stringify escapes lone surrogates, and names of contacts can be cut inside of an emoji."""
    value = json.dumps({"name": text} if inside else text)
    assert read_data(json.dumps({"data": value}).encode()) == value.encode()


def test_half_an_emoji_that_is_not_escaped_is_refused() -> None:
    with pytest.raises(BodyNotAllowed):
        read_data(rb'{"data": "\"\ud83d\""}')
    for read, field in ((read_group, "group"), (read_instance, "instance")):
        with pytest.raises(BodyNotAllowed):
            read(b'{"%s": "\\ud83d"}' % field.encode())


@pytest.mark.parametrize("surrogate", ["", r'"\ud83d",'])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_without_end_is_refused(opening: str, surrogate: str) -> None:
    depth = 100_000
    closing = {"[": "]", '{"a":': "}"}[opening]
    text = f"[{surrogate}{opening * depth}1{closing * depth}]"
    with pytest.raises(BodyNotAllowed):
        read_data(json.dumps({"data": text}).encode())
    with pytest.raises(BodyNotAllowed):
        read_data(text.encode())
    with pytest.raises(BodyNotAllowed):
        read_group(b'{"group": ' + text.encode() + b"}")


@pytest.mark.parametrize("surrogate", ["", r'"\ud83d",'])
@pytest.mark.parametrize("number", ["1" * 10_000, "-" + "9" * 10_000, "1e99999", "0." + "3" * 10_000, "1E-99999"])
def test_numbers_that_no_machine_can_hold_are_json_all_the_same(number: str, surrogate: str) -> None:
    value = f"[{surrogate}{number}]"
    assert read_data(json.dumps({"data": value}).encode()) == value.encode()


@pytest.mark.parametrize(
    "value", ['{"data": 1}', " {} ", "null", '""', "[]", "0", "-1.5e3", "true", '"\\u0000"', '"é"']
)
def test_values_of_every_shape_are_taken(value: str) -> None:
    assert read_data(json.dumps({"data": value}).encode()) == value.encode()


@pytest.mark.parametrize(
    "value", ["", " ", "{", "nul", "NaN", "-Infinity", "{}{}", "'a'", "\ufeff1", "[1,]", '"\n"', "+1"]
)
def test_text_that_is_not_json_is_refused_with_the_reason(value: str) -> None:
    with pytest.raises(BodyNotAllowed, match=r"^The text in 'data' must be JSON itself\.$"):
        read_data(json.dumps({"data": value}).encode())


@pytest.mark.parametrize(
    "body", [b"", b"{", b"data", b"\xff", b"{'data': '1'}", b'{"data": "1"} x', b'{"data": "\xff"}']
)
def test_a_body_that_is_not_json_is_refused_with_the_reason(body: bytes) -> None:
    for read, field in ((read_group, b"group"), (read_instance, b"instance"), (read_data, b"data")):
        with pytest.raises(BodyNotAllowed, match=r"^The body must be JSON, in UTF-8\.$"):
            read(body.replace(b"data", field))


@pytest.mark.parametrize(
    "body", ["{}", "[]", "null", '"data"', '{"data": 5}', '{"data": null}', '{"data": {}}', '{"Data": ""}']
)
def test_a_body_without_its_text_is_refused_with_the_reason(body: str) -> None:
    for read, field in ((read_group, "group"), (read_instance, "instance"), (read_data, "data")):
        if (read, body) == (read_group, "{}"):  # that is what an API without PROVIDER_PREFIX sends
            assert read_group(b"{}") is None
            continue
        with pytest.raises(BodyNotAllowed) as refusal:
            read(body.replace("data", field).encode())
        assert refusal.value.message == f"The body must be a JSON object in which '{field}' is a string."


def test_other_fields_beside_the_one_asked_for_are_of_no_interest() -> None:
    assert read_group(b'{"other": [1], "group": "codechat"}') == "codechat"
    assert read_instance(b' {"instance": "sales", "more": {}}\n') == "sales"
    assert read_data(b'{"x": 1.5, "data": "{}"}') == b"{}"
