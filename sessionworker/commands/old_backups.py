"""Which files of a folder `backup` may remove: its own older ones, and what is left of one that was killed."""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Iterable
from pathlib import Path

NAME = "sessionworker-"
"""What the name of a backup's file begins with; its time follows."""

ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.age", ".jsonl.gz.age")
"""How it ends: as it is, compressed, encrypted, or both."""

LEFT_SECONDS = 86_400
"""After so long without a write an archive that has no place yet is nobody's any more."""

_BACKUP = rf"{NAME}[0-9]{{8}}T[0-9]{{6}}Z({'|'.join(map(re.escape, ENDINGS))})"
_is_backup = re.compile(_BACKUP).fullmatch
_is_left = re.compile(rf"\.{_BACKUP}\.new-[0-9a-f]{{8}}").fullmatch


def remove_older(new: Path, keep: int) -> tuple[list[str], list[str]]:
    """Remove all backups beside a new one but for so many in all; return their names, and what went wrong.

    The new one stays, also where the clock was set back and others have later names.
    """
    names = sorted(one.name for one in _files(new.parent) if _is_backup(one.name) and one.name != new.name)
    return _remove(new.parent, names[: max(0, len(names) - keep + 1)])


def remove_left(folder: Path) -> tuple[list[str], list[str]]:
    """Remove what earlier backups have left that were killed: it may hold credentials. Returns as `remove_older`."""
    oldest = time.time() - LEFT_SECONDS
    return _remove(folder, [one.name for one in _files(folder) if _is_left(one.name) and one.stat().st_mtime < oldest])


def _files(folder: Path) -> Iterable[Path]:
    return [one for one in folder.iterdir() if stat.S_ISREG(one.lstat().st_mode)]


def _remove(folder: Path, names: Iterable[str]) -> tuple[list[str], list[str]]:
    removed, problems = [], []
    for name in names:
        try:
            (folder / name).unlink()
        except OSError as error:
            problems.append(f"{name} cannot be removed: {error.strerror}.")
        else:
            removed.append(name)
    return removed, problems
