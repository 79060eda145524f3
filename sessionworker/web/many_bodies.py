"""What the bodies of calls about many keys must be: JSON objects with changes, with keys, or with a beginning of keys.

Values are cut out of the body as they came: nothing is decoded that is only stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn, TypeAlias

import msgspec

from sessionworker.errors import BodyNotAllowed, TooManyKeys
from sessionworker.json_members import members_of
from sessionworker.names import check_key
from sessionworker.stores.changes import Change, Delete, Write
from sessionworker.values import has_surrogates, is_utf8
from sessionworker.web.bodies import NOT_JSON
from sessionworker.wire import MOST_KEYS

FORM = (
    "The body must be a JSON object with one of 'changes', an object, 'keys', an array of strings, 'list', a string, "
    "or 'whole', true."
)


class Keys(NamedTuple):
    """What several keys hold is asked for."""

    keys: tuple[str, ...]


class Names(NamedTuple):
    """Which keys there are is asked for: those that begin so, and come after another."""

    beginning: str
    after: str


class Whole(NamedTuple):
    """All that the instance holds is asked for."""


Question: TypeAlias = Keys | Names | Whole

Asked: TypeAlias = tuple[Change, ...] | Question


class _Body(msgspec.Struct):
    changes: dict[str, msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    keys: list[str] | msgspec.UnsetType = msgspec.UNSET
    beginning: str | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="list")
    after: str = ""
    whole: bool | msgspec.UnsetType = msgspec.UNSET


_FIELDS = {field.encode_name for field in msgspec.structs.fields(_Body)}
_body = msgspec.json.Decoder(_Body)


def read_many(body: bytes) -> Asked:
    """Return what a body asks for. Raises BodyNotAllowed, NameNotAllowed or TooManyKeys."""
    if not body.isascii() and not is_utf8(body):
        _refuse()  # asked first: msgspec takes any bytes inside a string
    try:
        asked = _body.decode(body)
    except msgspec.ValidationError:
        raise BodyNotAllowed(FORM) from None
    except (msgspec.MsgspecError, RecursionError):
        asked = _read_slowly(body)
    fields = [
        field for field in (asked.changes, asked.keys, asked.beginning, asked.whole) if field is not msgspec.UNSET
    ]
    if len(fields) != 1:
        raise BodyNotAllowed(FORM)
    match fields[0]:
        case dict() as changes:
            return tuple(_changes(changes))
        case list() as keys:
            return Keys(tuple(dict.fromkeys(_checked(keys))))
        case True:
            return Whole()
        case False:
            raise BodyNotAllowed(FORM)
    return Names(str(fields[0]), asked.after)


def _changes(values: Mapping[str, msgspec.Raw]) -> Iterable[Change]:
    for key in _checked(values):
        value = bytes(values[key])
        yield Delete(key) if value == b"null" else Write(key, value)


def _checked(keys: Mapping[str, object] | list[str]) -> Iterable[str]:
    if len(keys) > MOST_KEYS:
        raise TooManyKeys(MOST_KEYS)
    return map(check_key, keys)


def _refuse() -> NoReturn:
    raise BodyNotAllowed(NOT_JSON) from None


def _read_slowly(body: bytes) -> _Body:
    """Read a body that msgspec does not take."""
    if not has_surrogates(body):
        _refuse()
    try:
        found: dict[str, object] = {}
        for name, text in members_of(body).items():
            if name == "changes" and text.startswith(b"{"):
                found[name] = {key: msgspec.Raw(value) for key, value in members_of(text).items()}
            elif name in _FIELDS:
                found[name] = json.loads(text)
        return msgspec.convert(found, _Body)
    except msgspec.ValidationError:
        raise BodyNotAllowed(FORM) from None
    except (ValueError, RecursionError):
        _refuse()
