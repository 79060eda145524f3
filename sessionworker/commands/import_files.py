"""`import` of what lies in files and folders."""

from __future__ import annotations

from pathlib import Path

import click

from sessionworker.commands.given import Given
from sessionworker.commands.importing import Wanted, import_from, importer
from sessionworker.migration.sources.baileys import open_baileys
from sessionworker.migration.sources.baileys_sqlite import open_baileys_sqlite
from sessionworker.migration.sources.openclaw import open_openclaw
from sessionworker.migration.sources.session_manager import RELEASES, open_session_manager, open_session_manager_node
from sessionworker.migration.sources.session_manager_sqlite import open_session_manager_sqlite
from sessionworker.migration.sources.unoapi import open_unoapi
from sessionworker.migration.sources.waha import NAMESPACE, open_waha

_folder = click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
_instance = click.option("--instance", default="", help="What a single account is to be called; else as its folder.")


@importer("baileys")
@_folder
@_instance
@click.option("--use-bak", is_flag=True, help="Take a key's .bak where nothing else is left of it.")
def baileys(given: Given, wanted: Wanted, folder: Path, instance: str, use_bak: bool) -> None:
    """Import a folder of Baileys' useMultiFileAuthState, or a folder of such folders.

    So keep their accounts: most bots, whatsapp-api without a worker, and Evolution 1.x, both in 'instances'.
    """
    import_from(given, lambda: open_baileys(folder, instance=instance, use_bak=use_bak), wanted)


@importer("baileys-sqlite")
@click.argument("place", type=click.Path(path_type=Path, exists=True))
@_instance
def baileys_sqlite(given: Given, wanted: Wanted, place: Path, instance: str) -> None:
    """Import a database of Baileys' useSqliteAuthState, or a folder of them."""
    import_from(given, lambda: open_baileys_sqlite(place, instance=instance), wanted)


@importer("session-manager")
@_folder
def session_manager(given: Given, wanted: Wanted, folder: Path) -> None:
    """Import the folder 'instances' of session-manager, whose groups are kept.

    On the same machine the worker can use that folder as it is: --store is all that it needs.
    """
    import_from(given, lambda: open_session_manager(folder), wanted)


@importer("session-manager-sqlite")
@_folder
def session_manager_sqlite(given: Given, wanted: Wanted, folder: Path) -> None:
    """Import the folder 'instances' of a session-manager that writes a database for each instance."""
    import_from(given, lambda: open_session_manager_sqlite(folder), wanted)


@importer("session-manager-node")
@_folder
@click.option(
    "--release", type=click.Choice(RELEASES), default=None, help="Which one wrote it, if that cannot be seen."
)
def session_manager_node(given: Given, wanted: Wanted, folder: Path, release: str | None) -> None:
    """Import the folder 'instances' of the worker that was written for Node in 2024."""
    import_from(given, lambda: open_session_manager_node(folder, release=release or ""), wanted)


@importer("waha")
@_folder
@click.option("--namespace", default=NAMESPACE, show_default=True, help="WAHA_SESSION_NAMESPACE.")
def waha(given: Given, wanted: Wanted, folder: Path, namespace: str) -> None:
    """Import the folder '.sessions' of WAHA with its engine NOWEB."""
    import_from(given, lambda: open_waha(folder, namespace=namespace), wanted)


@importer("openclaw")
@_folder
def openclaw(given: Given, wanted: Wanted, folder: Path) -> None:
    """Import the state folder of openclaw, '~/.openclaw', or its folder 'credentials'."""
    import_from(given, lambda: open_openclaw(folder), wanted)


@importer("unoapi")
@_folder
@_instance
def unoapi(given: Given, wanted: Wanted, folder: Path, instance: str) -> None:
    """Import the folder 'sessions' of unoapi-cloud."""
    import_from(given, lambda: open_unoapi(folder, instance=instance), wanted)


COMMANDS = (
    baileys,
    baileys_sqlite,
    session_manager,
    session_manager_sqlite,
    session_manager_node,
    waha,
    openclaw,
    unoapi,
)
