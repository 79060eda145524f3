"""Made-up accounts of a few months, and an Evolution that keeps them: creds in PostgreSQL, all other keys in Redis."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import redis
from msgspec import Struct

from sessionworker.migration.arriving import digest_of
from tests.migration.evolution import Evolution
from tests.migration.examples import key_pair, paired_creds, secret, texts_of
from tests.migration.filled import Filled
from tests.migration.servers import redis_server
from tests.postgres.room import Room
from tests.postgres.server import Server

PREFIX = "evolution:instance:"

SESSION_BYTES, SENDER_KEY_BYTES = (1_000, 37_000), (400, 260_000)
"""The least and the most that one holds; most of them are near the least."""

SHARES = {
    "pre-key": 0.45,
    "session": 0.18,
    "lid-mapping": 0.15,
    "sender-key": 0.08,
    "device-list": 0.06,
    "identity-key": 0.04,
    "tctoken": 0.02,
    "sender-key-memory": 0.01,
}
"""Of an account's keys; what is missing is app state."""


class Size(Struct, frozen=True):
    """How many accounts, and how many keys each of them has."""

    accounts: int
    keys_each: int

    @property
    def keys(self) -> int:
        """All keys."""
        return self.accounts * self.keys_each


class Installed(Struct):
    """An Evolution that has all its accounts, and does not run."""

    env: Path
    value_bytes: int
    """Of all values, as the worker gets them."""
    connection: psycopg.Connection[tuple[Any, ...]]
    client: redis.Redis

    def digests(self) -> dict[str, str]:
        """Read all accounts, by other code than the import's, and return the digest of each by its name."""
        rows = self.connection.execute('SELECT "sessionId", "creds" FROM "Session"').fetchall()
        return {name: digest_of({"creds": _inner(creds), **self._keys(name)}) for name, creds in rows}

    def _keys(self, name: str) -> dict[str, bytes]:
        found: Any = self.client.hgetall(f"{PREFIX}{name}")
        return {key.decode(): _inner(value) for key, value in found.items()}


@contextmanager
def installed(folder: Path, size: Size) -> Iterator[Installed]:
    """Run a PostgreSQL and a Redis that hold accounts."""
    with (
        redis_server(folder) as url,
        redis.Redis.from_url(url) as client,
        Room() as room,
        Server(room) as server,
        psycopg.connect(server.url(), autocommit=True) as connection,
    ):

        def run(sql: str, *parameters: object) -> None:
            connection.execute(sql.encode(), parameters or None)

        evolution = Evolution(Filled(server.url(), run), client, url, folder)
        total = 0
        for number in range(size.accounts):
            name, phone = str(UUID(int=Random(f"name {number}").getrandbits(128))), f"55119{number:08}"
            values = made_up(name, phone, size.keys_each)
            total += sum(map(len, values.values()))
            evolution.instance(name, f"phone {number}", values.pop("creds"), owner=f"{phone}@s.whatsapp.net")
            evolution.hash(name, values)
        yield Installed(evolution.env(), total, connection, client)


def made_up(name: str, phone: str, keys: int) -> dict[str, bytes]:
    """Return what a paired account holds: always the same for a name."""
    chance = Random(name)
    documents: dict[str, Any] = {"app-state-sync-key-AA/+on==": _app_state_key()}
    for kind, share in SHARES.items():
        for number in range(1, int(share * keys) + 1):
            documents.update([_key(kind, number, name, chance)])
    missing = keys - 1 - len(documents)
    for number in range(missing):
        documents[f"app-state-sync-version-{number}"] = _app_state(chance.randrange(10, 60), chance)
    history = [{"key": {"id": secret(f"{name} {number}")["data"]}, "messageTimestamp": 1} for number in range(40)]
    creds = paired_creds(name, phone, nextPreKeyId=keys, processedHistoryMessages=history)
    return texts_of({**documents, "creds": creds})


def _key(kind: str, number: int, name: str, chance: Random) -> tuple[str, Any]:
    contact, group = f"55118{number:08}", f"12036300000{number:07}@g.us"
    match kind:
        case "pre-key":
            return f"pre-key-{number}", key_pair(f"{name} {number}")
        case "session":
            return f"session-{contact}.0", {"_sessions": {"BQ": _noise(SESSION_BYTES, chance)}, "version": "v1"}
        case "sender-key":
            return f"sender-key-{group}::{contact}::0", {"type": "Buffer", "data": _noise(SENDER_KEY_BYTES, chance)}
        case "sender-key-memory":
            return f"sender-key-memory-{group}", {f"55117{one:08}:5@s.whatsapp.net": True for one in range(60)}
        case "lid-mapping":
            return f"lid-mapping-{contact}", f"2234567{number:08}"
        case "device-list":
            return f"device-list-{contact}", ["0", "12"]
        case "identity-key":
            return f"identity-key-{contact}.0", secret(f"{name} {contact}", 33)
    return f"tctoken-2234567{number:08}@lid", {"token": secret(f"{name} {contact}"), "timestamp": "1700000000"}


def _noise(bounds: tuple[int, int], chance: Random) -> str:
    """Return text that nothing can make shorter."""
    least, most = bounds
    size = min(most, int(least * chance.paretovariate(1.2)))
    return base64.b64encode(chance.randbytes(size * 3 // 4)).decode()


def _app_state_key() -> dict[str, Any]:
    fingerprint = {"rawId": 1, "currentIndex": 0, "deviceIndexes": [0]}
    return {"keyData": "zz", "fingerprint": fingerprint, "timestamp": "1700000000"}


def _app_state(entries: int, chance: Random) -> dict[str, Any]:
    found = {f"{number}=": {"valueMac": _noise((44, 44), chance)} for number in range(entries)}
    return {"version": 3, "hash": secret("hash", 128), "indexValueMap": found}


def _inner(text: str | bytes) -> bytes:
    """Return the text that a JSON string holds."""
    found = json.loads(text)
    if not isinstance(found, str):
        raise TypeError("what Evolution writes is a JSON string")
    return found.encode()
