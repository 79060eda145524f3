"""Programs that keep their accounts in databases, or some of what those hold; see `old_forms`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from sessionworker.migration.targets.evolution import open_evolution_target
from tests.migration.evolution import ONE, TWO, Evolution
from tests.migration.filled import Filled
from tests.migration.surroundings import EVOLUTION_KEY, NAMES, PHONES, Form, Place, Surroundings, hash_in, to_folders

# MongoDB


def whatsapp_api_mongo(_: Path, around: Surroundings) -> Form:
    url = around.mongo_url
    place = {"kind": "mongo", "url": url, "database": "codechat-instances"}
    return Form(place, ("whatsapp-api-mongo", "--mongo", url), to_folders)


def evolution_1_mongo(_: Path, around: Surroundings) -> Form:
    return _evolution_1_mongo(around.mongo_url)


def evolution_1_mongo_files(folder: Path, around: Surroundings) -> Form:
    """Evolution 1.8.2, and later: creds alone are in MongoDB."""
    return _evolution_1_mongo(around.mongo_url, folder)


def _evolution_1_mongo(url: str, *folder: Path) -> Form:
    place = {"kind": "mongo", "url": url, "database": "evolution-instances", "wrapsArrays": True}
    words: tuple[object, ...] = ("evolution-1-mongo", "--mongo", url)
    for one in folder:
        place["folder"] = str(one)
        words += ("--instances", one)
    return Form(place, words, lambda new: to_folders(new, "evolution-1"))


# Databases


def evolution(_: Path, around: Surroundings) -> Form:
    """Evolution 2 as its example sets it up: creds in PostgreSQL, all other keys in Redis."""
    keys = {"hash": hash_in(around, EVOLUTION_KEY, strings=True)}
    return _evolution(around.evolution, {"kind": "evolution", **_schema(around.postgresql), **keys})


def evolution_mysql(_: Path, around: Surroundings) -> Form:
    keys = {"hash": hash_in(around, EVOLUTION_KEY, strings=True)}
    place = {"kind": "evolution", "connection": _connection(around.mysql), **keys}
    return _evolution(around.evolution_on_mysql, place, DATABASE_PROVIDER="mysql")


def evolution_mysql_files(_: Path, around: Surroundings) -> Form:
    evolution = around.evolution_on_mysql
    place = {"kind": "evolution", "connection": _connection(around.mysql), "folder": str(evolution.instances)}
    return _evolution(evolution, place, DATABASE_PROVIDER="mysql", CACHE_REDIS_ENABLED="false")


def evolution_files(_: Path, around: Surroundings) -> Form:
    keys = {"folder": str(around.evolution.instances)}
    place = {"kind": "evolution", **_schema(around.postgresql), **keys}
    return _evolution(around.evolution, place, CACHE_REDIS_ENABLED="false")


def evolution_all_in_redis(_: Path, around: Surroundings) -> Form:
    place = hash_in(around, EVOLUTION_KEY, strings=True)
    settings = {"CACHE_REDIS_SAVE_INSTANCES": "true", "DATABASE_SAVE_DATA_INSTANCE": "false"}
    return _evolution(around.evolution, place, **settings)


def _evolution(evolution: Evolution, place: Place, **settings: str) -> Form:
    names = {"alice": ONE, "bob": TWO}
    for person, id_ in names.items():
        evolution.instance(id_, person, owner=f"{PHONES[person][1:]}@s.whatsapp.net")
    env = evolution.env(**settings)
    return Form(place, ("evolution", "--env", env), lambda _: (open_evolution_target(env, replace=True), place), names)


def baileys_store(_: Path, around: Surroundings) -> Form:
    filled = around.postgresql
    filled.run('CREATE TABLE "Session"("pkId" SERIAL PRIMARY KEY, "sessionId" TEXT, id TEXT, data TEXT)')
    filled.run('CREATE UNIQUE INDEX ON "Session"("sessionId", id)')
    place = {"kind": "baileys-store", **_schema(filled)}
    return Form(place, ("baileys-store", "--database", filled.url), to_folders)


def ticketz(_: Path, around: Surroundings) -> Form:
    filled = around.postgresql
    filled.run('CREATE TABLE "Whatsapps"(id SERIAL PRIMARY KEY, name TEXT UNIQUE, session TEXT)')
    filled.run(
        'CREATE TABLE "BaileysKeys"("whatsappId" INTEGER, type TEXT, key TEXT, value TEXT, '
        'PRIMARY KEY ("whatsappId", type, key))'
    )
    for name in NAMES.values():
        filled.run('INSERT INTO "Whatsapps"(name) VALUES(%s)', name)
    return Form({"kind": "ticketz", **_schema(filled)}, ("ticketz", "--database", filled.url), None)


def mysql_baileys(_: Path, around: Surroundings) -> Form:
    place = {"kind": "mysql-baileys", "connection": _connection(around.mysql)}
    return Form(place, ("mysql-baileys", "--database", around.mysql.url), to_folders)


def _connection(filled: Filled) -> Place:
    """What Node's library for MySQL calls the parts of a URL."""
    url = urlsplit(filled.url)
    return {
        "host": url.hostname,
        "port": url.port,
        "user": url.username,
        "password": unquote(url.password or ""),
        "database": url.path[1:],
    }


def _schema(filled: Filled) -> Place:
    """Prisma's URLs name a schema; those of Node's library do not."""
    url = urlsplit(filled.url)
    return {"database": url._replace(query="").geturl(), "schema": parse_qs(url.query)["schema"][0]}
