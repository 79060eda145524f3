"""`sessionworker`: what an operator does with a store besides running the worker, which `twistd sessionworker` does."""

from __future__ import annotations

import click

from sessionworker.copy_command import copy


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Do something with a store besides serving it, which 'twistd sessionworker' does."""


main.add_command(copy)
