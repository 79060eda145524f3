"""`import` of what lies in Redis, SQL databases and MongoDB."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from sessionworker.commands.given import Given
from sessionworker.commands.importing import Wanted, import_from, importer
from sessionworker.commands.servers import installation, instances, prefix, url
from sessionworker.migration.readers.taking import ENCODINGS, RAW, STYLES, TEXT
from sessionworker.migration.sources.evolution import open_evolution
from sessionworker.migration.sources.evolution_1 import open_evolution_1_mongo, open_evolution_1_redis
from sessionworker.migration.sources.redis_stores import open_baileys_redis_auth, open_fazer_ai, open_unoapi_redis
from sessionworker.migration.sources.sql_rows import open_baileys_store, open_mysql_baileys, open_sql
from sessionworker.migration.sources.ticketz import open_ticketz
from sessionworker.migration.sources.whatsapp_api_old import PREFIXES, open_whatsapp_api_mongo, open_whatsapp_api_redis

_IN = "SESSIONWORKER_IMPORT_"


_url = partial(url, purpose="IMPORT")
_no_prefix = click.option("--no-prefix", is_flag=True, help="Its keys begin with no prefix, as those of old versions.")
_mongo_database = click.option("--database", default="", help="Its name, which ends in -instances.")
_session = click.option("--session", default="", help="The one account that is wanted.")
_map_from_database = click.option(
    "--map-from-database",
    default="",
    metavar="URL",
    envvar=f"{_IN}MAP_FROM_DATABASE",
    show_envvar=True,
    help="The database of an Evolution 2, whose instances have those names: their ids are the new ones.",
)


@importer("evolution")
@installation(purpose="IMPORT")
def evolution(given: Given, wanted: Wanted, keys: str | None, **options: Any) -> None:
    """Import from Evolution API 2: PostgreSQL or MySQL, with Redis or files."""
    import_from(given, lambda: open_evolution(**options, keys=keys or ""), wanted)


@importer("evolution-1-redis")
@_url("redis")
@prefix("CACHE_REDIS_PREFIX_KEY, or REDIS_PREFIX_KEY before 1.7.3")
@_no_prefix
@_map_from_database
def evolution_1_redis(given: Given, wanted: Wanted, redis: str, **options: Any) -> None:
    """Import from Evolution API 1 with Redis; with files it is 'import baileys'."""
    import_from(given, lambda: open_evolution_1_redis(redis, names=wanted.names, **options), wanted)


@importer("evolution-1-mongo")
@_url("mongo")
@_mongo_database
@instances
@_map_from_database
def evolution_1_mongo(given: Given, wanted: Wanted, mongo: str, **options: Any) -> None:
    """Import from Evolution API 1 with MongoDB."""
    import_from(given, lambda: open_evolution_1_mongo(mongo, names=wanted.names, **options), wanted)


@importer("whatsapp-api-redis")
@_url("redis")
@click.option("--release", type=click.Choice(sorted(PREFIXES)), required=True, help="Which one wrote it.")
@prefix("REDIS_PREFIX_KEY (1.2), or REDIS_PREFIX (1.3)")
@_no_prefix
def whatsapp_api_redis(given: Given, wanted: Wanted, redis: str, **options: Any) -> None:
    """Import from whatsapp-api 1.2, or 1.3.0 to 1.3.1.61, with Redis; with files it is 'import baileys'."""
    import_from(given, lambda: open_whatsapp_api_redis(redis, **options), wanted)


@importer("whatsapp-api-mongo")
@_url("mongo")
@_mongo_database
def whatsapp_api_mongo(given: Given, wanted: Wanted, mongo: str, database: str) -> None:
    """Import from whatsapp-api 1.2 with MongoDB."""
    import_from(given, lambda: open_whatsapp_api_mongo(mongo, database=database), wanted)


@importer("baileys-redis-auth")
@_url("redis")
@prefix("The one account that is wanted")
def baileys_redis_auth(given: Given, wanted: Wanted, redis: str, prefix: str) -> None:
    """Import from programs with the package baileys-redis-auth."""
    import_from(given, lambda: open_baileys_redis_auth(redis, prefix=prefix), wanted)


@importer("fazer-ai")
@_url("redis")
def fazer_ai(given: Given, wanted: Wanted, redis: str) -> None:
    """Import from fazer-ai's baileys-api."""
    import_from(given, lambda: open_fazer_ai(redis), wanted)


@importer("unoapi-redis")
@_url("redis")
def unoapi_redis(given: Given, wanted: Wanted, redis: str) -> None:
    """Import from unoapi-cloud with Redis."""
    import_from(given, lambda: open_unoapi_redis(redis), wanted)


@importer("mysql-baileys")
@_url("database")
@click.option("--table", default="auth", show_default=True)
@_session
def mysql_baileys(given: Given, wanted: Wanted, database: str, **options: Any) -> None:
    """Import from programs with the package mysql-baileys."""
    import_from(given, lambda: open_mysql_baileys(database, **options), wanted)


@importer("baileys-store")
@_url("database")
@click.option("--table", default="Session", show_default=True)
@_session
def baileys_store(given: Given, wanted: Wanted, database: str, **options: Any) -> None:
    """Import from programs with the package @ookamiiixd/baileys-store, such as baileys-api."""
    import_from(given, lambda: open_baileys_store(database, **options), wanted)


@importer("ticketz")
@_url("database")
def ticketz(given: Given, wanted: Wanted, database: str) -> None:
    """Import from ticketz, and others that came of Whaticket."""
    import_from(given, lambda: open_ticketz(database), wanted)


@importer("sql")
@_url("database")
@click.option("--table", required=True)
@click.option("--session-column", required=True, help="The column that names the account.")
@click.option("--key-column", required=True)
@click.option("--value-column", required=True)
@click.option(
    "--encoding", type=click.Choice(sorted(ENCODINGS)), default=TEXT, show_default=True, help="How values lie."
)
@click.option("--name-style", type=click.Choice(STYLES), default=RAW, show_default=True, help="How keys are called.")
@_session
def sql(given: Given, wanted: Wanted, database: str, **options: Any) -> None:
    """Import from any table with a row for each key: of PostgreSQL, MySQL or MariaDB."""
    import_from(given, lambda: open_sql(database, **options), wanted)


COMMANDS = (
    evolution,
    evolution_1_redis,
    evolution_1_mongo,
    whatsapp_api_redis,
    whatsapp_api_mongo,
    baileys_redis_auth,
    fazer_ai,
    unoapi_redis,
    mysql_baileys,
    baileys_store,
    ticketz,
    sql,
)
