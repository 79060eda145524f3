"""The mark of a store that a copy was made into: a file that says whether all of it is there; see `stores.transfer`.

It is not sealed: whoever starts has to see it before anything else.
"""

from __future__ import annotations

import os

from sessionworker.disk import NotAFile, opened_folder, read_file, remove_if_there, stands_in, write_new
from sessionworker.errors import StartError
from sessionworker.file_names import OURS
from sessionworker.stores.copied import FINISHED, UNFINISHED, unfinished

COPY = "copy"
"""The name of the file, in the worker's own folder."""


def read_mark(root: int) -> str:
    """Return what the mark of the store in a folder says: FINISHED, UNFINISHED, or nothing. Raises OSError."""
    try:
        with opened_folder(OURS, root) as ours:
            data = read_file(COPY, ours)
    except FileNotFoundError:
        return ""
    except NotAFile:
        return UNFINISHED
    if data is None:
        return ""
    return FINISHED if data == FINISHED.encode() else UNFINISHED


def write_mark(root: int, mark: str) -> None:
    """Have the mark say something, durably. Raises OSError."""
    with opened_folder(OURS, root) as ours:
        new = f"{COPY}.new"
        remove_if_there(new, ours)
        write_new(new, ours, mark.encode(), sync=True)
        os.rename(new, COPY, src_dir_fd=ours, dst_dir_fd=ours)
        os.fsync(ours)
    os.fsync(root)


def refuse_unfinished(root: int, path: str) -> None:
    """Raise StartError where a store holds a part of a copy."""
    try:
        mark = read_mark(root)
    except OSError as error:
        raise StartError(f"The store {path} cannot be used: {error.strerror}.") from None
    if mark == UNFINISHED:
        raise unfinished(path)


def forget_mark(root: int, path: str) -> None:
    """Remove the mark, durably: from now on the store is no copy any more, but in use. Raises StartError."""
    try:
        with opened_folder(OURS, root) as ours:
            if stands_in(COPY, ours):
                remove_if_there(COPY, ours)
                os.fsync(ours)
    except OSError as error:
        raise StartError(f"The store {path} cannot be used: {error.strerror}.") from None
