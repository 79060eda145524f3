"""Programs that keep all of an account in Redis, each in a layout of its own, as JSON texts.

`baileys-redis-auth` calls its fields like Baileys' files; fazer-ai's baileys-api and unoapi by the keys themselves.
"""

from __future__ import annotations

from sessionworker.migration.readers.taking import FIXED, RAW
from sessionworker.migration.sources.from_redis import hash_entry, opened, something, strings_entry
from sessionworker.migration.sources.gathered import Gathered
from sessionworker.names import CREDS

FAZER = "@baileys-api:connections:"
FAZER_END = ":authState"
FAZER_FOREIGN = ("metadata", "import-candidates")

UNOAPI = "unoapi-auth:"

HASH_END = ":auth"
"""Of baileys-redis-auth's hashes, after a prefix that the bot's author chose."""


def open_baileys_redis_auth(redis: str, *, prefix: str = "") -> Gathered:
    """Open what baileys-redis-auth keeps in Redis: a hash for each prefix, or a string for each key.

    `prefix` is the one account that is wanted; all of them, if none is given. Raises SourceError.
    """
    with opened(redis) as (server, resources):
        entries = [
            hash_entry(server, name, name.removesuffix(HASH_END), style=FIXED)
            for name in server.names("", HASH_END)
            if server.field(name, CREDS) is not None
        ]
        ending = f":{CREDS}"
        for name in server.names("", ending, kind="string"):
            if not name.startswith(UNOAPI):
                before = name.removesuffix(CREDS)
                entries.append(strings_entry(server, before, before.removesuffix(":"), style=FIXED))
        if prefix:
            entries = [entry for entry in entries if entry.account.name == prefix]
        wanted = f"prefix {prefix} with creds" if prefix else f"key that ends in {HASH_END} or :{CREDS}, with creds"
        return Gathered(server.shown, something(entries, wanted, server), (), resources)


def open_fazer_ai(redis: str) -> Gathered:
    """Open what fazer-ai's baileys-api keeps in Redis: a hash for each phone number. Raises SourceError."""
    with opened(redis) as (server, resources):
        entries = [
            hash_entry(server, name, name.removeprefix(FAZER).removesuffix(FAZER_END), style=RAW, foreign=FAZER_FOREIGN)
            for name in server.names(FAZER, FAZER_END)
        ]
        return Gathered(server.shown, something(entries, f"hash {FAZER}*{FAZER_END}", server), (), resources)


def open_unoapi_redis(redis: str) -> Gathered:
    """Open what unoapi keeps in Redis: a string for each key of a phone number. Raises SourceError."""
    with opened(redis) as (server, resources):
        entries = []
        for name in server.names(UNOAPI, f":{CREDS}", kind="string"):
            before = name.removesuffix(CREDS)
            entries.append(strings_entry(server, before, before.removeprefix(UNOAPI).removesuffix(":"), style=RAW))
        return Gathered(server.shown, something(entries, f"key {UNOAPI}*:{CREDS}", server), (), resources)
