"""`sessionworker-database`: for a database's administrator who makes the tables himself."""

from __future__ import annotations

import click

from sessionworker.stores.postgres.address import SCHEMA
from sessionworker.stores.postgres.tables import Tables


@click.group()
def main() -> None:
    """Print what makes the tables in which workers keep session files, on PostgreSQL."""


@main.command()
@click.option("--schema", default=SCHEMA, show_default=True, help="where the tables are to be")
def script(schema: str) -> None:
    """Print the SQL that makes the tables: psql runs it. A worker does the same by itself if it may."""
    click.echo(Tables(schema).script(), nl=False)


@main.command()
@click.argument("role")
@click.option("--schema", default=SCHEMA, show_default=True, help="where the tables are")
def rights(role: str, schema: str) -> None:
    """Print the SQL that lets ROLE use the tables, and nothing else."""
    click.echo(Tables(schema).rights(role), nl=False)
