"""`sessionworker database`: for a database's administrator who makes the tables himself."""

from __future__ import annotations

from typing import Any

import click

from sessionworker.commands.given import HELP
from sessionworker.errors import no_packages_for_a_database

SCHEMA = "sessionworker"
"""Where the tables are, unless an address says else. The store's own word is an extra's."""


@click.group(context_settings=HELP)
def main() -> None:
    """Print what makes the tables in which workers keep session files, on PostgreSQL."""


@main.command()
@click.option("--schema", default=SCHEMA, show_default=True, help="where the tables are to be")
def script(schema: str) -> None:
    """Print the SQL that makes the tables: psql runs it. A worker does the same by itself if it may."""
    click.echo(_tables(schema).script(), nl=False)


@main.command()
@click.argument("role")
@click.option("--schema", default=SCHEMA, show_default=True, help="where the tables are")
def rights(role: str, schema: str) -> None:
    """Print the SQL that lets ROLE use the tables, and nothing else."""
    click.echo(_tables(schema).rights(role), nl=False)


def _tables(schema: str) -> Any:
    try:
        from sessionworker.stores.postgres.tables import Tables  # noqa: PLC0415 - an extra
    except ImportError:
        raise click.ClickException(str(no_packages_for_a_database())) from None
    return Tables(schema)
