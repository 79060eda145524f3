"""What the values of session files are: JSON, and for `creds` a WhatsApp identity."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, NamedTuple, NoReturn

import msgspec

LONGEST_NUMBER = 19
"""Digits of a number that is looked at as one."""

_skip = msgspec.json.Decoder(msgspec.Raw)


def is_json(value: bytes) -> bool:
    """Tell whether bytes are one JSON text (RFC 8259)."""
    try:
        _skip.decode(value)  # 30 MiB in 15 ms: it builds no objects
    except (msgspec.MsgspecError, RecursionError):
        return _is_json_with_lone_surrogates(value)
    return True


def is_json_object(value: bytes) -> bool:
    """Tell whether bytes are a JSON object, as `creds` is."""
    return value.lstrip(b" \t\r\n").startswith(b"{") and is_json(value)


class Creds(NamedTuple):
    """What tells the `creds` of one identity from those of another, and a newer one from an older."""

    identity: str
    """A short hash; two `creds` with the same one are of the same identity."""
    next_pre_key: int
    """`nextPreKeyId`, which only grows within an identity."""


class _Identity(msgspec.Struct):
    registrationId: Any = None
    noiseKey: Any = None
    signedIdentityKey: Any = None
    nextPreKeyId: Any = None


_identity = msgspec.json.Decoder(_Identity)


def read_creds(value: bytes) -> Creds | None:
    """Return what `creds` are about, or None if they are not whole: not JSON, or not an object.

    Two are the same identity when `registrationId`, `noiseKey` and `signedIdentityKey` agree (Baileys'
    AuthenticationCreds).
    """
    if not is_json_object(value):
        return None
    try:
        found = _identity.decode(value)
    except (msgspec.MsgspecError, RecursionError):
        fields = json.loads(value, parse_int=_whole_number)  # lone surrogates; see is_json
        found = _Identity(*(fields.get(name) for name in _Identity.__struct_fields__))
    parts = [found.registrationId, found.noiseKey, found.signedIdentityKey]
    identity = sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    return Creds(identity, found.nextPreKeyId if isinstance(found.nextPreKeyId, int) else 0)


def _is_json_with_lone_surrogates(value: bytes) -> bool:
    r"""Tell it again, more slowly: `"\ud83d"` is JSON, and Node writes it for half an emoji in a contact's name."""
    if rb"\u" not in value:
        return False
    try:
        json.loads(value, parse_constant=_refuse_constant, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits  # Python refuses to convert more than 4,300 digits


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
