"""`export` to what lies in files and folders."""

from __future__ import annotations

from pathlib import Path

import click

from sessionworker.commands.exporting import export_to, exporter
from sessionworker.commands.given import Given
from sessionworker.migration.sources.waha import NAMESPACE
from sessionworker.migration.targets.baileys_folder import BAILEYS, LAYOUTS, open_baileys_target
from sessionworker.migration.targets.baileys_sqlite import open_baileys_sqlite_target
from sessionworker.migration.targets.session_manager_folder import open_session_manager_target

_folder = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@exporter("baileys")
@_folder
@click.option("--layout", type=click.Choice(LAYOUTS), default=BAILEYS, show_default=True, help="Whose folder it is.")
@click.option("--namespace", default=NAMESPACE, show_default=True, help="For WAHA: WAHA_SESSION_NAMESPACE.")
def baileys(given: Given, folder: Path, layout: str, namespace: str, places: tuple[str, ...]) -> None:
    """Export to folders of Baileys' useMultiFileAuthState below FOLDER, one for each instance.

    So keep their accounts: most bots, whatsapp-api without a worker, Evolution 1.x, WAHA and openclaw.
    """
    export_to(given, lambda: open_baileys_target(folder, layout=layout, namespace=namespace), places)


@exporter("baileys-sqlite")
@_folder
def baileys_sqlite(given: Given, folder: Path, places: tuple[str, ...]) -> None:
    """Export to databases of Baileys' useSqliteAuthState in FOLDER, one for each instance."""
    export_to(given, lambda: open_baileys_sqlite_target(folder), places)


@exporter("session-manager")
@_folder
def session_manager(given: Given, folder: Path, places: tuple[str, ...]) -> None:
    """Export to the folder 'instances' of session-manager, in its groups."""
    export_to(given, lambda: open_session_manager_target(folder), places)


COMMANDS = (baileys, baileys_sqlite, session_manager)
