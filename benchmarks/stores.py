"""Stores of any size, made directly as files: the way a worker's folder looks after a year."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GROUP = "growth"
PRE_KEYS = 812
"""What Baileys makes at a pairing."""

CREDS = json.dumps({"registrationId": 1, "noiseKey": {}, "signedIdentityKey": {}, "me": {"name": "x" * 2000}})
PRE_KEY = json.dumps({"public": {"type": "Buffer", "data": "p" * 44}, "private": {"type": "Buffer", "data": "p" * 44}})
SESSION = json.dumps({"_sessions": {"ratchet": "s" * 1200}, "version": "v1"})
SENDER_KEY = json.dumps({"type": "Buffer", "data": "k" * 600})


@dataclass(frozen=True)
class Layout:
    """How many instances, and how many keys in each."""

    instances: int
    keys_each: int

    def __str__(self) -> str:
        """Say it in words."""
        plural = "s" if self.instances > 1 else ""
        return f"{self.instances * self.keys_each:,} keys in {self.instances} instance{plural}"


def instance_name(number: int) -> str:
    """Return the name of one of a store's instances."""
    return f"phone-{number:03}"


def key_name(number: int) -> str:
    """Return the name of an instance's key `number`: credentials, pre-keys, then what contacts and groups leave."""
    if number == 0:
        return "creds"
    if number <= PRE_KEYS:
        return f"pre-key-{number}"
    contact = 5511900000000 + number
    return (
        f"session-{contact}.0",
        f"lid-mapping-{contact}",
        f"device-list-{contact}",
        f"sender-key-{contact}-{number}@g.us::{contact}_1::5",
    )[number % 4]


def _value(name: str) -> str:
    kinds = {"creds": CREDS, "pre-key": PRE_KEY, "session": SESSION, "sender-key": SENDER_KEY, "device-list": '["0"]'}
    return next((value for kind, value in kinds.items() if name.startswith(kind)), '"123456789012345"')


def make(store: Path, layout: Layout) -> Iterator[int]:
    """Make a store's files, unless it was made before; yields now and then how many there are."""
    complete = store.with_name(f"{store.name}.complete")
    if complete.exists():
        return
    names = [(key_name(number), _value(key_name(number)).encode()) for number in range(layout.keys_each)]
    for number in range(layout.instances):
        folder = store / GROUP / instance_name(number)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, value in names:
            file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(file, value)
            os.close(file)
        yield (number + 1) * layout.keys_each
    complete.touch()
