"""Made-up accounts: what sources hold, without a real key of anybody."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any


def secret(name: str, size: int = 32) -> dict[str, str]:
    """A buffer as Baileys writes it, always the same for a name."""
    data = hashlib.shake_128(name.encode()).digest(size)
    return {"type": "Buffer", "data": base64.b64encode(data).decode()}


def key_pair(name: str) -> dict[str, Any]:
    return {"private": secret(f"{name} private"), "public": secret(f"{name} public")}


def unpaired_creds(name: str = "one", **others: Any) -> dict[str, Any]:
    """Creds that nobody has paired yet."""
    return {
        "noiseKey": key_pair(f"{name} noise"),
        "pairingEphemeralKeyPair": key_pair(f"{name} ephemeral"),
        "signedIdentityKey": key_pair(f"{name} identity"),
        "signedPreKey": {"keyPair": key_pair(f"{name} signed"), "signature": secret(name, 64), "keyId": 1},
        "registrationId": 77,
        "advSecretKey": secret(f"{name} adv")["data"],
        "processedHistoryMessages": [],
        "nextPreKeyId": 31,
        "firstUnuploadedPreKeyId": 31,
        "accountSyncCounter": 0,
        "accountSettings": {"unarchiveChats": False},
        "registered": False,
        **others,
    }


def paired_creds(name: str = "one", number: str = "5511999999999", **others: Any) -> dict[str, Any]:
    """Creds that a phone has paired by its QR code: `registered` stays false then."""
    return unpaired_creds(
        name,
        account={"details": "CJ", "accountSignatureKey": "q1", "accountSignature": "a", "deviceSignature": "d"},
        me={"id": f"{number}:12@s.whatsapp.net", "lid": "123456789012345:12@lid"},
        myAppStateKeyId="AA/+on==",
        **others,
    )


def awaiting_code(name: str = "one") -> dict[str, Any]:
    """Creds for which a pairing code was asked."""
    return unpaired_creds(name, pairingCode="ABCD1234", me={"id": "5511999999999@s.whatsapp.net"})


def keys_of(name: str = "one") -> dict[str, Any]:
    """A value for each type of key and each form that its id can have."""
    return {
        **{f"pre-key-{number}": key_pair(f"{name} {number}") for number in (1, 2, 30)},
        "app-state-sync-key-AA/+on==": {
            "keyData": "zz",
            "fingerprint": {"rawId": 1, "currentIndex": 0, "deviceIndexes": [0]},
            "timestamp": "1700000000",
        },
        "app-state-sync-key-//AA+w==": {"keyData": "yy", "fingerprint": {}, "timestamp": "1700000001"},
        "app-state-sync-version-critical_block": {"version": 3, "hash": secret("hash", 128), "indexValueMap": {}},
        "session-5511888888888.0": {"_sessions": {"BQ": {"registrationId": 1}}, "version": "v1"},
        "session-123456789012345_1.12": {"_sessions": {}, "version": "v1"},
        "sender-key-120363000000000001@g.us::123456789012345_1::5": secret("sender"),
        "sender-key-5511888888888-1600000000@g.us::5511777777777::0": secret("old group"),
        "sender-key-memory-120363000000000001@g.us": {"5511888888888:5@s.whatsapp.net": True},
        "lid-mapping-5511888888888": "223456789012345",
        "lid-mapping-223456789012345_reverse": "5511888888888",
        "device-list-5511888888888": ["0", "12"],
        "identity-key-5511888888888.0": secret("identity", 33),
        "tctoken-223456789012345@lid": {"token": secret("token"), "timestamp": "1700000000"},
        "tctoken-__index": ["223456789012345@lid"],
    }


def text_of(document: Any) -> bytes:
    """A value's JSON text, as Node writes it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def texts_of(documents: dict[str, Any]) -> dict[str, bytes]:
    return {key: text_of(document) for key, document in documents.items()}


def account(name: str = "one", number: str = "5511999999999", **others: Any) -> dict[str, bytes]:
    """All that a paired account holds, as JSON texts by their keys."""
    return texts_of({"creds": paired_creds(name, number, **others), **keys_of(name)})


def with_numbers(document: Any) -> Any:
    """The same with each buffer as `JSON.stringify` alone writes it: an array of numbers."""
    if isinstance(document, list):
        return [with_numbers(one) for one in document]
    if not isinstance(document, dict):
        return document
    if document.get("type") == "Buffer":
        return {"type": "Buffer", "data": list(base64.b64decode(document["data"]))}
    return {name: with_numbers(one) for name, one in document.items()}
