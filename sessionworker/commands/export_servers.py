"""`export` to what lies in databases and Redis."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from sessionworker.commands.exporting import export_to, exporter
from sessionworker.commands.given import Given
from sessionworker.commands.servers import installation, prefix, url
from sessionworker.migration.targets.evolution import open_evolution_target
from sessionworker.migration.targets.redis_stores import (
    open_baileys_redis_auth_target,
    open_evolution_1_redis_target,
    open_fazer_ai_target,
)

_Places = tuple[str, ...]

_url = partial(url, purpose="EXPORT")
_replace = click.option("--replace", is_flag=True, help="Replace all that an instance has there; no copy is kept.")


@exporter("evolution")
@installation(purpose="EXPORT")
@_replace
def evolution(given: Given, places: _Places, keys: str | None, **options: Any) -> None:
    """Export to Evolution API 2, which has to be stopped, and has to have made each instance."""
    export_to(given, lambda: open_evolution_target(**options, keys=keys or ""), places)


@exporter("evolution-1-redis")
@_url("redis")
@prefix("CACHE_REDIS_PREFIX_KEY")
@_replace
def evolution_1_redis(given: Given, places: _Places, redis: str, **options: Any) -> None:
    """Export to an Evolution API 1.7.3 to 1.8 with Redis; with files it is 'export baileys --layout evolution-1'."""
    export_to(given, lambda: open_evolution_1_redis_target(redis, **options), places)


@exporter("baileys-redis-auth")
@_url("redis")
@_replace
def baileys_redis_auth(given: Given, places: _Places, redis: str, **options: Any) -> None:
    """Export to baileys-redis-auth's hashes; an account's prefix is its instance's name."""
    export_to(given, lambda: open_baileys_redis_auth_target(redis, **options), places)


@exporter("fazer-ai")
@_url("redis")
@_replace
def fazer_ai(given: Given, places: _Places, redis: str, **options: Any) -> None:
    """Export to fazer-ai's baileys-api; an instance's name is its phone number there."""
    export_to(given, lambda: open_fazer_ai_target(redis, **options), places)


COMMANDS = (evolution, evolution_1_redis, baileys_redis_auth, fazer_ai)
