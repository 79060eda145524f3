"""`sessionworker`: what an operator asks of a worker, or does with a store."""

from __future__ import annotations

from importlib import import_module

import click

from sessionworker.commands.given import Program
from sessionworker.version import PYTHON, TWISTED, VERSION

WHERE = {
    "backup": "backing_up.backup",
    "check": "checking.check",
    "checkpoint": "running.checkpoint",
    "completion": "running.completion",
    "copy": "copy.copy",
    "database": "database.main",
    "doctor": "doctor.doctor",
    "drop": "dropping.drop",
    "drops": "dropping.drops",
    "export": "moving_out.export",
    "import": "moving_in.import_",
    "key": "key.main",
    "label": "labels.label",
    "ls": "looking.list_instances",
    "purge": "dropping.purge",
    "restore": "versions.restore",
    "run": "running.run",
    "status": "looking.status",
    "token": "tokens.token",
    "ui": "page.ui",
    "undrop": "dropping.undrop",
    "verify": "archives.verify",
    "versions": "versions.versions",
}
"""The module and the function of each command."""


class Commands(Program):
    """All commands. The code of one is read where it is asked for: that of all takes longer than most of them do."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return their names."""
        return sorted({*WHERE, *super().list_commands(context)})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return one of them."""
        if name in WHERE and name not in self.commands:
            module, _, function = WHERE[name].partition(".")
            self.add_command(getattr(import_module(f"sessionworker.commands.{module}"), function), name)
        return super().get_command(context, name)


@click.group(cls=Commands)
@click.version_option(message=f"sessionworker {VERSION} (Twisted {TWISTED}, Python {PYTHON})", version=VERSION)
def main() -> None:
    """Ask a worker, or do something with its store.

    An instance is named GROUP/INSTANCE; of a name only '%' and what cannot be printed is escaped, as in a URL.

    Exit status: 0 done; 1 failed; 2 usage; 3 done in part; 4 something needs a person; 10 no worker, or no store;
    11 another worker has the store; 12 token refused; 130 interrupted.
    """


if __name__ == "__main__":
    main()
