"""How many session files a folder holds, of which types, and their bytes.

Every function may raise OSError.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from sessionworker.file_names import decode_name, encode_name
from sessionworker.names import KEY_TYPES, type_of_key
from sessionworker.stores.files.folder import Folder

TYPES = (*KEY_TYPES, "other")
_places = {kind: place for place, kind in enumerate(TYPES)}


class Tally(Struct, frozen=True, array_like=True, gc=False):
    """What a folder holds, as long as nobody changes the names in it."""

    changed: int
    """The time of the folder's last change then, in nanoseconds: each change of a name in it sets it."""
    files: int = 0
    bytes: int = 0
    last_write: int = 0
    """Milliseconds since 1970, 0 if nothing was written."""
    of_types: tuple[int, ...] = (0,) * len(TYPES)
    """How many files there are of each of TYPES."""

    @property
    def types(self) -> dict[str, int]:
        """How many files there are of each type of key that there is."""
        return {kind: count for kind, count in zip(TYPES, self.of_types, strict=True) if count}

    def after(self, gone: Mapping[str, int], new: Mapping[str, int]) -> Self:
        """Return it after files of some keys went, and came, each with its bytes."""
        of_types = list(self.of_types)
        for key in gone:
            of_types[_places[type_of_key(key)]] -= 1
        for key in new:
            of_types[_places[type_of_key(key)]] += 1
        return replace(
            self,
            files=self.files - len(gone) + len(new),
            bytes=self.bytes - sum(gone.values()) + sum(new.values()),
            of_types=tuple(of_types),
        )


def count(folder: Folder, apart: Collection[str] = ()) -> tuple[Tally, dict[str, int]]:
    """Count the session files of a folder; return also the sizes of those of some keys, which are not counted in."""
    tally, sizes, sizes_apart, last_write = Tally(last_change(folder)), {}, {}, 0
    with os.scandir(folder.handle) as entries:
        for entry in entries:
            key = decode_name(entry.name)
            if key is None or not entry.is_file(follow_symlinks=False):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # deleted meanwhile
            if key in apart:
                sizes_apart[key] = status.st_size
            else:
                sizes[entry.name, key] = status.st_size
                last_write = max(last_write, status.st_mtime_ns // 1_000_000)
    of_types = [0] * len(TYPES)
    for _, key in sizes:
        of_types[_places[type_of_key(key)]] += 1
    counted = replace(
        tally, files=len(sizes), bytes=sum(sizes.values()), last_write=last_write, of_types=tuple(of_types)
    )
    return counted, sizes_apart


def last_change(folder: Folder) -> int:
    """Return when a name in a folder changed last, in nanoseconds."""
    return os.fstat(folder.handle).st_mtime_ns


def file_sizes(folder: Folder, keys: Iterable[str]) -> dict[str, int]:
    """Return the bytes of the session files of some keys, of those that there are."""
    sizes = {}
    for key in keys:
        try:
            status = os.stat(encode_name(key), dir_fd=folder.handle, follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            sizes[key] = status.st_size
    return sizes
