"""`sessionworker export`, with a command for each form that accounts go out in."""

from __future__ import annotations

import click

from sessionworker.commands import archives, export_files, export_servers


@click.group("export")
def export() -> None:
    """Write accounts as another program keeps them, or to an archive: nobody is locked in.

    Each is of one moment. The API that they belong to has to be stopped before another one connects with them.
    """


for _command in (archives.export_archive, *export_files.COMMANDS, *export_servers.COMMANDS):
    export.add_command(_command)
