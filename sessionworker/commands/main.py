"""`sessionworker`: what an operator asks of a worker, or does with a store."""

from __future__ import annotations

import click

from sessionworker.commands import (
    archives,
    backing_up,
    checking,
    copy,
    database,
    doctor,
    dropping,
    export_files,
    export_servers,
    import_files,
    import_servers,
    key,
    looking,
    running,
    tokens,
    versions,
)
from sessionworker.commands.given import Program
from sessionworker.version import PYTHON, TWISTED, VERSION


@click.group(cls=Program)
@click.version_option(message=f"sessionworker {VERSION} (Twisted {TWISTED}, Python {PYTHON})", version=VERSION)
def main() -> None:
    """Ask a worker, or do something with its store.

    An instance is named GROUP/INSTANCE; of a name only '%' and what cannot be printed is escaped, as in a URL.

    Exit status: 0 done; 1 failed; 2 usage; 3 done in part; 4 something needs a person; 10 no worker, or no store;
    11 another worker has the store; 12 token refused; 130 interrupted.
    """


for _command in (
    looking.status,
    looking.list_instances,
    versions.versions,
    versions.restore,
    dropping.drop,
    dropping.drops,
    dropping.undrop,
    dropping.purge,
    checking.check,
    doctor.doctor,
    running.checkpoint,
    running.run,
    running.completion,
    tokens.token,
    copy.copy,
    backing_up.backup,
    archives.verify,
):
    main.add_command(_command)


@main.group("import")
def import_() -> None:
    """Bring accounts in from another program's store, whole, without a QR code.

    The API that they belong to has to be stopped, but for --dry-run, which changes nothing.
    """


for _command in (archives.import_archive, *import_files.COMMANDS, *import_servers.COMMANDS):
    import_.add_command(_command)


@main.group("export")
def export() -> None:
    """Write accounts as another program keeps them, or to an archive: nobody is locked in.

    Each is of one moment. The API that they belong to has to be stopped before another one connects with them.
    """


for _command in (archives.export_archive, *export_files.COMMANDS, *export_servers.COMMANDS):
    export.add_command(_command)
main.add_command(key.main, "key")
main.add_command(database.main, "database")

if __name__ == "__main__":
    main()
