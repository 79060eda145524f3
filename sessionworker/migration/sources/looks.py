"""What a folder or file looks like, for the person who has named another program than the one that wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sessionworker.file_names import OURS
from sessionworker.migration.baileys_names import ENDING, key_of
from sessionworker.migration.found import SourceError
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.sqlite import is_database, opened_database, tables_of
from sessionworker.names import CREDS

CREDS_FILE = CREDS + ENDING

MOST_LOOKED_AT = 2000
"""Files and folders. What a place is shows sooner."""

_PROFILE = ("Local State", "Preferences", "IndexedDB")
"""What a browser's profile holds, of which any will do."""

_OURS = "It is a store of sessionworker itself, which `sessionworker copy` copies."
_BROWSER = (
    "It holds a browser's profile, as wwebjs, wppconnect and open-wa keep their accounts: their keys cannot be taken "
    "out of it, so the numbers have to be paired anew."
)
_WHATSMEOW = (
    "It holds a database of whatsmeow, which evolution-go, wuzapi and WAHA's GOWS are built on: it has keys of another "
    "kind than Baileys, so the numbers have to be paired anew."
)
_EVOLUTION = "It holds keys and no creds, as Evolution 2 leaves it, which has those in its database: it is `evolution`."


def nothing_found(path: Path, wanted: str) -> SourceError:
    """Return the error for a place that does not hold what was looked for, with what it looks like instead."""
    look = looks_like(path)
    return SourceError(f"There is no {wanted} in {shown(str(path))}.{' ' if look else ''}{look}")


def looks_like(path: Path) -> str:
    """Return a sentence about what a place holds; empty if nobody knows."""
    if (path / OURS).exists():
        return _OURS
    guesses = set()
    for depth, one in _walk(path):
        guess = _guess(depth, one)
        if guess:
            guesses.add(guess)
    return min(guesses, key=_SENTENCES.index) if guesses else ""


_NODE_OR_WAHA = (
    "It holds folders with creds.json in folders: it looks like `session-manager-node`, or `waha`, or the folder above "
    "several of `baileys`."
)
_BAILEYS = "It looks like `baileys`."
_SESSION_MANAGER = "It looks like `session-manager`."
_GROUP = "It looks like one group of `session-manager`, which wants the folder above it."
_DATABASES = "It holds databases of `session-manager-sqlite`."
_BAILEYS_DATABASES = "It holds databases of `baileys-sqlite`."

_SENTENCES = (
    _BROWSER,
    _WHATSMEOW,
    _BAILEYS,
    _NODE_OR_WAHA,
    _SESSION_MANAGER,
    _GROUP,
    _BAILEYS_DATABASES,
    _DATABASES,
    _EVOLUTION,
)
"""The surest first."""


def _guess(depth: int, path: Path) -> str:
    name = path.name
    if name in _PROFILE or name.endswith(".data.json") or name.startswith("RemoteAuth"):
        return _BROWSER
    if name in {CREDS_FILE, CREDS_FILE + ".bak"}:
        return _BAILEYS if depth <= 1 else _NODE_OR_WAHA
    if name == CREDS:
        return _SESSION_MANAGER if depth > 1 else _GROUP
    if name.endswith(ENDING):
        return _EVOLUTION if depth == 1 and key_of(name.removesuffix(ENDING)) else ""
    return _guess_database(path)


def _guess_database(path: Path) -> str:
    with suppress(OSError, SourceError):
        if path.is_file() and is_database(path):
            with opened_database(path) as connection:
                tables = tables_of(connection)
            if any(table.startswith("whatsmeow_") for table in tables):
                return _WHATSMEOW
            if "signal_keys" in tables:
                return _BAILEYS_DATABASES
            if "creds" in tables:
                return _DATABASES
    return ""


def _walk(path: Path) -> Iterator[tuple[int, Path]]:
    """Yield what lies in a folder, and in the folders of it, two deep; or the file itself."""
    if path.is_file():
        yield 0, path
    level = [path]
    left = MOST_LOOKED_AT
    for depth in range(4):
        following: list[Path] = []
        for folder in level:
            with suppress(OSError):
                for one in sorted(folder.iterdir()):
                    left -= 1
                    if left < 0:
                        return
                    yield depth, one
                    if one.is_dir():
                        following.append(one)
        level = following
