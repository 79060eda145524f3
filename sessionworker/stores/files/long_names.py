"""Names that are too long for a file name once they are sealed.

Such a name has the beginning of its sealed form for a file name: it can be looked up by that, as any other. What it
stands for is told by a file in `.sessionworker/names`, which is there before anything has the name: without it nothing
is lost, but could not be listed. These files are few, are read at the start, and stay until all is rewritten.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock

from sessionworker.disk import NotAFile, make_folder, opened_folder, read_file, remove_if_there, write_new
from sessionworker.file_names import OURS
from sessionworker.stores.seal import NotOpened, Seal

NAMES = "names"

_PURPOSE = b"long name"
_UNFINISHED = "new"


class LongNames:
    """Those of one store. Any thread may call; every method may raise OSError."""

    def __init__(self, root: int, seal: Seal, *, sync: bool) -> None:
        """Keep them in the store in the folder `root`, sealed. `sync` tells whether to wait for the disk."""
        self._root = root
        self._seal = seal
        self._sync = sync
        self._lock = Lock()
        self._names: dict[str, str] = {}
        self._older: list[str] = []
        with suppress(FileNotFoundError), opened_folder(f"{OURS}/{NAMES}", root) as folder:
            for file_name in os.listdir(folder):
                self._load(file_name, folder)

    def _load(self, file_name: str, folder: int) -> None:
        with suppress(NotAFile, NotOpened):
            data = read_file(file_name, folder) or b""
            self._names[file_name] = self._seal.open(data, _PURPOSE, file_name.encode()).decode()
            if self._seal.is_current(data):
                return
        self._older.append(file_name)

    def get(self, file_name: str) -> str | None:
        """Return the name that a file name stands for, or None."""
        return self._names.get(file_name)

    def keep(self, file_name: str, name: str) -> None:
        """Write down what a file name stands for, durably."""
        with self._lock:
            if self._names.get(file_name) == name:
                return
            with opened_folder(OURS, self._root) as ours:
                make_folder(NAMES, ours, sync=self._sync)
            with opened_folder(f"{OURS}/{NAMES}", self._root) as folder:
                remove_if_there(_UNFINISHED, folder)
                data = self._seal.seal(name.encode(), _PURPOSE, file_name.encode())
                write_new(_UNFINISHED, folder, data, sync=self._sync)
                os.rename(_UNFINISHED, file_name, src_dir_fd=folder, dst_dir_fd=folder)
                if self._sync:
                    os.fsync(folder)
            self._names[file_name] = name
            self._older = [older for older in self._older if older != file_name]

    def forget_older(self) -> None:
        """Remove what was sealed with another key: nothing has such a name any more."""
        self._forget(self._older)

    def forget_all(self) -> None:
        """Remove all of them: nothing is sealed any more."""
        self._forget([*self._older, *self._names])

    def _forget(self, file_names: Iterable[str]) -> None:
        with self._lock, suppress(FileNotFoundError), opened_folder(f"{OURS}/{NAMES}", self._root) as folder:
            for file_name in file_names:
                remove_if_there(file_name, folder)
                self._names.pop(file_name, None)
            self._older = []
