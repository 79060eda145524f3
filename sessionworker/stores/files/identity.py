"""Whose folder one is: its id, as the name of a file in it, and in that file what proves whose instance it is.

Where nothing is sealed nothing is proven. Where it is, nobody without the key can let one instance's folder pass for
another's, nor say that all in it is sealed.
"""

from __future__ import annotations

import os
from contextlib import suppress

from sessionworker.disk import make_folder, opened_folder, read_file, stands_in, write_new
from sessionworker.file_names import OURS
from sessionworker.stores.files.folder import BROKEN, ID, OLD_BROKEN, OLD_VERSIONS, VERSIONS, Folder

_OF, _WHOLE = "of", "whole"


class Identity:
    """That of an instance's folder. Every method may raise OSError."""

    def __init__(self, folder: Folder) -> None:
        """Look into `folder`, which stays open meanwhile."""
        self._folder = folder

    def begin(self, new_id: str, group: str, instance: str) -> None:
        """Give a new folder its id and prove whose it is, durably."""
        folder, mark = self._folder, self._folder.codec.mark
        make_folder(OURS, folder.handle, sync=folder.is_synced)
        self._add_id(new_id, mark(_OF, new_id, group, instance) + mark(_WHOLE, new_id))

    def take_over(self, new_id: str, group: str, instance: str) -> None:
        """Give a folder its id, and what 0.1.0 left in it its place. Both are durable then, the id last."""
        folder = self._folder
        make_folder(OURS, folder.handle, sync=folder.is_synced)
        for old, new in ((OLD_VERSIONS, VERSIONS), (OLD_BROKEN, BROKEN)):
            with suppress(FileNotFoundError, NotADirectoryError), opened_folder(old, folder.handle):
                if not stands_in(new, folder.ours):
                    os.rename(old, new, src_dir_fd=folder.handle, dst_dir_fd=folder.ours)
        self._add_id(new_id, folder.codec.mark(_OF, new_id, group, instance))

    def _add_id(self, new_id: str, marks: bytes) -> None:
        folder = self._folder
        write_new(f"{ID}{new_id}", folder.ours, marks, sync=folder.is_synced and bool(marks))
        folder.settle()

    def is_of(self, group: str, instance: str) -> bool:
        """Tell whether it is proven to be an instance's, or has no id yet."""
        codec = self._folder.codec
        ids = self._folder.ids() if codec.is_bound else []
        return all(codec.is_proven(self._marks(id_), _OF, id_, group, instance) for id_ in ids)

    def prove(self, group: str, *instances: str, is_whole: bool = False) -> None:
        """Prove durably that it is an instance's, of whichever of these names, and of no other.

        `is_whole` tells that all in it is as the codec writes it now, which else is told only if it was before.
        """
        folder, mark, id_ = self._folder, self._folder.codec.mark, self._folder.id
        whole, before = mark(_WHOLE, id_), self._marks(id_)
        marks = b"".join(mark(_OF, id_, group, name) for name in dict.fromkeys(instances))
        marks += whole if is_whole or whole in before else b""
        if marks != before:
            with folder.unfinished_file(marks, sync=folder.is_synced) as temporary:
                os.rename(temporary, f"{ID}{id_}", src_dir_fd=folder.ours, dst_dir_fd=folder.ours)
            folder.settle()

    def _marks(self, id_: str) -> bytes:
        return read_file(f"{ID}{id_}", self._folder.ours) or b""

    def change(self, old_id: str, new_id: str) -> None:
        """Put an id in the place of another."""
        ours = self._folder.ours
        os.rename(f"{ID}{old_id}", f"{ID}{new_id}", src_dir_fd=ours, dst_dir_fd=ours)
        if self._folder.is_synced:
            os.fsync(ours)
