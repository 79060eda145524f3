"""Writes the folder of Baileys' `useMultiFileAuthState`, as several programs keep theirs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct, field

from sessionworker.migration.baileys_names import ENDING, file_name_of
from sessionworker.migration.found import Skipped
from sessionworker.migration.notes import Note
from sessionworker.migration.sources.baileys import INTEGRATION
from sessionworker.migration.sources.waha import NAMESPACE
from sessionworker.migration.targets.in_folders import InFolders
from sessionworker.migration.targets.new_places import check_creds, write_folder
from sessionworker.migration.targets.target import TargetError


class _Layout(Struct, frozen=True):
    """How a program keeps its accounts' folders."""

    below: tuple[str, ...] = ()
    """Where they lie, below the folder that an operator knows."""
    others: Mapping[str, bytes] = field(default_factory=dict)
    """What lies in each of them beside the keys."""


BAILEYS, EVOLUTION_1, WAHA, OPENCLAW = "baileys", "evolution-1", "waha", "openclaw"

_LAYOUTS: Mapping[str, _Layout] = MappingProxyType(
    {
        BAILEYS: _Layout(),
        EVOLUTION_1: _Layout(others={INTEGRATION: b'{"integration":"WHATSAPP-BAILEYS"}'}),
        WAHA: _Layout(),
        OPENCLAW: _Layout(below=("credentials", "whatsapp")),
    }
)
LAYOUTS = tuple(_LAYOUTS)
"""By the names that an operator gives them. whatsapp-api's is Baileys' own."""


def open_baileys_target(folder: Path, *, layout: str = BAILEYS, namespace: str = NAMESPACE) -> InFolders:
    """Open a folder in which each account gets a folder of its own, `<instance>`.

    `layout` is one of LAYOUTS. For WAHA the folder is its `.sessions`, or the one of a namespace in that, which is its
    WAHA_SESSION_NAMESPACE; for openclaw its state, `credentials` in that, or `whatsapp` in that; for Evolution 1.x and
    whatsapp-api their `instances`. Raises TargetError.
    """
    if layout not in _LAYOUTS:
        raise TargetError(f"--layout is one of {', '.join(LAYOUTS)}.")
    wanted = _LAYOUTS[layout]
    below = (namespace,) if layout == WAHA else wanted.below
    return InFolders(_inner(folder, below), partial(write_baileys_folder, others=wanted.others))


def _inner(folder: Path, below: tuple[str, ...]) -> Path:
    """Return the folder in which accounts lie, by that one, or by one of those above it."""
    name = folder.resolve().name
    rest = below[below.index(name) + 1 :] if name in below else below
    return folder.joinpath(*rest)


def write_baileys_folder(
    values: Mapping[str, bytes], place: Path, *, others: Mapping[str, bytes] = MappingProxyType({})
) -> list[Note]:
    """Write an account to a folder that is not there yet, and return what is to be said of it.

    `others` are files that its program wants beside the keys. Raises TargetError.
    """
    check_creds(values)
    skipped = Skipped()
    write_folder(place, values, lambda key: f"{file_name_of(key)}{ENDING}", skipped, others)
    return list(skipped.notes())
