"""Accounts that are written to an Evolution API 2, and read there again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from sessionworker.migration.found import SourceError
from sessionworker.migration.sources.evolution import open_evolution
from sessionworker.migration.targets.evolution import open_evolution_target
from tests.migration.places import codes
from tests.migration.reading import Values, read_all

IN_FILES = {"CACHE_REDIS_ENABLED": "false"}
ALL_IN_REDIS = {"CACHE_REDIS_SAVE_INSTANCES": "true"}
PLACES: tuple[dict[str, str], ...] = ({}, IN_FILES, ALL_IN_REDIS)
"""What settings say of where creds and keys are: the first is the usual one."""


def write(env: Path, name: str, values: Values, **options: Any) -> list[str]:
    """Write an account, and return what is told of it."""
    (env.parent / "instances").mkdir(exist_ok=True)
    target = open_evolution_target(env, **options)
    try:
        return codes(target.write(name, "evolution", values))
    finally:
        target.close()


def held(env: Path) -> dict[str, Values]:
    """What an import would bring, less what is made empty."""
    try:
        source = open_evolution(env)
    except SourceError as error:
        if "There is no hash" in str(error):  # and instances that might have one
            return {}
        raise
    with closing(source):  # a table that is read cannot be altered
        return {name: values for name, values in read_all(source).items() if values}
