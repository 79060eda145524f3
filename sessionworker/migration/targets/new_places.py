"""Makes a folder or a file: under another name first, then in its place at once, whole and durable."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from sessionworker.disk import (
    exchange,
    make_folder,
    opened_folder,
    remove_tree,
    stands_in,
    sync_file_system,
    write_new,
)
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
    """Write an account to a folder where nothing is, a file for each key; what has no file name there is told.

    `others` are files that its program wants beside them. Raises TargetError.
    """
    write_files(place, files_of(values, file_name, skipped, others))


def files_of(
    values: Mapping[str, bytes],
    file_name: Callable[[str], str],
    skipped: Skipped,
    others: Mapping[str, bytes] = MappingProxyType({}),
) -> dict[str, bytes]:
    """Return what the files of an account hold, by their names; creds come last.

    So whoever finds it half written finds no account.
    """
    files = dict(others)
    for key in sorted(values, key=lambda one: (one == CREDS, one)):
        name = file_name(key)
        if name in files or len(os.fsencode(name)) > LONGEST_FILE_NAME:
            skipped.add("left_out_names", shown(key))
        else:
            files[name] = values[key]
    return files


def write_files(place: Path, files: Mapping[str, bytes], *, replaces: bool = False) -> None:
    """Write a folder with these files; in the place of what is there only if that is to be replaced.

    Raises TargetError.
    """

    def write(name: str, parent: int) -> None:
        make_folder(name, parent, sync=False)
        with opened_folder(name, parent) as folder:
            for one, value in files.items():
                write_new(one, folder, value, sync=False)
                give_away(one, folder, parent)
            give_away(name, parent, parent)  # last: nobody else can change anything in it before
            sync_file_system(folder)

    put_in_place(place, write, replaces=replaces)


def files_in(place: Path) -> dict[str, bytes]:
    """Return what lies in a folder, by names; of what is no file nothing but the name. Raises TargetError."""
    try:
        return {path.name: path.read_bytes() if path.is_file() else b"" for path in place.iterdir()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise TargetError(f"{shown(str(place))} cannot be read: {error.strerror}.") from error


def give_away(name: str, folder: int, above: int) -> None:
    """Give something that root has made to whom the folder belongs that it is for: its program is to read it."""
    if os.geteuid() == 0:
        owner = os.fstat(above)
        os.chown(name, owner.st_uid, owner.st_gid, dir_fd=folder, follow_symlinks=False)


def put_in_place(
    place: Path, write: Callable[[str, int], None], others: Iterable[str] = (), *, replaces: bool = False
) -> None:
    """Have something written under another name beside a place, and rename it.

    `write` gets that name, and the folder that is open. `others` are names that must not be there either. What is to be
    replaced is there until what is new is, and then removed. Raises TargetError.
    """
    temporary = f".new-{secrets.token_hex(8)}"  # hidden, so that nobody takes what a crash leaves for an account
    try:
        with opened_folder(os.path.realpath(place.parent)) as parent:
            try:
                _refuse(place, [] if replaces else [place.name, *others], parent)
                write(temporary, parent)
                _refuse(place, [] if replaces else [place.name, *others], parent)
                if stands_in(place.name, parent):
                    exchange(temporary, place.name, parent)
                    os.fsync(parent)
                else:
                    os.rename(temporary, place.name, src_dir_fd=parent, dst_dir_fd=parent)
            finally:
                if stands_in(temporary, parent):  # what is new and was given up, or what is old
                    remove_tree(temporary, parent)
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
