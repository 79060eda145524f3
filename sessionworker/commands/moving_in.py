"""`sessionworker import`, with a command for each program that accounts come from."""

from __future__ import annotations

import click

from sessionworker.commands import archives, import_files, import_servers


@click.group("import")
def import_() -> None:
    """Bring accounts in from another program's store, whole, without a QR code.

    The API that they belong to has to be stopped, but for --dry-run, which changes nothing.
    """


for _command in (archives.import_archive, *import_files.COMMANDS, *import_servers.COMMANDS):
    import_.add_command(_command)
