"""Accounts that each get a place of their own below a folder: what the targets in files have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from sessionworker.disk import make_folder, opened_folder
from sessionworker.errors import NameNotAllowed
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.targets.new_places import give_away
from sessionworker.migration.targets.target import TargetError
from sessionworker.names import check_name

Write = Callable[[Mapping[str, bytes], Path], list[Note]]
"""Writes an account to a place where nothing is."""


class InFolders:
    """A folder in which each account gets a place of its own."""

    takes_all = False

    def __init__(self, folder: Path, write: Write, *, ending: str = "", has_groups: bool = False) -> None:
        """Write accounts with `write`, each under its name and an ending; with groups, in a folder for each of them.

        The folder is made where it is missing. Raises TargetError.
        """
        self.shown = shown(str(folder))
        self._folder = folder
        self._write = write
        self._ending = ending
        self._has_groups = has_groups
        _make(folder)

    def write(self, account_name: str, group: str, values: Mapping[str, bytes], label: str = "") -> list[Note]:  # noqa: ARG002 - it has none
        """Write an account to a place where nothing is. Raises TargetError."""
        try:
            check_name("instance", account_name)
            folder = self._folder / check_name("group", group) if self._has_groups else self._folder
        except NameNotAllowed as error:
            raise TargetError(str(error)) from None
        if folder != self._folder:
            _make(folder)
        return self._write(values, folder / f"{account_name}{self._ending}")

    def finish(self) -> None:
        """Do nothing: each account is in its place already."""

    def close(self) -> None:
        """Let go of nothing: nothing is open."""


def _make(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing."""
    if folder.is_dir():
        return
    path = Path(os.path.realpath(folder))
    if path.parent != path:
        _make(path.parent)
    try:
        with opened_folder(str(path.parent)) as parent:
            make_folder(path.name, parent, sync=True)
            give_away(path.name, parent, parent)
    except OSError as error:
        raise TargetError(f"{shown(str(folder))} cannot be made: {error.strerror}.") from error
    if not folder.is_dir():
        raise TargetError(f"{shown(str(folder))} is no folder.")
