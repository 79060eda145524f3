"""Whether what was read is an account, whole, and of one moment: the checks that every source has in common."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sessionworker.migration.notes import Note
from sessionworker.names import CREDS
from sessionworker.values import is_json_object

PARTS = ("noiseKey", "signedIdentityKey", "signedPreKey", "registrationId", "advSecretKey")
"""What creds cannot do without (Baileys' AuthenticationCreds)."""

PRE_KEY = "pre-key-"
APP_STATE_KEY = "app-state-sync-key-"

_MOST_DIGITS = 9
"""Of a number that can be a pre-key's: WhatsApp's have 24 bits."""


def judge(values: Mapping[str, bytes]) -> Iterator[Note]:
    """Yield what is to be said of an account that holds these values."""
    if CREDS not in values:
        yield Note("creds_missing", {"count": str(len(values))})
        return
    creds = read_object(values[CREDS])
    if creds is None:
        yield Note("creds_unreadable")
        return
    missing = [name for name in PARTS if creds.get(name) is None]
    if missing:
        yield Note("creds_not_whole", {"names": ", ".join(missing)})
        return
    if not is_paired(creds):
        yield Note("pairing_under_way" if creds.get("pairingCode") else "not_paired")
        return
    yield from _judge_moment(creds, values)


def _judge_moment(creds: Mapping[str, Any], values: Mapping[str, bytes]) -> Iterator[Note]:
    numbers = (key.removeprefix(PRE_KEY) for key in values if key.startswith(PRE_KEY))
    highest = max((int(one) for one in numbers if one.isdecimal() and len(one) <= _MOST_DIGITS), default=0)
    following = creds.get("nextPreKeyId")
    if isinstance(following, int) and highest >= following:
        yield Note("creds_older_than_keys", {"highest": str(highest), "next": str(following)})
    id_ = creds.get("myAppStateKeyId")
    if isinstance(id_, str) and id_ and APP_STATE_KEY + id_ not in values and len(values) > 1:
        yield Note("app_state_key_missing", {"id": id_})
    if len(values) == 1:
        yield Note("keys_missing")


def read_object(text: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a text is, or None."""
    if not is_json_object(text):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_paired(creds: Mapping[str, Any]) -> bool:
    """Tell whether a phone has paired these `creds`.

    `registered` is set by a pairing code alone, `me` before anything was paired: what pairing itself leaves is
    `account` (Baileys' `configureSuccessfulPairing`).
    """
    return isinstance(creds.get("account"), dict)


def account_of(creds: Mapping[str, Any]) -> str:
    """Return the phone number or the id of whose account some `creds` are; empty where they do not say."""
    me = creds.get("me")
    id_ = me.get("id") if isinstance(me, dict) else None
    return id_.partition("@")[0].partition(":")[0] if isinstance(id_, str) else ""
