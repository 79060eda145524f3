"""What `creds` are about: a WhatsApp identity, and how far it has come.

What follows from a value is worked out before it is acknowledged, so nothing here may fail later: `read_creds` gives an
answer for any bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import Enum
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from sessionworker.values import is_json_object, without_surrogates

LARGEST_NUMBER = 2**63
"""No counter of pre-keys comes near it: WhatsApp's ids of them have 24 bits."""


_LONGEST_NUMBER = 19
"""Digits of a number that is looked at as one: Python refuses to convert more than 4,300 of them."""


class Creds(NamedTuple):
    """What tells the `creds` of one identity from those of another, and a newer one from an older."""

    identity: str
    """A short hash; two `creds` with the same one are of the same identity."""
    next_pre_key: int
    """`nextPreKeyId`, which only grows within an identity; 0 where it is missing or no such number."""


_NOTHING = msgspec.Raw(b"null")


class _Identity(msgspec.Struct):
    registrationId: msgspec.Raw = _NOTHING
    noiseKey: msgspec.Raw = _NOTHING
    signedIdentityKey: msgspec.Raw = _NOTHING
    nextPreKeyId: msgspec.Raw = _NOTHING


_identity = msgspec.json.Decoder(_Identity)


def read_creds(value: bytes) -> Creds | None:
    """Return what `creds` are about, or None if they are not whole: no JSON object in UTF-8.

    Two are the same identity when `registrationId`, `noiseKey` and `signedIdentityKey` agree (Baileys'
    AuthenticationCreds).
    """
    if not is_json_object(value):
        return None
    try:
        found = _read_fields(value)
        parts = [_plain(part) for part in (found.registrationId, found.noiseKey, found.signedIdentityKey)]
        identity = sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    except (ValueError, RecursionError):  # nested deeper than Python cares to read
        return None
    number = bytes(found.nextPreKeyId)
    is_number = number.isdigit() and len(number) <= _LONGEST_NUMBER and int(number) < LARGEST_NUMBER
    return Creds(identity, int(number) if is_number else 0)


def _read_fields(value: bytes) -> _Identity:
    try:
        return _identity.decode(value)
    except msgspec.MsgspecError:
        return _identity.decode(without_surrogates(value))


def _plain(part: msgspec.Raw) -> Any:
    return json.loads(bytes(part), parse_int=_whole_number)


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


class Oddity(Enum):
    """What may be odd about new `creds`, given those before them."""

    ANOTHER_IDENTITY = "another identity"
    OUT_OF_ORDER = "out of order"


def find_oddities(creds: Iterable[Creds]) -> list[Oddity]:
    """Return what is odd about `creds` that followed one another, the first of them known before."""
    oddities = []
    for before, after in pairwise(creds):
        if before.identity != after.identity:
            oddities.append(Oddity.ANOTHER_IDENTITY)
        elif after.next_pre_key < before.next_pre_key:
            oddities.append(Oddity.OUT_OF_ORDER)
    return oddities
