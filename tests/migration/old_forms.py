"""Where programs keep the accounts that are moved: what opens such a place, what is typed, and the way back.

Each is a place for `tests/node/places.mjs`: by the program's own code where that is to be had, and in its literal form
elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from sessionworker.migration.targets.baileys_sqlite import open_baileys_sqlite_target
from sessionworker.migration.targets.redis_stores import (
    open_baileys_redis_auth_target,
    open_evolution_1_redis_target,
    open_fazer_ai_target,
)
from sessionworker.migration.targets.session_manager_folder import open_session_manager_target
from sessionworker.migration.targets.target import Target
from tests.migration.old_forms_in_databases import (
    baileys_store,
    evolution,
    evolution_1_mongo,
    evolution_1_mongo_files,
    evolution_all_in_redis,
    evolution_files,
    evolution_mysql,
    evolution_mysql_files,
    mysql_baileys,
    ticketz,
    whatsapp_api_mongo,
)
from tests.migration.surroundings import EVOLUTION_KEY, PHONES, Form, Place, Surroundings, folders, hash_in, to_folders

# Files


def baileys(folder: Path, _: Surroundings) -> Form:
    return Form(folders(folder), ("baileys", folder), to_folders)


def waha(folder: Path, _: Surroundings) -> Form:
    below = ("waha", "noweb")
    return Form(folders(folder / "noweb"), ("waha", folder), lambda new: to_folders(new, *below))


def openclaw(folder: Path, _: Surroundings) -> Form:
    below = ("credentials", "whatsapp")
    return Form(folders(folder.joinpath(*below)), ("openclaw", folder), lambda new: to_folders(new, "openclaw", *below))


def baileys_sqlite(folder: Path, _: Surroundings) -> Form:
    def place(folder: Path) -> Place:
        return {"kind": "baileys-sqlite", "folder": str(folder), "python": sys.executable}

    return Form(place(folder), ("baileys-sqlite", folder), lambda new: (open_baileys_sqlite_target(new), place(new)))


def unoapi(folder: Path, _: Surroundings) -> Form:
    place = {"kind": "files", "folder": str(folder), "ending": ".json"}
    return Form(place, ("unoapi", folder), to_folders, PHONES)


def session_manager(folder: Path, around: Surroundings) -> Form:
    words = ("session-manager", folder)
    return Form(_of_session_manager(folder, around), words, _to_session_manager(around), has_groups=True)


def session_manager_sqlite(folder: Path, around: Surroundings) -> Form:
    (folder / around.group).mkdir()
    place = {"kind": "session-manager-sqlite", "folder": str(folder / around.group), "python": sys.executable}
    return Form(place, ("session-manager-sqlite", folder), _to_session_manager(around), has_groups=True)


def session_manager_node(folder: Path, around: Surroundings) -> Form:
    """Its first releases, written for Node: since the second one with groups."""
    return Form(
        {**_of_session_manager(folder, around), "ending": ".json"},
        ("session-manager-node", folder),
        None,
        has_groups=True,
    )


def _of_session_manager(folder: Path, around: Surroundings) -> Place:
    return {"kind": "files", "folder": str(folder / around.group), "ending": ""}


def _to_session_manager(around: Surroundings) -> Callable[[Path], tuple[Target, Place]]:
    return lambda new: (open_session_manager_target(new), _of_session_manager(new, around))


# Redis


def whatsapp_api_redis(_: Path, around: Surroundings) -> Form:
    return _whatsapp_api_redis(around, "codechat_v1:7:*", "1.3")


def whatsapp_api_redis_1_2(_: Path, around: Surroundings) -> Form:
    return _whatsapp_api_redis(around, "codechat:*", "1.2")


def _whatsapp_api_redis(around: Surroundings, key: str, release: str) -> Form:
    words = ("whatsapp-api-redis", "--redis", around.redis_url, "--release", release)
    return Form(hash_in(around, key), words, to_folders)


def evolution_1_redis(_: Path, around: Surroundings) -> Form:
    place, url = hash_in(around, EVOLUTION_KEY, strings=True), around.redis_url
    words = ("evolution-1-redis", "--redis", url)
    return Form(place, words, lambda _: (open_evolution_1_redis_target(url, prefix="evolution", replace=True), place))


def baileys_redis_auth(_: Path, around: Surroundings) -> Form:
    place, url = hash_in(around, "*:auth", fixed=True), around.redis_url
    words = ("baileys-redis-auth", "--redis", url)
    return Form(place, words, lambda _: (open_baileys_redis_auth_target(url, replace=True), place))


def fazer_ai(_: Path, around: Surroundings) -> Form:
    place, url = hash_in(around, "@baileys-api:connections:*:authState"), around.redis_url
    place["beside"] = {"metadata": '{"webhookUrl":"http://127.0.0.1"}'}
    words = ("fazer-ai", "--redis", url)
    return Form(place, words, lambda _: (open_fazer_ai_target(url, replace=True), place), PHONES)


def unoapi_redis(_: Path, around: Surroundings) -> Form:
    place = {"kind": "redis-strings", "url": around.redis_url, "before": "unoapi-auth:*:"}
    return Form(place, ("unoapi-redis", "--redis", around.redis_url), to_folders, PHONES)


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
    ticketz,
    evolution_mysql,
    evolution_mysql_files,
    evolution_1_mongo,
    evolution_1_mongo_files,
    whatsapp_api_mongo,
    whatsapp_api_redis_1_2,
    session_manager_node,
)
"""Those with the most users first, as far as they are like no other."""
