"""Where programs keep the accounts that are moved: what opens such a place, what is typed, and the way back.

Each is a place for `tests/node/places.mjs`: by the program's own code where that is to be had, and in its literal form
elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import redis

from sessionworker.migration.targets.baileys_folder import write_baileys_folder
from sessionworker.migration.targets.baileys_sqlite import write_baileys_sqlite
from sessionworker.migration.targets.session_manager_folder import write_session_manager_folder
from tests.migration.evolution import ONE, TWO, Evolution
from tests.migration.filled import Filled

Accounts = Mapping[str, Mapping[str, bytes]]
"""What accounts hold, by their names."""

Place = dict[str, Any]

NAMES = {"alice": "alice", "bob": "bob"}
PHONES = {"alice": "+5511900000001", "bob": "+5511900000002"}


class Form(NamedTuple):
    """A program's way to keep accounts."""

    place: Place
    words: tuple[object, ...]
    """What is typed behind `sessionworker import`."""
    go_back: Callable[[Accounts, Path], Place]
    """Writes accounts below a folder that is empty, or where the program keeps them, and says what place that is."""
    names: Mapping[str, str] = NAMES
    """What the program calls them."""
    has_groups: bool = False
    """Whether their group is in the source."""


class Surroundings:
    """What a program has around it: servers, which are started when they are asked for, and the worker's group."""

    def __init__(self, request: pytest.FixtureRequest, group: str) -> None:
        self._request = request
        self.group = group

    @property
    def redis_url(self) -> str:
        url: str = self._request.getfixturevalue("redis_url")
        return url

    @property
    def postgresql(self) -> Filled:
        filled: Filled = self._request.getfixturevalue("postgresql")
        return filled

    @property
    def mysql(self) -> Filled:
        filled: Filled = self._request.getfixturevalue("mysql")
        return filled


# Ways back


def to_folders(accounts: Accounts, folder: Path) -> Place:
    for name, values in accounts.items():
        assert write_baileys_folder(values, folder / name) == []
    return {"kind": "folder", "folder": str(folder)}


def to_databases(accounts: Accounts, folder: Path) -> Place:
    for name, values in accounts.items():
        assert write_baileys_sqlite(values, folder / f"{name}.db") == []
    return {"kind": "baileys-sqlite", "folder": str(folder), "python": sys.executable}


def to_session_manager(accounts: Accounts, folder: Path) -> Place:
    for name, values in accounts.items():
        write_session_manager_folder(values, folder / name)
    return {"kind": "files", "folder": str(folder), "ending": ""}


# Files


def baileys(folder: Path, _: Surroundings) -> Form:
    return Form({"kind": "folder", "folder": str(folder)}, ("baileys", folder), to_folders)


def baileys_sqlite(folder: Path, _: Surroundings) -> Form:
    place = {"kind": "baileys-sqlite", "folder": str(folder), "python": sys.executable}
    return Form(place, ("baileys-sqlite", folder), to_databases)


def waha(folder: Path, _: Surroundings) -> Form:
    inner = folder / ".sessions" / "noweb"
    return Form({"kind": "folder", "folder": str(inner)}, ("waha", folder / ".sessions"), to_folders)


def openclaw(folder: Path, _: Surroundings) -> Form:
    inner = folder / "credentials" / "whatsapp"
    return Form({"kind": "folder", "folder": str(inner)}, ("openclaw", folder), to_folders)


def unoapi(folder: Path, _: Surroundings) -> Form:
    place = {"kind": "files", "folder": str(folder), "ending": ".json"}
    return Form(place, ("unoapi", folder), to_folders, PHONES)


def session_manager(folder: Path, around: Surroundings) -> Form:
    place = {"kind": "files", "folder": str(folder / around.group), "ending": ""}
    return Form(place, ("session-manager", folder), to_session_manager, has_groups=True)


def session_manager_sqlite(folder: Path, around: Surroundings) -> Form:
    (folder / around.group).mkdir()
    place = {"kind": "session-manager-sqlite", "folder": str(folder / around.group), "python": sys.executable}
    return Form(place, ("session-manager-sqlite", folder), to_session_manager, has_groups=True)


# Redis


def whatsapp_api_redis(_: Path, around: Surroundings) -> Form:
    place = _hash(around, "codechat_v1:7:*")
    return Form(place, ("whatsapp-api-redis", "--redis", around.redis_url, "--release", "1.3"), to_folders)


def evolution_1_redis(_: Path, around: Surroundings) -> Form:
    place = _hash(around, "evolution:instance:*", strings=True)
    return Form(place, ("evolution-1-redis", "--redis", around.redis_url), to_folders)


def baileys_redis_auth(_: Path, around: Surroundings) -> Form:
    return Form(_hash(around, "*:auth", fixed=True), ("baileys-redis-auth", "--redis", around.redis_url), to_folders)


def fazer_ai(_: Path, around: Surroundings) -> Form:
    place = _hash(around, "@baileys-api:connections:*:authState")
    return Form(place, ("fazer-ai", "--redis", around.redis_url), to_folders, PHONES)


def unoapi_redis(_: Path, around: Surroundings) -> Form:
    place = {"kind": "redis-strings", "url": around.redis_url, "before": "unoapi-auth:*:"}
    return Form(place, ("unoapi-redis", "--redis", around.redis_url), to_folders, PHONES)


def _hash(around: Surroundings, key: str, **how: bool) -> Place:
    return {"kind": "redis-hash", "url": around.redis_url, "key": key, **how}


# Databases


def evolution(folder: Path, around: Surroundings) -> Form:
    """Evolution 2 as its example sets it up: creds in PostgreSQL, all other keys in Redis."""
    return _evolution(folder, around, {"hash": _hash(around, "evolution:instance:*", strings=True)})


def evolution_files(folder: Path, around: Surroundings) -> Form:
    return _evolution(folder, around, {"folder": str(folder / "instances")}, CACHE_REDIS_ENABLED="false")


def _evolution(folder: Path, around: Surroundings, keys: Place, **settings: str) -> Form:
    names = {"alice": ONE, "bob": TWO}
    with redis.Redis.from_url(around.redis_url) as client:
        program = Evolution(around.postgresql, client, around.redis_url, folder)
        for person, id_ in names.items():
            program.instance(id_, person, owner=f"{PHONES[person][1:]}@s.whatsapp.net")
    place = {"kind": "evolution", **_schema(around.postgresql), **keys}
    return Form(place, ("evolution", "--env", program.env(**settings)), to_folders, names)


def baileys_store(_: Path, around: Surroundings) -> Form:
    filled = around.postgresql
    filled.run('CREATE TABLE "Session"("pkId" SERIAL PRIMARY KEY, "sessionId" TEXT, id TEXT, data TEXT)')
    filled.run('CREATE UNIQUE INDEX ON "Session"("sessionId", id)')
    place = {"kind": "baileys-store", **_schema(filled)}
    return Form(place, ("baileys-store", "--database", filled.url), to_folders)


def mysql_baileys(_: Path, around: Surroundings) -> Form:
    url = urlsplit(around.mysql.url)
    connection = {
        "host": url.hostname,
        "port": url.port,
        "user": url.username,
        "password": unquote(url.password or ""),
        "database": url.path[1:],
    }
    place = {"kind": "mysql-baileys", "connection": connection}
    return Form(place, ("mysql-baileys", "--database", around.mysql.url), to_folders)


def _schema(filled: Filled) -> Place:
    """Prisma's URLs name a schema; those of Node's library do not."""
    url = urlsplit(filled.url)
    return {"database": url._replace(query="").geturl(), "schema": parse_qs(url.query)["schema"][0]}


SOURCES: tuple[Callable[[Path, Surroundings], Form], ...] = (
    baileys,
    evolution,
    evolution_files,
    session_manager,
    session_manager_sqlite,
    baileys_sqlite,
    whatsapp_api_redis,
    evolution_1_redis,
    waha,
    openclaw,
    baileys_redis_auth,
    fazer_ai,
    mysql_baileys,
    unoapi,
    unoapi_redis,
    baileys_store,
)
"""Those with the most users first."""
