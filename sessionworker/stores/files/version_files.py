"""Older `creds` of one instance: a file for each version."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from sessionworker.disk import NotAFile, make_folder, open_folder, opened_folder, read_file, remove_if_there
from sessionworker.file_names import OURS
from sessionworker.stores.files.folder import OLD_VERSIONS, VERSIONS, Folder
from sessionworker.stores.rules.versions import Version, parse_version


class VersionFiles:
    """Those in an instance's folder. Every method may raise OSError."""

    def __init__(self, folder: Folder) -> None:
        """Look into `folder`, which stays open meanwhile."""
        self._folder = folder

    def all(self) -> list[Version]:
        """Return the versions that are kept, oldest first."""
        with self._opened() as handle:
            names = os.listdir(handle) if handle is not None else []
        return sorted(version for name in names if (version := parse_version(name)) is not None)

    def read(self, version: Version) -> bytes | None:
        """Return the `creds` of a version, or None if they are gone. Raises NotAFile where they are broken."""
        with self._opened() as handle:
            data = read_file(version.file_name, handle) if handle is not None else None
        return None if data is None else self._folder.codec.open(data, *self._bound(version))

    def read_raw(self, version: Version) -> bytes:
        """Return what the file of a version holds, as it lies there."""
        with self._opened() as handle:
            return (read_file(version.file_name, handle) if handle is not None else None) or b""

    def sizes(self) -> dict[Version, int]:
        """Return the size of each version in bytes."""
        sizes: dict[Version, int] = {}
        with self._opened() as handle:
            for name in os.listdir(handle) if handle is not None else ():
                version = parse_version(name)
                if version is not None:
                    with suppress(FileNotFoundError):  # let go of meanwhile
                        sizes[version] = self._size(version, handle)
        return sizes

    def _size(self, version: Version, handle: int | None) -> int:
        size = os.stat(version.file_name, dir_fd=handle).st_size
        if self._folder.codec.is_bound:  # of one that is sealed, and one that is not yet, the names are the same
            with suppress(NotAFile):
                return len(self.read(version) or b"")
        return size

    def rewrite(self) -> None:
        """Write those anew that are not as the codec writes them now; what does not open stays as it is."""
        self._take_over()
        for version in self.all():
            with self._opened() as handle:
                data = read_file(version.file_name, handle) if handle is not None else None
            if data is not None and not self._folder.codec.is_current(data):
                with suppress(NotAFile):
                    self.keep((), {version: self._folder.codec.open(data, *self._bound(version))})

    def _take_over(self) -> None:
        """Take what 0.1.0 kept in a folder that was taken over from it before, if somebody went back to it."""
        with suppress(FileNotFoundError, NotADirectoryError), opened_folder(OLD_VERSIONS, self._folder.handle) as old:
            for version in filter(None, map(parse_version, os.listdir(old))):
                with suppress(NotAFile):
                    self.keep((), {version: read_file(version.file_name, old) or b""})
                    os.unlink(version.file_name, dir_fd=old)

    def keep(self, remove: Iterable[Version], add: Mapping[Version, bytes]) -> None:
        """Let go of some versions, which makes room, and then keep others, durably."""
        ours, sync = self._folder.ours, self._folder.is_synced
        handle = self._open_or_make()
        try:
            for version in remove:
                remove_if_there(version.file_name, handle)
            for version, value in add.items():
                data = self._folder.codec.seal(value, *self._bound(version))
                with self._folder.unfinished_file(data, sync=sync) as temporary:
                    os.rename(temporary, version.file_name, src_dir_fd=ours, dst_dir_fd=handle)
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)

    def _bound(self, version: Version) -> tuple[str, str, str]:
        return "version", self._folder.id, version.file_name

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
        try:
            handle = open_folder(f"{OURS}/{VERSIONS}", self._folder.handle)
        except FileNotFoundError:
            try:
                handle = open_folder(OLD_VERSIONS, self._folder.handle)
            except FileNotFoundError:
                yield None
                return
        try:
            yield handle
        finally:
            os.close(handle)

    def _open_or_make(self) -> int:
        """Open their folder, which is made if it is missing; `Folder.settle` made durable what there was."""
        ours = self._folder.ours
        try:
            return open_folder(VERSIONS, ours)
        except FileNotFoundError:
            make_folder(VERSIONS, ours, sync=self._folder.is_synced)
            return open_folder(VERSIONS, ours)
