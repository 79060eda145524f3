"""What was set aside of an instance, since it could not be the value of a key: kept for a person to look at."""

from __future__ import annotations

import os
import re
from contextlib import suppress

from sessionworker import file_names
from sessionworker.disk import (
    NotAFile,
    make_folder,
    open_folder,
    opened_folder,
    read_file,
    remove_if_there,
    stands_in,
    write_new,
)
from sessionworker.file_names import LONGEST_FILE_NAME
from sessionworker.stores.files.codec import SEALED, SealBroken
from sessionworker.stores.files.folder import BROKEN, OLD_BROKEN, Folder
from sessionworker.stores.transfer import label_of

_parts = re.compile(r"(\d+-\d+|\d{13,}(?=-))(?:-(.*))?", re.DOTALL).fullmatch  # when, 0.1.0 has no number, and its name
_SOME_TIME = "0" * 13
"""When something was set aside that somebody put there."""


class BrokenFiles:
    """Those in an instance's folder. Every method may raise OSError."""

    def __init__(self, folder: Folder) -> None:
        """Look into `folder`, which stays open meanwhile."""
        self._folder = folder

    def all(self) -> list[tuple[int, str, str]]:
        """Return when each was set aside, in milliseconds since 1970, a label for its key, and its file's name."""
        found = []
        with (
            suppress(FileNotFoundError),
            opened_folder(BROKEN, self._folder.ours) as handle,
            os.scandir(handle) as files,
        ):
            for name in sorted(file.name for file in files if file.is_file(follow_symlinks=False)):
                when, called = _when_and_what(name)
                found.append((int(when.partition("-")[0]), label_of(self._key_of(called)), name))
        return found

    def _key_of(self, called: str) -> str:
        """Return the key whose file was called so; empty where that cannot be told."""
        plain = self._plain_name(called)
        key = file_names.decode_name(plain) if plain else self._folder.key_of(called)
        return key or ""

    def read(self, file_name: str) -> bytes:
        """Return what one holds, unsealed where that can be done."""
        folder, (when, called) = self._folder, _when_and_what(file_name)
        with opened_folder(BROKEN, folder.ours) as handle:
            data = read_file(file_name, handle) or b""
        for bound in (("broken", folder.id, when), ("value", folder.id, self._key_of(called))):
            with suppress(SealBroken):
                return folder.codec.open(data, *bound)
        return data

    def keep(self, when: int, label: str, content: bytes) -> None:
        """Keep one that another store had set aside."""
        folder, set_aside_at = self._folder, f"{when:013}-0"
        make_folder(BROKEN, folder.ours, sync=folder.is_synced)
        name = self._name(set_aside_at, file_names.encode_name(label))
        with opened_folder(BROKEN, folder.ours) as handle:
            data = folder.codec.seal(content, "broken", folder.id, set_aside_at)
            write_new(name, handle, data, sync=folder.is_synced)

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
        folder, codec = self._folder, self._folder.codec
        try:
            data = read_file(name, handle)
        except NotAFile:  # a folder, or a link
            return
        if data is None:
            return
        when, what = _when_and_what(name)
        called = self._plain_name(what)
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
        ours = self._folder.codec.encode_name(called, "broken", self._folder.id) if called else ""
        what = ours if ours.startswith(SEALED) else called  # which is a file's name already
        name = f"{when}-{what}" if what else when
        return name if len(name.encode(errors="surrogateescape")) <= LONGEST_FILE_NAME else when


def _when_and_what(name: str) -> tuple[str, str]:
    """Return when a file was set aside, as it is said there, and how it was called before."""
    parts = _parts(name)
    return (parts[1], parts[2] or "") if parts else (_SOME_TIME, name)
