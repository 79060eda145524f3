"""CodeChat's whatsapp-api before it had a worker, in Redis or MongoDB. What it keeps in files are Baileys' folders.

Its instances are called by their names, as a worker for today's whatsapp-api calls them.
"""

from __future__ import annotations

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.taking import TEXT
from sessionworker.migration.sources.from_redis import hash_entry, opened, something
from sessionworker.migration.sources.gathered import Gathered
from sessionworker.migration.sources.mongo_collections import open_collections
from sessionworker.migration.sources.renaming import Renaming
from sessionworker.names import CREDS

PREFIXES = {"1.2": "codechat", "1.3": "codechat_v1"}
"""What stands before a name, unless told otherwise, by version."""


def open_whatsapp_api_redis(redis: str, *, release: str, prefix: str = "", no_prefix: bool = False) -> Gathered:
    """Open what whatsapp-api 1.2, or 1.3.0 to 1.3.1.61, keeps in Redis: a hash for each instance.

    `release` is `1.2` or `1.3`. `prefix` is its REDIS_PREFIX_KEY (1.2) or REDIS_PREFIX (1.3); `no_prefix` is for what
    versions before May 2023 wrote. Raises SourceError.
    """
    short = ".".join(release.split(".")[:2])
    if short not in PREFIXES:
        raise SourceError(
            "whatsapp-api kept its sessions in Redis in the versions 1.2 and 1.3: --release is one of them."
        )
    before = "" if no_prefix else f"{prefix or PREFIXES[short]}:"
    has_ids = short == "1.3"
    with opened(redis) as (server, resources):
        entries = []
        for key in server.names(before, ""):
            id_, colon, after = key.removeprefix(before).partition(":")
            if has_ids and not (colon and id_.isdecimal()):
                continue
            if server.field(key, CREDS) is not None:
                name = after if has_ids else key.removeprefix(before)
                entries.append(hash_entry(server, key, name, otherwise=TEXT))
        wanted = f"hash {before}{'<number>:' if has_ids else ''}* with creds"
        return Gathered(server.shown, something(entries, wanted, server), (), resources)


def open_whatsapp_api_mongo(mongo: str, *, database: str = "") -> Gathered:
    """Open what whatsapp-api 1.2 keeps in MongoDB, a collection for each instance.

    `database` ends in `-instances`, and is found out where there is one alone. Raises SourceError.
    """
    return open_collections(mongo, database=database, folder=None, renaming=Renaming(), wants_folder=False)
