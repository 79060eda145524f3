"""The options that imports from servers and exports to them have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sessionworker.commands.given import A_FILE
from sessionworker.migration.sources.evolution_settings import PLACES


def url(what: str, *, purpose: str, is_needed: bool = True) -> Callable[[Any], Any]:
    """Take a URL, which may hold a password: a variable keeps it from those who list processes.

    The variable is `SESSIONWORKER_<purpose>_<what>`.
    """
    return click.option(
        f"--{what}",
        default="",
        required=is_needed,
        metavar="URL",
        envvar=f"SESSIONWORKER_{purpose}_{what.upper()}",
        show_envvar=True,
        help="Where it is, with its user and password.",
    )


def prefix(variable: str) -> Callable[[Any], Any]:
    """Take what the keys of a Redis begin with, which is an API's variable."""
    return click.option("--prefix", default="", help=f"{variable}.")


def installation(*, purpose: str) -> Callable[[Any], Any]:
    """Take where an Evolution 2 keeps its accounts."""
    options = (
        click.option(
            "--env", type=A_FILE, help="Its file .env. What is not in it, or is another thing here, is an option."
        ),
        url("database", purpose=purpose, is_needed=False),
        url("redis", purpose=purpose, is_needed=False),
        prefix("CACHE_REDIS_PREFIX_KEY"),
        click.option("--client-name", default="", help="DATABASE_CONNECTION_CLIENT_NAME."),
        instances,
        click.option("--keys", type=click.Choice(PLACES), default=None, help="Where all keys but creds are."),
    )

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


instances = click.option(
    "--instances", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Its folder 'instances'."
)
