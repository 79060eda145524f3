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

from sessionworker.migration.targets.baileys_folder import open_baileys_target
from sessionworker.migration.targets.baileys_sqlite import open_baileys_sqlite_target
from sessionworker.migration.targets.evolution import open_evolution_target
from sessionworker.migration.targets.redis_stores import (
    open_baileys_redis_auth_target,
    open_evolution_1_redis_target,
    open_fazer_ai_target,
)
from sessionworker.migration.targets.session_manager_folder import open_session_manager_target
from sessionworker.migration.targets.target import Target
from tests.migration.evolution import ONE, TWO, Evolution
from tests.migration.filled import Filled

Place = dict[str, Any]

NAMES = {"alice": "alice", "bob": "bob"}
EVOLUTION_KEY = "evolution:instance:*"
PHONES = {"alice": "+5511900000001", "bob": "+5511900000002"}


class Form(NamedTuple):
    """A program's way to keep accounts."""

    place: Place
    words: tuple[object, ...]
    """What is typed behind `sessionworker import`."""
    way_back: Callable[[Path], tuple[Target, Place]]
    """Opens what accounts are written to, in a folder that is empty or where the program had them."""
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
        """A Redis, in which nothing is."""
        self._request.getfixturevalue("client")
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

    @property
    def evolution(self) -> Evolution:
        evolution: Evolution = self._request.getfixturevalue("evolution")
        return evolution


# Files


def _to_folders(folder: Path, layout: str = "baileys", *below: str) -> tuple[Target, Place]:
    return open_baileys_target(folder, layout=layout), _folders(folder.joinpath(*below))


def _folders(folder: Path) -> Place:
    return {"kind": "folder", "folder": str(folder)}


def baileys(folder: Path, _: Surroundings) -> Form:
    return Form(_folders(folder), ("baileys", folder), _to_folders)


def waha(folder: Path, _: Surroundings) -> Form:
    below = ("waha", "noweb")
    return Form(_folders(folder / "noweb"), ("waha", folder), lambda new: _to_folders(new, *below))


def openclaw(folder: Path, _: Surroundings) -> Form:
    below = ("credentials", "whatsapp")
    return Form(
        _folders(folder.joinpath(*below)), ("openclaw", folder), lambda new: _to_folders(new, "openclaw", *below)
    )


def baileys_sqlite(folder: Path, _: Surroundings) -> Form:
    def place(folder: Path) -> Place:
        return {"kind": "baileys-sqlite", "folder": str(folder), "python": sys.executable}

    return Form(place(folder), ("baileys-sqlite", folder), lambda new: (open_baileys_sqlite_target(new), place(new)))


def unoapi(folder: Path, _: Surroundings) -> Form:
    place = {"kind": "files", "folder": str(folder), "ending": ".json"}
    return Form(place, ("unoapi", folder), _to_folders, PHONES)


def session_manager(folder: Path, around: Surroundings) -> Form:
    words = ("session-manager", folder)
    return Form(_of_session_manager(folder, around), words, _to_session_manager(around), has_groups=True)


def session_manager_sqlite(folder: Path, around: Surroundings) -> Form:
    (folder / around.group).mkdir()
    place = {"kind": "session-manager-sqlite", "folder": str(folder / around.group), "python": sys.executable}
    return Form(place, ("session-manager-sqlite", folder), _to_session_manager(around), has_groups=True)


def _of_session_manager(folder: Path, around: Surroundings) -> Place:
    return {"kind": "files", "folder": str(folder / around.group), "ending": ""}


def _to_session_manager(around: Surroundings) -> Callable[[Path], tuple[Target, Place]]:
    return lambda new: (open_session_manager_target(new), _of_session_manager(new, around))


# Redis


def whatsapp_api_redis(_: Path, around: Surroundings) -> Form:
    place = _hash(around, "codechat_v1:7:*")
    return Form(place, ("whatsapp-api-redis", "--redis", around.redis_url, "--release", "1.3"), _to_folders)


def evolution_1_redis(_: Path, around: Surroundings) -> Form:
    place, url = _hash(around, EVOLUTION_KEY, strings=True), around.redis_url
    words = ("evolution-1-redis", "--redis", url)
    return Form(place, words, lambda _: (open_evolution_1_redis_target(url, prefix="evolution", replace=True), place))


def baileys_redis_auth(_: Path, around: Surroundings) -> Form:
    place, url = _hash(around, "*:auth", fixed=True), around.redis_url
    words = ("baileys-redis-auth", "--redis", url)
    return Form(place, words, lambda _: (open_baileys_redis_auth_target(url, replace=True), place))


def fazer_ai(_: Path, around: Surroundings) -> Form:
    place, url = _hash(around, "@baileys-api:connections:*:authState"), around.redis_url
    place["beside"] = {"metadata": '{"webhookUrl":"http://127.0.0.1"}'}
    words = ("fazer-ai", "--redis", url)
    return Form(place, words, lambda _: (open_fazer_ai_target(url, replace=True), place), PHONES)


def unoapi_redis(_: Path, around: Surroundings) -> Form:
    place = {"kind": "redis-strings", "url": around.redis_url, "before": "unoapi-auth:*:"}
    return Form(place, ("unoapi-redis", "--redis", around.redis_url), _to_folders, PHONES)


def _hash(around: Surroundings, key: str, **how: bool) -> Place:
    return {"kind": "redis-hash", "url": around.redis_url, "key": key, **how}


# Databases


def evolution(_: Path, around: Surroundings) -> Form:
    """Evolution 2 as its example sets it up: creds in PostgreSQL, all other keys in Redis."""
    keys = {"hash": _hash(around, EVOLUTION_KEY, strings=True)}
    return _evolution(around, {"kind": "evolution", **_schema(around.postgresql), **keys})


def evolution_files(_: Path, around: Surroundings) -> Form:
    keys = {"folder": str(around.evolution.instances)}
    return _evolution(around, {"kind": "evolution", **_schema(around.postgresql), **keys}, CACHE_REDIS_ENABLED="false")


def evolution_all_in_redis(_: Path, around: Surroundings) -> Form:
    place = _hash(around, EVOLUTION_KEY, strings=True)
    return _evolution(around, place, CACHE_REDIS_SAVE_INSTANCES="true", DATABASE_SAVE_DATA_INSTANCE="false")


def _evolution(around: Surroundings, place: Place, **settings: str) -> Form:
    names = {"alice": ONE, "bob": TWO}
    for person, id_ in names.items():
        around.evolution.instance(id_, person, owner=f"{PHONES[person][1:]}@s.whatsapp.net")
    env = around.evolution.env(**settings)
    return Form(place, ("evolution", "--env", env), lambda _: (open_evolution_target(env, replace=True), place), names)


def baileys_store(_: Path, around: Surroundings) -> Form:
    filled = around.postgresql
    filled.run('CREATE TABLE "Session"("pkId" SERIAL PRIMARY KEY, "sessionId" TEXT, id TEXT, data TEXT)')
    filled.run('CREATE UNIQUE INDEX ON "Session"("sessionId", id)')
    place = {"kind": "baileys-store", **_schema(filled)}
    return Form(place, ("baileys-store", "--database", filled.url), _to_folders)


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
    return Form(place, ("mysql-baileys", "--database", around.mysql.url), _to_folders)


def _schema(filled: Filled) -> Place:
    """Prisma's URLs name a schema; those of Node's library do not."""
    url = urlsplit(filled.url)
    return {"database": url._replace(query="").geturl(), "schema": parse_qs(url.query)["schema"][0]}


SOURCES: tuple[Callable[[Path, Surroundings], Form], ...] = (
    baileys,
    evolution,
    evolution_files,
    evolution_all_in_redis,
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
