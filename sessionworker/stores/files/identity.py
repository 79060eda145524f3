"""Whose folder one is: its id, as the name of a file in it.

With the id goes the inode of the folder that was given it. A rename keeps that, a copy has another: so a folder that
was moved is told from a copy of it, also where nobody can look at all others.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from sessionworker.disk import make_folder, opened_folder, stands_in, write_new
from sessionworker.file_names import OURS
from sessionworker.stores.files.folder import BROKEN, ID, OLD_BROKEN, OLD_VERSIONS, VERSIONS, Folder


class Identity:
    """That of an instance's folder. Every method may raise OSError."""

    def __init__(self, folder: Folder) -> None:
        """Look into `folder`, which stays open meanwhile."""
        self._folder = folder

    def begin(self, new_id: str, inode: int) -> None:
        """Give a new folder, of which the inode is known, its id, durably."""
        make_folder(OURS, self._folder.handle, sync=self._folder.is_synced)
        self._add(new_id, inode)

    def take_over(self, new_id: str, inode: int) -> None:
        """Give a folder its id, and what 0.1.0 left in it its place. Both are durable then, the id last."""
        folder = self._folder
        make_folder(OURS, folder.handle, sync=folder.is_synced)
        for old, new in ((OLD_VERSIONS, VERSIONS), (OLD_BROKEN, BROKEN)):
            with suppress(FileNotFoundError, NotADirectoryError), opened_folder(old, folder.handle):
                if not stands_in(new, folder.ours):
                    os.rename(old, new, src_dir_fd=folder.handle, dst_dir_fd=folder.ours)
        self._add(new_id, inode)

    def _add(self, new_id: str, inode: int) -> None:
        write_new(_file_name(new_id, inode), self._folder.ours, b"", sync=False)
        self._folder.settle()

    def change(self, old_id: str, new_id: str) -> None:
        """Put an id in the place of another, which the folder has as a copy of somebody's."""
        ours, new = self._folder.ours, _file_name(new_id, self._folder.identity[1])
        for old in [name for name in os.listdir(ours) if name.startswith(f"{ID}{old_id}")]:
            os.rename(old, new, src_dir_fd=ours, dst_dir_fd=ours)
        if self._folder.is_synced:
            os.fsync(ours)

    def is_original(self, id_: str) -> bool:
        """Tell whether this very folder was given an id, wherever it was moved since."""
        return stands_in(_file_name(id_, self._folder.identity[1]), self._folder.ours)


def new_id() -> str:
    """Return an id that no instance has."""
    return secrets.token_hex(16)


def _file_name(id_: str, inode: int) -> str:
    return f"{ID}{id_}-{inode}"
