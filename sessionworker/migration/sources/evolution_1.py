"""Evolution API 1.x, in Redis or in MongoDB. What it keeps in files are Baileys' own folders.

Its instances are called by their names. A worker for Evolution 2 calls them by ids, for which there is `Renaming`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.redis_hash import Redis
from sessionworker.migration.readers.taking import STRING, TEXT
from sessionworker.migration.sources.from_redis import hash_entry, opened, something
from sessionworker.migration.sources.gathered import Entry, Gathered
from sessionworker.migration.sources.mongo_collections import open_collections
from sessionworker.migration.sources.renaming import Renaming
from sessionworker.names import CREDS

INSTANCE = ":instance:"

OLD_PREFIX = "evolution"
"""What 1.7.2 and older put before a name, unless told otherwise."""


def open_evolution_1_redis(
    redis: str,
    *,
    prefix: str = "",
    no_prefix: bool = False,
    names: Mapping[str, str] | None = None,
    map_from_database: str = "",
) -> Gathered:
    """Open what an Evolution 1.x keeps in Redis.

    `prefix` is its CACHE_REDIS_PREFIX_KEY (1.7.3 and later) or REDIS_PREFIX_KEY (before), and is found out where there
    is one alone; `no_prefix` is for what versions before July 2023 wrote. `names` are new names by old ones;
    `map_from_database` is the URL of an Evolution 2's database, whose instances have them. Raises SourceError.
    """
    renaming = Renaming(names, map_from_database)
    with opened(redis) as (server, resources):
        prefixes = [] if no_prefix else prefixes_in(server)
        if not prefix and len(prefixes) > 1:
            raise several_prefixes(server, prefixes)
        found = [prefix] if prefix else prefixes
        new = [entry for one in found for entry in _new_hashes(server, one, renaming)]
        before = "" if no_prefix else f"{prefix or OLD_PREFIX}:"
        old = _old_hashes(server, before, renaming)
        wanted = f"hash {prefix or '*'}{INSTANCE}*, or {before}* with creds,"
        return Gathered(server.shown, something([*new, *old], wanted, server), (), resources)


def _new_hashes(server: Redis, prefix: str, renaming: Renaming) -> list[Entry]:
    """Return the accounts of 1.7.3 and later."""
    before = f"{prefix}{INSTANCE}"
    return [
        hash_entry(server, key, key.removeprefix(before), otherwise=STRING, account=renaming.account)
        for key in server.names(before, "")
    ]


def _old_hashes(server: Redis, before: str, renaming: Renaming) -> list[Entry]:
    """Return the accounts of 1.7.2 and older. What has creds is one."""
    return [
        hash_entry(server, key, key.removeprefix(before), otherwise=TEXT, account=renaming.account)
        for key in server.names(before, "")
        if INSTANCE not in f":{key.removeprefix(before)}" and server.field(key, CREDS) is not None
    ]


def prefixes_in(server: Redis) -> list[str]:
    """Return what stands before `:instance:` in the names of hashes."""
    return sorted({key.partition(INSTANCE)[0] for key in server.names("", INSTANCE, "")})


def several_prefixes(server: Redis, prefixes: list[str]) -> SourceError:
    """Return the error for several installations in one database of Redis."""
    return SourceError(
        f"{server.shown} holds instances of several prefixes: {shown(', '.join(prefixes))}. Say which by --prefix; "
        "it is the CACHE_REDIS_PREFIX_KEY of the installation."
    )


def open_evolution_1_mongo(
    mongo: str,
    *,
    database: str = "",
    instances: Path | None = None,
    names: Mapping[str, str] | None = None,
    map_from_database: str = "",
) -> Gathered:
    """Open what an Evolution 1.x keeps in MongoDB, a collection for each instance.

    `database` ends in `-instances`, and is found out where there is one alone. `instances` is the folder of that name,
    in which 1.8.2 and later keep all keys but creds: what MongoDB has of them is old then. For `names` and
    `map_from_database` see `open_evolution_1_redis`. Raises SourceError.
    """
    return open_collections(
        mongo, database=database, folder=instances, renaming=Renaming(names, map_from_database), wants_folder=True
    )
