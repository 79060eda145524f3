"""What was set aside of an instance, since it could not be the value of a key: kept for a person to look at."""

from __future__ import annotations

import os
import re
from contextlib import suppress

from sessionworker.disk import NotAFile, make_folder, open_folder, opened_folder, read_file, remove_if_there, stands_in
from sessionworker.file_names import LONGEST_FILE_NAME
from sessionworker.stores.files.codec import SEALED, SealBroken
from sessionworker.stores.files.folder import BROKEN, OLD_BROKEN, Folder

_parts = re.compile(r"(\d+-\d+|\d{13,}(?=-))(?:-(.*))?", re.DOTALL).fullmatch  # when, 0.1.0 has no number, and its name
_SOME_TIME = "0" * 13
"""When something was set aside that somebody put there."""


class BrokenFiles:
    """Those in an instance's folder. Every method may raise OSError."""

    def __init__(self, folder: Folder) -> None:
        """Look into `folder`, which stays open meanwhile."""
        self._folder = folder

    def rewrite(self) -> None:
        """Write those anew that are not as the codec would write them: plain ones may hold what nobody is to read."""
        self._take_over()
        try:
            handle = open_folder(BROKEN, self._folder.ours)
        except FileNotFoundError:
            return
        try:
            for name in os.listdir(handle):
                self._rewrite(name, handle)
            if self._folder.is_synced:
                os.fsync(handle)
        finally:
            os.close(handle)

    def _take_over(self) -> None:
        """Take what 0.1.0 set aside in a folder that was taken over from it before, if somebody went back to it."""
        folder = self._folder
        with suppress(FileNotFoundError, NotADirectoryError), opened_folder(OLD_BROKEN, folder.handle) as old:
            make_folder(BROKEN, folder.ours, sync=folder.is_synced)
            with opened_folder(BROKEN, folder.ours) as new:
                for name in os.listdir(old):
                    if not stands_in(name, new):
                        os.rename(name, name, src_dir_fd=old, dst_dir_fd=new)

    def _rewrite(self, name: str, handle: int) -> None:
        folder, codec, parts = self._folder, self._folder.codec, _parts(name)
        try:
            data = read_file(name, handle)
        except NotAFile:  # a folder, or a link
            return
        if data is None:
            return
        when, called = (parts[1], self._plain_name(parts[2] or "")) if parts else (_SOME_TIME, name)
        try:
            content = codec.open(data, "broken", folder.id, when)
        except SealBroken:
            return  # it was sealed when it broke: nobody can read it
        ours = self._name(when, called)
        if ours == name and codec.is_current(data):
            return
        with folder.unfinished_file(codec.seal(content, "broken", folder.id, when), sync=folder.is_synced) as new:
            os.rename(new, ours, src_dir_fd=folder.ours, dst_dir_fd=handle)
        if ours != name:
            if folder.is_synced:
                os.fsync(handle)
            remove_if_there(name, handle)

    def _plain_name(self, called: str) -> str:
        """Return how a session file was called on the disk; empty where that cannot be told."""
        if not called.startswith(SEALED):
            return called
        return self._folder.codec.decode_name(called, "broken", self._folder.id) or ""

    def _name(self, when: str, called: str) -> str:
        name = f"{when}-{self._folder.codec.encode_name(called, 'broken', self._folder.id)}" if called else when
        return name if len(name.encode(errors="surrogateescape")) <= LONGEST_FILE_NAME else when
