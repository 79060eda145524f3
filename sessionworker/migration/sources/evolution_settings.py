"""Where an Evolution API 2.x keeps its accounts, by its settings and by what an operator says of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.collecting import shown

REDIS, FILES, NOWHERE = "redis", "files", "nowhere"
PLACES = (REDIS, FILES, NOWHERE)
"""Where keys can lie. In 2.0 to 2.2.2 without Redis they were in memory alone."""

FOLDER = "instances"

PREFIX = "evolution-cache"
"""What stands before the names of hashes if nothing else is set."""

TRUE = "true"
"""What Evolution takes for yes; nothing else is."""


class Settings(Struct, frozen=True):
    """Where accounts lie."""

    database: str
    redis: str
    prefix: str
    """Empty where nobody says it."""
    client_name: str
    instances: Path | None
    creds_in_redis: bool | None
    """Whether creds are there; None where nobody says it."""
    keys: str
    is_sure: bool
    """Whether it was the operator who said where keys are."""


def settings_of(
    env: Mapping[str, str] | None,
    env_folder: Path | None,
    *,
    database: str = "",
    redis: str = "",
    prefix: str = "",
    client_name: str = "",
    instances: Path | None = None,
    keys: str = "",
) -> Settings:
    """Return what an installation's settings come to; what an operator gives goes over them. Raises SourceError."""
    if keys and keys not in PLACES:
        raise SourceError(f"--keys is one of {', '.join(PLACES)}.")
    given = env or {}
    database = database or given.get("DATABASE_CONNECTION_URI", "")
    _check_version(given, database)
    if not database:
        raise SourceError("Its database is not named: give the file .env of the installation, or --database.")
    in_redis = _is_on(given, "CACHE_REDIS_ENABLED") if env is not None else bool(redis)
    creds_in_redis = in_redis and _is_on(given, "CACHE_REDIS_SAVE_INSTANCES") if env is not None else None
    if env is not None and not keys:
        _check_store(env, creds_in_redis=bool(creds_in_redis))
    place = keys or (REDIS if in_redis else FILES)
    redis = redis or given.get("CACHE_REDIS_URI", "")
    if place == REDIS and not redis:
        raise SourceError("Its Redis is not named: give the file .env of the installation, or --redis.")
    return Settings(
        database=database,
        redis=redis,
        prefix=prefix or given.get("CACHE_REDIS_PREFIX_KEY", "") or (PREFIX if env is not None else ""),
        client_name=client_name or given.get("DATABASE_CONNECTION_CLIENT_NAME", ""),
        instances=_folder(instances, env_folder, is_needed=place == FILES),
        creds_in_redis=creds_in_redis,
        keys=place,
        is_sure=bool(keys),
    )


def _is_on(env: Mapping[str, str], name: str) -> bool:
    return env.get(name) == TRUE


def _check_version(env: Mapping[str, str], database: str) -> None:
    if database.startswith("mongodb") or "REDIS_ENABLED" in env or "DATABASE_ENABLED" in env:
        raise SourceError("These are the settings of an Evolution 1.x, whose accounts lie in other places.")


def _check_store(env: Mapping[str, str], *, creds_in_redis: bool) -> None:
    if _is_on(env, "PROVIDER_ENABLED"):
        raise SourceError(
            "By its settings it keeps its accounts in a worker (PROVIDER_ENABLED=true), so what else it has is old. If "
            "that was changed just now, and it was not started since, say by --keys where it had its keys before."
        )
    if not creds_in_redis and not _is_on(env, "DATABASE_SAVE_DATA_INSTANCE"):
        raise SourceError(
            "By its settings it keeps no accounts: neither DATABASE_SAVE_DATA_INSTANCE is true, nor are "
            "CACHE_REDIS_ENABLED and CACHE_REDIS_SAVE_INSTANCES. If they are set elsewhere, say by --keys where its "
            "keys are."
        )


def _folder(given: Path | None, env_folder: Path | None, *, is_needed: bool) -> Path | None:
    folder = given or (env_folder and env_folder / FOLDER)
    if folder is not None and folder.is_dir():
        return folder
    if given is not None or is_needed:
        where = f"{shown(str(folder))} is no folder" if folder else "It is not named"
        raise SourceError(
            f"Its keys lie in its folder {FOLDER}. {where}: give it by --{FOLDER}; for a container, its volume's. "
            f"(If it is Evolution 2.0 to 2.2.2 without Redis, it has keys nowhere: --keys {NOWHERE}.)"
        )
    return None
