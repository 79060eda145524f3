"""Whose folder one is: its id, in the name of an empty file in it. An empty one takes no block of a full disk.

With the id goes the inode of the folder that was given it. A rename keeps that, a copy has another: so a folder that
was moved is told from a copy of it, also where nobody can look at all others.

Where nothing is sealed nothing is proven. Where it is, marks follow that only who has a key can make: they prove whose
instance it is. So nobody else can let one instance's folder pass for another's. And the name of one more empty file
proves that all in the folder is sealed.

    id-<32 hexadecimal digits>-<inode>[-<mark>...]
    whole-<mark>
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from sessionworker.disk import make_folder, opened_folder, remove_if_there, stands_in, write_new
from sessionworker.file_names import OURS
from sessionworker.stores.files.folder import BROKEN, ID, OLD_BROKEN, OLD_VERSIONS, VERSIONS, Folder

_OF, _WHOLE = "of", "whole"

_NO_MARK = b"?"
"""What proves nothing, and is not nothing either."""


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
            write_new(_whole_name(whole), folder.ours, b"", sync=False)
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

    def _add(self, new_id: str, inode: int, mark: bytes) -> None:
        write_new(_id_name(new_id, str(inode), mark), self._folder.ours, b"", sync=False)
        self._folder.settle()

    def is_of(self, group: str, instance: str) -> bool:
        """Tell whether it is proven to be an instance's, or has no id yet."""
        codec = self._folder.codec
        names = self._folder.id_files() if codec.is_bound else {}
        return all(codec.is_proven(_marks_in(name), _OF, id_, group, instance) for id_, name in names.items())

    def is_older(self, group: str, instance: str) -> bool:
        """Tell whether it is proven to be an instance's, and that with another key than the one that seals now."""
        codec = self._folder.codec
        marks = {id_: _marks_in(name) for id_, name in self._folder.id_files().items()}
        now = {id_: codec.mark(_OF, id_, group, instance) for id_ in marks}
        return bool(marks) and self.is_of(group, instance) and not all(now[id_] in marks[id_] for id_ in marks)

    def prove(self, *places: tuple[str, str]) -> None:
        """Prove durably that it is an instance's, at whichever of these places, each a group and a name; at no other.

        It is about to be written to; see `begin_to_write`.
        """
        folder, id_ = self._folder, self._folder.id
        old = folder.id_files()[id_]
        marks = [folder.codec.mark(_OF, id_, *place) for place in dict.fromkeys(places)]
        new = _id_name(id_, _inode_in(old), *marks)
        if new != old:
            os.rename(old, new, src_dir_fd=folder.ours, dst_dir_fd=folder.ours)
            folder.settle()
        self.begin_to_write()

    def begin_to_write(self) -> None:
        """Note that it is written to: what was proven of all in it holds no longer, if that was with another key."""
        if self._folder.codec.is_bound and not self.is_whole:
            self._forget_whole()

    @property
    def is_whole(self) -> bool:
        """Whether it is proven that all in it is as the codec writes it now."""
        mark = self._folder.codec.mark(_WHOLE, self._folder.id)
        return bool(mark) and stands_in(_whole_name(mark), self._folder.ours)

    def note_whole(self) -> None:
        """Prove durably that all in it is as the codec writes it now."""
        self._forget_whole()
        if mark := self._folder.codec.mark(_WHOLE, self._folder.id):
            write_new(_whole_name(mark), self._folder.ours, b"", sync=False)
            self._folder.settle()

    def _forget_whole(self) -> None:
        names = [name for name in os.listdir(self._folder.ours) if name.startswith(_whole_name(b""))]
        for name in names:
            remove_if_there(name, self._folder.ours)
        if names:
            self._folder.settle()

    def change(self, old_id: str, new_id: str) -> None:
        """Put an id in the place of another, which the folder has as a copy of somebody's."""
        ours, old = self._folder.ours, self._folder.id_files()[old_id]
        os.rename(old, _id_name(new_id, str(self._folder.identity[1])), src_dir_fd=ours, dst_dir_fd=ours)
        if self._folder.is_synced:
            os.fsync(ours)

    def is_original(self, id_: str) -> bool:
        """Tell whether this very folder was given an id, wherever it was moved since."""
        return _inode_in(self._folder.id_files().get(id_, "")) == str(self._folder.identity[1])


def new_id() -> str:
    """Return an id that no instance has."""
    return secrets.token_hex(16)


def _id_name(id_: str, inode: str, *marks: bytes) -> str:
    return "-".join([f"{ID}{id_}", inode, *(mark.hex() for mark in marks if mark)])


def _inode_in(id_name: str) -> str:
    return id_name.split("-")[2] if id_name.count("-") > 1 else ""


def _marks_in(id_name: str) -> bytes:
    try:
        return b"".join(map(bytes.fromhex, id_name.split("-")[3:]))
    except ValueError:  # somebody's
        return _NO_MARK


def _whole_name(mark: bytes) -> str:
    return f"{_WHOLE}-{mark.hex()}"
