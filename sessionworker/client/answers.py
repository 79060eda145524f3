"""What the bodies of answers hold."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple, NoReturn, TypeVar

import msgspec

from sessionworker.client.errors import NOT_THE_FORM, UnexpectedAnswer
from sessionworker.json_members import members_of

T = TypeVar("T")


class Whole(NamedTuple):
    """All that an instance holds, as of one moment."""

    values: dict[str, bytes]
    """By their keys."""
    broken: int
    """How many keys hold something that is no value any more: they are left out."""


class _Values(msgspec.Struct):
    values: dict[str, msgspec.Raw]


class _Texts(msgspec.Struct):
    texts: dict[str, str]
    broken: int = 0


_decoder = msgspec.json.Decoder(_Values)


def decode(body: bytes, kind: type[T]) -> T:
    """Return what is of a kind. Raises UnexpectedAnswer."""
    try:
        return msgspec.json.decode(body, type=kind)
    except NOT_THE_FORM:
        _refuse()


def values_in(body: bytes) -> dict[str, bytes | None]:
    """Return what the keys hold that an answer is about, None for nothing. Raises UnexpectedAnswer."""
    try:
        found: Mapping[str, bytes | msgspec.Raw] = _decoder.decode(body).values
    except NOT_THE_FORM:
        found = _slowly(body)
    values = {key: bytes(value) for key, value in found.items()}
    return {key: None if value == b"null" else value for key, value in values.items()}


def texts_in(body: bytes) -> Whole:
    """Return what all keys of an instance hold. Raises UnexpectedAnswer."""
    found = decode(body, _Texts)
    return Whole({key: text.encode() for key, text in found.texts.items()}, found.broken)


def _slowly(body: bytes) -> Mapping[str, bytes]:
    try:
        return members_of(members_of(body)["values"])
    except (ValueError, KeyError):
        _refuse()


def _refuse() -> NoReturn:
    raise UnexpectedAnswer(HTTPStatus.OK, "The answer is not of the form that was expected.") from None
