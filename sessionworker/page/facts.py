"""What may be told of `creds`: no key, no number, no name of anybody is in it."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from sessionworker.stores.rules.creds import read_creds
from sessionworker.values import without_surrogates


class Pairing(Enum):
    """How far an account has come."""

    PAIRED = "paired"
    BEGUN = "begun"
    """A pairing code was asked for, and not typed into the phone, or not yet."""
    UNPAIRED = "unpaired"


class Facts(msgspec.Struct, frozen=True):
    """What `creds` say."""

    identity: str
    """A short hash."""
    next_pre_key: int
    pairing: Pairing
    platform: str
    """Of the phone, as WhatsApp calls it; empty where it is not told, or is no plain word."""


class _Creds(msgspec.Struct):
    me: Any = None
    account: Any = None
    platform: Any = None


_decoder = msgspec.json.Decoder(_Creds)


def facts_of(value: bytes) -> Facts | None:
    """Return what `creds` say, or None if they are not whole.

    Of Baileys' AuthenticationCreds, `account` is what a pairing leaves (`configureSuccessfulPairing`), and `me` is
    there once a pairing code was asked for (`requestPairingCode`). `registered` tells nothing: a QR code leaves it
    false.
    """
    creds = read_creds(value)
    if creds is None:
        return None
    try:
        found = _decoder.decode(value)
    except msgspec.MsgspecError:
        try:
            found = _decoder.decode(without_surrogates(value))
        except msgspec.MsgspecError:
            return None
    unpaired = Pairing.BEGUN if found.me else Pairing.UNPAIRED
    pairing = Pairing.PAIRED if isinstance(found.account, dict) else unpaired
    platform = found.platform if isinstance(found.platform, str) and found.platform.isalnum() else ""
    return Facts(creds.identity, creds.next_pre_key, pairing, platform[:20])
