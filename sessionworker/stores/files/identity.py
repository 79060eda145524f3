"""Whose folder one is: its id, as the name of a file in it, and in that file what proves whose instance it is.

With the id goes the inode of the folder that was given it. A rename keeps that, a copy has another: so a folder that
was moved is told from a copy of it, also where nobody can look at all others.

Where nothing is sealed nothing is proven. Where it is, nobody without the key can let one instance's folder pass for
another's, nor say that all in it is sealed.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from sessionworker.disk import make_folder, opened_folder, read_file, remove_if_there, stands_in, write_new
from sessionworker.file_names import OURS
from sessionworker.stores.files.folder import BROKEN, ID, OLD_BROKEN, OLD_VERSIONS, VERSIONS, Folder

_OF, _WHOLE = "of", "whole"


class Identity:
    """That of an instance's folder. Every method may raise OSError."""

    def __init__(self, folder: Folder) -> None:
        """Look into `folder`, which stays open meanwhile."""
        self._folder = folder

    def begin(self, new_id: str, inode: int, group: str, instance: str) -> None:
        """Give a new folder, of which the inode is known, its id and prove whose it is, durably."""
        folder, mark = self._folder, self._folder.codec.mark
        make_folder(OURS, folder.handle, sync=folder.is_synced)
        if whole := mark(_WHOLE, new_id):
            write_new(_WHOLE, folder.ours, whole, sync=False)
        self._add(new_id, inode, mark(_OF, new_id, group, instance))

    def take_over(self, new_id: str, inode: int, group: str, instance: str) -> None:
        """Give a folder its id, and what 0.1.0 left in it its place. Both are durable then, the id last."""
        folder = self._folder
        make_folder(OURS, folder.handle, sync=folder.is_synced)
        for old, new in ((OLD_VERSIONS, VERSIONS), (OLD_BROKEN, BROKEN)):
            with suppress(FileNotFoundError, NotADirectoryError), opened_folder(old, folder.handle):
                if not stands_in(new, folder.ours):
                    os.rename(old, new, src_dir_fd=folder.handle, dst_dir_fd=folder.ours)
        self._add(new_id, inode, folder.codec.mark(_OF, new_id, group, instance))

    def _add(self, new_id: str, inode: int, marks: bytes) -> None:
        folder = self._folder
        write_new(_file_name(new_id, inode), folder.ours, marks, sync=folder.is_synced and bool(marks))
        folder.settle()

    def is_of(self, group: str, instance: str) -> bool:
        """Tell whether it is proven to be an instance's, or has no id yet."""
        codec = self._folder.codec
        ids = self._folder.ids() if codec.is_bound else []
        return all(codec.is_proven(self._marks(id_), _OF, id_, group, instance) for id_ in ids)

    def prove(self, group: str, *instances: str) -> None:
        """Prove durably that it is an instance's, of whichever of these names, and of no other.

        It is about to be written to: so what was proven of all in it holds no longer, if that was with another key.
        """
        folder, mark, id_ = self._folder, self._folder.codec.mark, self._folder.id
        marks = b"".join(mark(_OF, id_, group, name) for name in dict.fromkeys(instances))
        if marks != self._marks(id_):
            self._put(self._folder.id_files()[id_], marks)
        if not self.is_whole and stands_in(_WHOLE, folder.ours):
            remove_if_there(_WHOLE, folder.ours)
            folder.settle()

    @property
    def is_whole(self) -> bool:
        """Whether it is proven that all in it is as the codec writes it now."""
        mark = self._folder.codec.mark(_WHOLE, self._folder.id)
        return bool(mark) and read_file(_WHOLE, self._folder.ours) == mark

    def note_whole(self) -> None:
        """Prove durably that all in it is as the codec writes it now."""
        self._put(_WHOLE, self._folder.codec.mark(_WHOLE, self._folder.id))

    def _put(self, name: str, marks: bytes) -> None:
        with self._folder.unfinished_file(marks, sync=self._folder.is_synced) as temporary:
            os.rename(temporary, name, src_dir_fd=self._folder.ours, dst_dir_fd=self._folder.ours)
        self._folder.settle()

    def _marks(self, id_: str) -> bytes:
        name = self._folder.id_files().get(id_)
        return (read_file(name, self._folder.ours) or b"") if name else b""

    def change(self, old_id: str, new_id: str) -> None:
        """Put an id in the place of another."""
        ours, old = self._folder.ours, self._folder.id_files()[old_id]
        os.rename(old, _file_name(new_id, self._folder.identity[1]), src_dir_fd=ours, dst_dir_fd=ours)
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
