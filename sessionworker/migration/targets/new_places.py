"""Makes a folder or a file where nothing is: under another name first, then in its place at once, whole and durable."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from sessionworker.disk import make_folder, opened_folder, remove_tree, stands_in, sync_file_system, write_new
from sessionworker.file_names import LONGEST_FILE_NAME
from sessionworker.migration.found import Skipped
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.targets.target import TargetError
from sessionworker.names import CREDS


def write_folder(
    place: Path,
    values: Mapping[str, bytes],
    file_name: Callable[[str], str],
    skipped: Skipped,
    others: Mapping[str, bytes] = MappingProxyType({}),
) -> None:
    """Write an account to a folder of its own, a file for each key; what has no file name there is told.

    `others` are files that its program wants beside them. Its creds come last, so that whoever finds it half written
    finds no account. Raises TargetError.
    """
    files = dict(others)
    for key in [*sorted(values.keys() - {CREDS}), CREDS]:
        name = file_name(key)
        if name in files or len(os.fsencode(name)) > LONGEST_FILE_NAME:
            skipped.add("left_out_names", shown(key))
        else:
            files[name] = values[key]

    def write(name: str, parent: int) -> None:
        make_folder(name, parent, sync=False)
        with opened_folder(name, parent) as folder:
            for one, value in files.items():
                write_new(one, folder, value, sync=False)
            sync_file_system(folder)

    put_in_place(place, write)


def put_in_place(place: Path, write: Callable[[str, int], None], others: Iterable[str] = ()) -> None:
    """Have something written under another name beside a place, and rename it.

    `write` gets that name, and the folder that is open. `others` are names that must not be there either. Raises
    TargetError.
    """
    temporary = f"{place.name}.new-{secrets.token_hex(4)}"
    try:
        with opened_folder(os.path.realpath(place.parent)) as parent:
            _refuse(place, [place.name, *others], parent)
            try:
                write(temporary, parent)
                _refuse(place, [place.name, *others], parent)
                os.rename(temporary, place.name, src_dir_fd=parent, dst_dir_fd=parent)
            except BaseException:
                if stands_in(temporary, parent):
                    remove_tree(temporary, parent)
                raise
            os.fsync(parent)
    except OSError as error:
        raise TargetError(f"{shown(str(place))} cannot be written: {error.strerror}.") from error


def _refuse(place: Path, names: Iterable[str], parent: int) -> None:
    for name in names:
        if stands_in(name, parent):
            raise TargetError(
                f"{shown(str(place.with_name(name)))} is there already. Nothing is written into what is there: older "
                "keys beside newer creds would be read."
            )


def check_creds(values: Mapping[str, bytes]) -> None:
    """See that there is an account to write. Raises TargetError."""
    if CREDS not in values:
        raise TargetError("An account without creds is none, and is not written.")
