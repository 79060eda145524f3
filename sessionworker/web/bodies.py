"""What the bodies of requests must be: JSON objects with one text in them."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from sessionworker.errors import BodyNotAllowed, LabelNotAllowed
from sessionworker.names import check_label
from sessionworker.values import has_surrogates, is_json

NOT_JSON = "The body must be JSON, in UTF-8."

QUICK_BODY = 2**12
"""Bytes of a body that is read in no time, whatever it holds."""


class _Group(msgspec.Struct):
    group: str | msgspec.UnsetType = msgspec.UNSET


class _Instance(msgspec.Struct):
    instance: str


class _Opening(_Instance):
    release: object = False


class _Place(_Instance):
    group: object = msgspec.UNSET
    replace: object = False


class _Label(msgspec.Struct):
    label: str


class _Data(msgspec.Struct):
    data: str


_group = msgspec.json.Decoder(_Group)
_instance = msgspec.json.Decoder(_Instance)
_opening = msgspec.json.Decoder(_Opening)
_place = msgspec.json.Decoder(_Place)
_label = msgspec.json.Decoder(_Label)
_data = msgspec.json.Decoder(_Data)


def takes_time(body: bytes, large: int) -> bool:
    """Tell whether a thread is to read a body: it has more than `large` bytes, or may hold half an emoji.

    The reactor would be held up: the second takes ten times as long as another one.
    """
    return len(body) > large or (len(body) > QUICK_BODY and has_surrogates(body))


def read_group(body: bytes) -> str | None:
    """Return the name in `{"group": name}`, or None for `{}`. Raises BodyNotAllowed."""
    try:
        group = _group.decode(body).group
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        _refuse(error, "group")
    if group is not msgspec.UNSET:
        return group
    if body.strip() != b"{}":
        raise _without("group")
    return None


def read_instance(body: bytes) -> str:
    """Return the name in `{"instance": name}`. Raises BodyNotAllowed."""
    try:
        return _instance.decode(body).instance
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        _refuse(error, "instance")


def read_place_in(body: bytes) -> tuple[str, str | None, bool]:
    """Return the name in `{"instance": name}`, that in `"group"`, or None, and whether there is `"replace": true`.

    Raises BodyNotAllowed.
    """
    try:
        place = _place.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        _refuse(error, "instance")
    if not isinstance(place.replace, bool):
        raise BodyNotAllowed("'replace' must be true or false.")
    if place.group is msgspec.UNSET:
        return place.instance, None, place.replace
    if not isinstance(place.group, str):
        raise BodyNotAllowed("'group' must be a text.")
    return place.instance, place.group, place.replace


def read_label(body: bytes) -> str:
    """Return the label in `{"label": label}`, which may be empty. Raises BodyNotAllowed."""
    if len(body) > QUICK_BODY:
        raise LabelNotAllowed
    try:
        return check_label(_label.decode(body).label)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        _refuse(error, "label")


def read_opening(body: bytes) -> tuple[str, bool]:
    """Return the name in `{"instance": name}`, and whether there is `"release": true`. Raises BodyNotAllowed."""
    try:
        opening = _opening.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        _refuse(error, "instance")
    if not isinstance(opening.release, bool):
        raise BodyNotAllowed("'release' must be true or false.")
    return opening.instance, opening.release


def read_data(body: bytes) -> bytes:
    """Return the JSON text in `{"data": text}`, as UTF-8. Raises BodyNotAllowed."""
    try:
        text = _data.decode(body).data
        value = text.encode()
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        _refuse(error, "data")
    if not is_json(value):
        raise BodyNotAllowed("The text in 'data' must be JSON itself.")
    return value


def _refuse(error: Exception, field: str) -> NoReturn:
    if isinstance(error, msgspec.ValidationError):
        raise _without(field) from None
    raise BodyNotAllowed(NOT_JSON) from None


def _without(field: str) -> BodyNotAllowed:
    return BodyNotAllowed(f"The body must be a JSON object in which '{field}' is a string.")
